"""Runs one measurement and keeps what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import innerview as iv
from contest import Call, Times, difference, enough_rounds, memory_of, race, warmed
from measurements import FORWARD, OURS, Measurement
from scene import Scene


@dataclass(frozen=True)
class Outcome:
    """What one measurement gave.

    Attributes:
        work: what was measured.
        times: by contestant, the bare forward pass among them; only of those whose result agrees with ours.
        differences: by contestant, the largest difference from our result, as a fraction of the largest value.
        memory: by contestant, the peak in bytes.
        remarks: who was left out and why.
    """

    work: Measurement
    times: dict[str, Times]
    differences: dict[str, float]
    memory: dict[str, int]
    remarks: tuple[str, ...]

    def ratio(self, other: str) -> float:
        """Their time over ours."""
        return self.times[other].median / self.times[OURS].median

    def share(self, other: str) -> float:
        """Our peak memory over theirs."""
        return self.memory[OURS] / self.memory[other]


def measure(work: Measurement, scene: Scene, rounds: int | None = None) -> Outcome:
    """Compare the results, then the times, then the memory; `rounds` as suits the slowest, unless given."""
    calls, remarks = _ready(work, scene)
    warm = warmed(calls)
    reference = work.shown(warm[OURS][1])
    differences = {name: difference(work.shown(result), reference) for name, (_, result) in warm.items()}
    for name, gap in differences.items():
        if not gap <= work.tolerance:
            remarks.append(f"{name} on {work.network} was not timed: its result differs from ours by {gap:.1e}")
            del calls[name]
    times = race(calls | {FORWARD: scene.forward}, rounds or enough_rounds(max(warm[name][0] for name in calls)))
    return Outcome(work, times, differences, _memory(work, scene, calls), tuple(remarks))


def _ready(work: Measurement, scene: Scene) -> tuple[dict[str, Call], list[str]]:
    calls: dict[str, Call] = {}
    remarks = []
    for name, prepare in work.contestants.items():
        try:
            calls[name] = prepare(scene)
        except ModuleNotFoundError as missing:
            remarks.append(f"{name} was left out: the package {missing.name!r} is not installed")
    return calls, remarks


def _memory(work: Measurement, scene: Scene, contestants: Iterable[str]) -> dict[str, int]:
    if work.memory is None:
        return {}
    size = scene.image.shape[-1]
    peaks = {name: memory_of(work.method, work.network, size, name) for name in contestants}
    return {name: value for name, value in peaks.items() if value is not None}


def missing(work: Measurement) -> str | None:
    """Why innerview itself cannot take part, if it cannot."""
    return None if work.method in iv.METHODS else f"innerview has no method {work.method!r}"
