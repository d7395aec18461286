"""A recording for TensorBoard."""

from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..recording.recording import Recording
from ..recording.statistics import Distribution
from .sheets.recordings import frames
from .sheets.snapshots import drawable

SCALARS = ("lowest", "highest", "mean", "std", "zeros", "finite", "dead")


def to_tensorboard(recording: Recording, folder: str | Path) -> None:
    """Write all probes for TensorBoard: pictures as images, statistics as histograms and scalars.

    Look at them with `tensorboard --logdir FOLDER`.

    Raises:
        SettingError: the library is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise SettingError(
            "to_tensorboard needs the library tensorboard; install it with: pip install 'innerview[tensorboard]'"
        ) from error
    with SummaryWriter(str(folder)) as writer:
        for probe, facts in enumerate(recording.probes):
            tag = "/".join(str(part) for part in (facts["probe"], facts.get("layer"), probe) if part is not None)
            if facts["probe"] == "Statistics":
                _statistics(writer, recording, probe)
            elif drawable(facts):
                for iteration, pixels in zip(recording.iterations, frames(recording, probe), strict=True):
                    writer.add_image(tag, pixels, iteration, dataformats="HWC")


def _statistics(writer: Any, recording: Recording, probe: int) -> None:
    for snapshot in recording:
        for name, found in snapshot.distributions(probe).items():
            for scalar in SCALARS:
                if (value := getattr(found, scalar)) == value:  # NaN: not known of weights
                    writer.add_scalar(f"{name}/{scalar}", value, snapshot.iteration)
            _histogram(writer, name, found, snapshot.iteration)


def _histogram(writer: Any, name: str, found: Distribution, iteration: int) -> None:
    """The counts as they are; the sums are what TensorBoard shows as mean and deviation."""
    count = int(found.counts.sum())
    writer.add_histogram_raw(
        name,
        min=found.lowest,
        max=found.highest,
        num=count,
        sum=found.mean * count,
        sum_squares=(found.std**2 + found.mean**2) * count,
        bucket_limits=found.edges[1:].tolist(),
        bucket_counts=found.counts.tolist(),
        global_step=iteration,
    )
