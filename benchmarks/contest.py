"""Contestants take turns at the same work, after their results were seen to agree."""

import gc
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from scene import Scene

Call = Callable[[], Tensor]
Prepare = Callable[[Scene], Call]
"""Imports what it needs, sets it up for a scene and gives the call that is measured."""

FORGET_PEAK = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Times:
    """The wall-clock seconds of one contestant, round by round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one, which a disturbance in one round does not move."""
        return statistics.median(self.seconds)


def race(calls: Mapping[str, Call], rounds: int) -> dict[str, Times]:
    """Everyone once per round, each time another one first: what stands before a call can make it slower."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    with _quiet():
        for turn in range(rounds):
            gc.collect()
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                seconds[name].append(timed(calls[name])[0])
    return {name: Times(tuple(values)) for name, values in seconds.items()}


def warmed(calls: Mapping[str, Call]) -> dict[str, tuple[float, Tensor]]:
    """Everyone once, outside the contest: how long it took and the result."""
    with _quiet():
        return {name: timed(call) for name, call in calls.items()}


def fastest(calls: Mapping[int, Call]) -> int:
    """The key of the call that is fastest once warm; for a peer's setting that its documentation leaves open."""
    warmed(calls)
    return min((seconds, key) for key, (seconds, _) in warmed(calls).items())[1]


def timed(call: Call) -> tuple[float, Tensor]:
    """The wall-clock seconds of one call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def enough_rounds(slowest: float) -> int:
    """How many rounds, given the seconds of the slowest contestant: many of what is quick."""
    return next(rounds for limit, rounds in ((1, 11), (20, 5), (100, 2), (float("inf"), 1)) if slowest <= limit)


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, as a fraction of the largest value."""
    return ((one - other).abs().max() / other.abs().max()).item()


def memory_of(method: str, network: str, size: int, contestant: str) -> int | None:
    """The peak of `contestant` in bytes, in a process of its own; None where the system does not tell."""
    if not FORGET_PEAK.exists():
        return None
    script = Path(__file__).with_name("memory.py")
    command = [sys.executable, str(script), method, network, str(size), contestant]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603 - our own script


def peak(call: Call) -> int:
    """By how many bytes this process grows at most during the call.

    The kernel's high-water mark is reset first: loading takes more memory than running. `ru_maxrss` cannot be
    reset, and a new process inherits it from the one that started it.
    """
    gc.collect()
    FORGET_PEAK.write_text("5")
    before = _resident("VmRSS")
    with _quiet():
        call()
    return _resident("VmHWM") - before


def _resident(which: str) -> int:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[which].split()[0]) * 1024


@contextmanager
def _quiet() -> Iterator[None]:
    """Without garbage collection, and without the warnings some peers give at every call."""
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        gc.enable()
