"""How long the first page takes: `python benchmarks/tour.py --out docs/tour-cost.md`.

`innerview tour` as a newcomer runs it, each time in a process of its own, beside a process that only imports PyTorch,
and one forward pass of the same network.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import torch

import innerview as iv
from innerview.results import versions

ROUNDS = 3
THREADS = 2
TOUR = "import sys; from innerview.cli.main import main; sys.exit(main(sys.argv[1:]))"
COMMANDS = {
    "importing torch and torchvision": ("import torch, torchvision",),
    "`innerview tour`": (TOUR, "tour", "--out", "page.html"),
    "`innerview tour --network builtin/tiny-resnet`": (
        TOUR,
        "tour",
        "--network",
        "builtin/tiny-resnet",
        "--out",
        "page.html",
    ),
    "`innerview tour --all`": (TOUR, "tour", "--all", "--out", "page.html"),
}


class Run(NamedTuple):
    """What a process took: seconds, and bytes of memory at its peak."""

    seconds: float
    peak: int


def run(command: Sequence[str], folder: Path) -> Run:
    """One process from start to end."""
    start = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own lines
        [sys.executable, "-c", *command],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": str(THREADS)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Run(time.perf_counter() - start, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def forward_pass() -> float:
    """The median seconds of one, for one image."""
    torch.set_num_threads(THREADS)
    net = iv.load()
    x = net.prepare("sample:cat")
    times = []
    with torch.inference_mode():
        for _ in range(23):
            start = time.perf_counter()
            net.module(x)
            times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


def measured() -> dict[str, Run]:
    """Of each command the medians over the rounds, in which they take turns."""
    runs: dict[str, list[Run]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name, command in COMMANDS.items():
                runs[name].append(run(command, Path(folder)))
    return {name: Run(*(statistics.median(each) for each in zip(*taken, strict=True))) for name, taken in runs.items()}


def page(found: Mapping[str, Run], single: float) -> str:
    """The table, with what it was measured on."""
    libraries = ", ".join(f"{name} {number}" for name, number in versions().items())
    rows = [
        f"| {name} | {each.seconds:.1f} s | {each.seconds / single:,.0f} | {each.peak / 2**20:,.0f} MiB |"
        for name, each in found.items()
    ]
    return "\n".join(
        [
            "# How long the first page takes",
            "",
            "A whole process: starting Python, importing PyTorch, loading the network, every section of the page.",
            "",
            f"Measured on {datetime.now(UTC):%Y-%m-%d} on a {platform.machine()} CPU with {THREADS} threads,",
            f"{libraries}, by `python benchmarks/tour.py --out docs/tour-cost.md`: medians of {ROUNDS} rounds.",
            f"One forward pass of the default network takes {1000 * single:.0f} ms there.",
            "",
            "| what | time | in forward passes | memory at the peak |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("tour-cost.md"))
    options = parser.parse_args(arguments)
    options.out.write_text(page(measured(), forward_pass()), encoding="utf-8")


if __name__ == "__main__":
    main()
