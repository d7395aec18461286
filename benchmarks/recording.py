"""What it costs to record a training run: `python benchmarks/recording.py --out docs/recording-cost.md`.

A training iteration of torchvision's ResNet-18, and beside it one snapshot of each kind, taken in turns.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet18

import innerview as iv
from innerview.recording.probes import Probe
from innerview.results import versions

BATCH, SIZE, PROBED = 8, 64, 4
ROUNDS = 7
THREADS = 2


def contestants(folder: Path) -> dict[str, Callable[[], object]]:
    """By name, a training iteration, a step that records nothing, and a snapshot of each probe."""
    torch.manual_seed(0)
    model = resnet18(weights=None)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    images, labels = torch.randn(BATCH, 3, SIZE, SIZE), torch.arange(BATCH)
    probes: Mapping[str, Probe] = {
        "kernels of the first layer": iv.FilterImages("conv1"),
        f"16 maps of layer1 for {PROBED} images": iv.ActivationMaps("layer1", images[:PROBED]),
        f"statistics of all layers for {PROBED} images": iv.Statistics(images[:PROBED]),
    }

    def train() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    idle = iv.Recorder(model, [iv.FilterImages("conv1")], out=folder / "idle", at=[])
    return {"a training iteration": train, "a step without a snapshot": idle.step} | {
        name: partial(_recorder(model, probe, folder / name).step) for name, probe in probes.items()
    }


def _recorder(model: nn.Module, probe: Probe, folder: Path) -> iv.Recorder:
    return iv.Recorder(model, [probe], out=folder, at=iv.every(1))


def seconds(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median of each over the rounds, in which they take turns; the first round is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def page(measured: Mapping[str, float]) -> str:
    """The table, with what it was measured on."""
    libraries = ", ".join(f"{name} {number}" for name, number in versions().items())
    whole = measured["a training iteration"]
    rows = [f"| {name} | {1000 * value:.3g} ms | {value / whole:.2g} |" for name, value in measured.items()]
    return "\n".join(
        [
            "# What recording costs",
            "",
            f"ResNet-18 is trained on batches of {BATCH} images of {SIZE} × {SIZE}. A snapshot is measured whole: the",
            "network is protected, measured, and the file is on disk. With the lecture's schedule a run of 1,000",
            "iterations has 19 snapshots, one of 100,000 has 39.",
            "",
            f"Measured on {datetime.now(UTC):%Y-%m-%d} on a {platform.machine()} CPU with {THREADS} threads,",
            f"{libraries}, by `python benchmarks/recording.py --out docs/recording-cost.md`:",
            f"medians of {ROUNDS} rounds in which all take turns.",
            "",
            "| what | time | in training iterations |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("recording-cost.md"), help="where the page goes")
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        options.out.write_text(page(seconds(contestants(Path(folder)))), encoding="utf-8")


if __name__ == "__main__":
    main()
