"""The page of results, written from the outcomes of one run."""

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path

import innerview as iv
import peers
from contest import Times
from measurements import FORWARD, OURS
from outcome import Outcome
from scene import THREADS

Row = Sequence[str]

HOW = """\
Every contestant does the same work on the same network (torchvision's, random weights) and one image of
{size} × {size} random numbers. Before anything is timed, every contestant runs once and its result is compared with
innerview's; the largest difference is given as a fraction of the largest value, and whoever differs by more than the
tolerance is not timed. Then they take turns, round by round. A time is the median of the rounds, with the fastest and
the slowest in brackets. innerview's time is that of the public call, with all it does around the method itself. Peers
are used as their documentation says; where a setting changes only their speed, the fastest that was tried, or all of
them, are shown. Peak memory is that of the first call in a fresh process, above what the loaded network takes.

The goal of occlusion against innerview's own full passes is 90 % of what an exact map can save, counted in
multiplications, if the windows of a row are one batch.
"""
QUICK = """
**This was a quick run**: the windows of occlusion stand in rows 32 pixels apart instead of 8, for everyone, and what
takes longest was left out. Its ratios for occlusion are not those of the full map.
"""


def page(outcomes: Sequence[Outcome], size: int, quick: bool, remarks: Iterable[str]) -> str:
    """The whole page in Markdown."""
    topics = [_topic(method, list(each)) for method, each in groupby(outcomes, lambda each: each.work.method)]
    left = [*remarks, *(remark for each in outcomes for remark in each.remarks)]
    parts = ["# Benchmarks\n", _machine(), HOW.format(size=size), QUICK if quick else "", _goals(outcomes), *topics]
    parts += ["## Left out\n", "".join(f"- {remark}\n" for remark in left)] if left else []
    command = "python benchmarks/attribution.py" + (" --quick" if quick else "")
    return "\n".join([*(part for part in parts if part), f"Written by `{command} --out …`.\n"])


def _machine() -> str:
    packages = ("torch", "torchvision", "numpy")
    versions = {"innerview": iv.__version__} | {each: metadata.version(each) for each in packages} | peers.versions()
    return (
        f"Measured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} on {_processor()}, {os.cpu_count()} cores, "
        f"{THREADS} threads, Python {platform.python_version()}, "
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}.\n"
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def _topic(method: str, outcomes: Sequence[Outcome]) -> str:
    tables = [
        _table(
            ("network", "against", "innerview", "they", "times faster", "goal", "difference"),
            [row for each in outcomes for row in _duels(each)],
        ),
        _table(
            ("network", "innerview", "bare forward pass", "in forward passes", "goal"),
            [_passes(each) for each in outcomes],
        ),
        _table(
            ("network", "against", "innerview's peak", "their peak", "share", "goal"),
            [row for each in outcomes for row in _peaks(each)],
        ),
    ]
    return "\n".join([f"## {iv.METHODS[method].about.title}\n", *filter(None, tables)])


def _table(head: Row, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _duels(outcome: Outcome) -> list[Row]:
    work = outcome.work
    return [
        (
            work.network,
            other,
            _seconds(outcome.times[OURS]),
            _seconds(times),
            f"**{outcome.ratio(other):.2f}**",
            at_least(outcome.ratio(other), work.faster.get(other)),
            f"{outcome.differences[other]:.0e}",
        )
        for other, times in outcome.times.items()
        if other not in (OURS, FORWARD)
    ]


def _passes(outcome: Outcome) -> Row:
    passes = 1 / outcome.ratio(FORWARD)
    times = (_seconds(outcome.times[name]) for name in (OURS, FORWARD))
    return outcome.work.network, *times, f"**{passes:.2f}**", at_most(passes, outcome.work.passes)


def _peaks(outcome: Outcome) -> list[Row]:
    goals = outcome.work.memory or {}
    return [
        (
            outcome.work.network,
            other,
            _megabytes(outcome.memory[OURS]),
            _megabytes(peak),
            f"**{outcome.share(other):.2f}**",
            at_most(outcome.share(other), goals.get(other)),
        )
        for other, peak in outcome.memory.items()
        if other != OURS
    ]


def at_least(value: float, goal: float | None) -> str:
    """The goal, and whether it is reached; nothing where there is none."""
    return "" if goal is None else f"≥ {goal:.3g} {_reached(value >= goal)}"


def at_most(value: float, goal: float | None) -> str:
    """The goal, and whether it is reached; nothing where there is none."""
    return "" if goal is None else f"≤ {goal:.3g} {_reached(value <= goal)}"


def _reached(yes: bool) -> str:
    return "reached" if yes else "**not reached**"


def _goals(outcomes: Sequence[Outcome]) -> str:
    cells = [cell for each in outcomes for row in (*_duels(each), _passes(each), *_peaks(each)) for cell in row]
    reached = sum(cell.endswith(" reached") for cell in cells)
    return f"Goals reached: {reached} of {reached + sum(cell.endswith('not reached**') for cell in cells)}.\n"


def _seconds(times: Times) -> str:
    low, middle, high = (f"{each:.3g}" for each in (min(times.seconds), times.median, max(times.seconds)))
    return f"{middle} s ({low}–{high})"


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
