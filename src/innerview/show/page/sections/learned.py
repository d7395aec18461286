"""What the network learned: the kernels that look at the image, and the weights of every layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import LayerError
from ....parameters.distributions import WeightDistributions, weight_distributions
from ....parameters.filters import Filters, filters
from ...drawing.colours import Scale
from ...drawing.montage import kernel_tiles
from ...drawing.titles import plain
from ..plates import Plate
from ..section import Part, Section, Visit

MOST_KERNELS = 64
OVERVIEW = 15


@dataclass(frozen=True)
class Weights:
    """The weights of one layer: the outline of their histogram, in percent of its width and height, and two numbers."""

    name: str
    outline: str
    ends: str
    deviation: str


@dataclass(frozen=True)
class WeightTable:
    """The histograms of the first layers, and of the others."""

    overview: list[Weights]
    others: list[Weights]


def first_kernels(visit: Visit) -> Plate | None:
    """The kernels of the first layer whose kernels are pictures; None for a network without kernels."""
    try:
        found = filters(visit.net, outputs=MOST_KERNELS)
    except LayerError:
        return None
    scale = Scale.of(list(found.kernels.flatten(0, 1)), signed=True)
    tiles = [line[0] for line in kernel_tiles(found.kernels, colour=found.colour, scale=scale)]
    pictures = [(f"Kernel of output channel {number}", tile) for number, tile in zip(found.outputs, tiles, strict=True)]
    ends = None if found.colour else scale
    return Plate.of(plain(found.layer), _shown(found), pictures, scale=ends, key=_key(found, scale))


def weight_table(visit: Visit) -> WeightTable | None:
    """A histogram for each layer with kernels; None for a network without."""
    try:
        found = weight_distributions(visit.net, bins=51)
    except LayerError:
        return None
    rows = [_weights(found, row) for row in range(len(found.layers))]
    return WeightTable(rows[:OVERVIEW], rows[OVERVIEW:])


def _shown(found: Filters) -> str:
    count, inputs = found.total
    size = " × ".join(map(str, found.kernels.shape[2:]))
    some = "" if len(found.kernels) == count else f", here the first {len(found.kernels)}"
    several = "" if found.colour or inputs == 1 else " Of each, the part that reads the first input channel."
    return f"{count} kernels of {size}{some}. A unit answers most where the image looks like its kernel.{several}"


def _key(found: Filters, scale: Scale) -> str:
    if found.colour:
        return f"mid-grey is 0, black and full colour are ±{scale.limit:.2g}"
    return "red is above zero, blue below"


def _weights(found: WeightDistributions, row: int) -> Weights:
    counts = found.counts[row].double()
    heights = (100 - 100 * counts / counts.max().clamp_min(1)).tolist()
    width = 100 / len(heights)
    path = " ".join(f"V{height:.1f} H{(place + 1) * width:.1f}" for place, height in enumerate(heights))
    return Weights(
        name=plain(found.layers[row]),
        outline=f"M0 100 {path} V100 Z",
        ends=f"±{found.edges[row, -1]:.2g}",
        deviation=f"{found.std[row]:.2g}",
    )


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("the first kernels", lambda: first_kernels(visit)), Part("the weights", lambda: weight_table(visit))]


SECTION = Section(
    anchor="learned",
    title="What has it learned?",
    lead="The first layer compares every place of the image with its kernels; training usually finds edges, bars and "
    "colours. Below, how the weights of each layer are distributed.",
    parts=_parts,
)
