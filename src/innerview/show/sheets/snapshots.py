"""What a probe measured at one iteration: as a sheet of its own, and drawn the same way at every iteration."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil, sqrt

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ...errors import SettingError
from ...recording.recording import Snapshot
from ..drawing.colours import Picture, Scale
from ..drawing.montage import in_rows, kernel_tiles, montage
from ..drawing.panels import Words, panelled
from ..drawing.titles import plain
from .evolution import histograms
from .unit_lines import draw_lines, proportion, reading

MOST_KERNELS, MOST_ROWS, MOST_INPUTS, MOST_NUMBERS = 64, 20, 15, 256
MOST_IMAGES = 8
SIDE = 5.0
"""Inches of the longer side of one snapshot."""

Measured = Mapping[str, Tensor]


@dataclass(frozen=True)
class Drawing:
    """How the snapshots of one probe are drawn: into which axes, how high for their width, with which words.

    `scaled` says that all of them are on one scale.
    """

    draw: Callable[[Axes, Snapshot], None]
    proportion: float
    words: Words
    scaled: bool = False


def snapshot_sheet(result: Snapshot, *, probe: int = 0) -> Figure:
    """What one probe measured at this iteration; statistics as a histogram for each layer.

    Args:
        result: the snapshot.
        probe: the number of the probe, from 0.

    Raises:
        SettingError: there is no such probe, or no drawing for what it measures.
    """
    if result.probe(probe)["probe"] == "Statistics":
        return histograms(result, probe)
    drawing = drawing_of([result], probe)
    width = SIDE / max(1.0, drawing.proportion)

    def draw(axes: Axes) -> None:
        drawing.draw(axes, result)

    panel = (moment(result.iteration), draw)
    return panelled([panel], size=(width, width * drawing.proportion), columns=1, words=drawing.words)


def moment(iteration: int) -> str:
    """The heading of what was seen at an iteration."""
    return "before training" if iteration == 0 else f"iteration {iteration}"


def drawing_of(snapshots: Iterable[Snapshot], probe: int) -> Drawing:
    """How this probe's snapshots are drawn; goes through them once where they have a scale in common."""
    kind = next(iter(snapshots)).probe(probe)["probe"]
    if kind not in _DRAWINGS:
        raise SettingError(
            f"pictures are made of what {', '.join(_DRAWINGS)} measure; probe {probe} is {kind}. Its numbers are in "
            f"recording[iteration].measured[{probe}]"
        )
    return _DRAWINGS[kind](snapshots, probe)


def drawable(facts: Mapping[str, object]) -> bool:
    """Whether there are pictures of what this probe measures."""
    return facts["probe"] in _DRAWINGS


def _lines(snapshots: Iterable[Snapshot], probe: int) -> Drawing:
    first = next(iter(snapshots)).lines(probe)

    def draw(axes: Axes, snapshot: Snapshot) -> None:
        draw_lines(axes, snapshot.lines(probe))

    title = f"{len(first.weights)} hidden units of {plain(first.provenance.network)}"
    return Drawing(draw, proportion(first), Words(title, reading(first)))


def _kernels(snapshots: Iterable[Snapshot], probe: int) -> Drawing:
    first = next(iter(snapshots))
    count, inputs, *size = first.measured[probe]["kernels"].shape
    numbers = size == [1, 1]
    colour = inputs == 3 and not numbers
    rows = MOST_NUMBERS if numbers else MOST_KERNELS if colour or inputs == 1 else MOST_ROWS
    columns = MOST_NUMBERS if numbers else MOST_INPUTS

    def shown(measured: Measured) -> Float[Tensor, "output input row column"]:
        return measured["kernels"][:rows, :columns]

    scale = replace(_common(snapshots, probe, lambda measured: shown(measured).flatten(1)), signed=True)
    some = [f"The first {rows} of {count} kernels."] if count > rows else []
    some += [f"The first {columns} of {inputs} inputs."] if inputs > columns else []
    mixed = f"Mid-grey is 0, black and full colour are ±{scale.limit:.2g}."
    colours = mixed if colour else "Red is above zero, blue below."
    words = Words(
        f"Kernels of {plain(first.probe(probe)['layer'])} in {plain(first.provenance.network)}",
        " ".join([*some, colours]),
        None if colour else scale,
    )
    return _pictured(first, probe, lambda measured: _kernel_picture(shown(measured), scale), words)


def _kernel_picture(kernels: Float[Tensor, "output input high wide"], scale: Scale) -> Picture:
    """Kernels of 1 × 1 as one picture; others as rows of tiles, or as a square of them where each has one tile."""
    kernels = kernels.nan_to_num()
    if kernels.shape[2:].numel() == 1:
        return scale.paint(kernels[:, :, 0, 0])
    tiles = kernel_tiles(kernels, colour=kernels.shape[1] == 3, scale=scale)
    return montage(_square([line[0] for line in tiles]) if len(tiles[0]) == 1 else tiles)


def _maps(snapshots: Iterable[Snapshot], probe: int) -> Drawing:
    first = next(iter(snapshots))
    count = len(first.measured[probe]["maps"])

    def shown(measured: Measured) -> Float[Tensor, "image channel row column"]:
        return measured["maps"][:MOST_IMAGES]

    scale = _common(snapshots, probe, lambda measured: shown(measured).flatten(0, 2))
    some = [f"The first {MOST_IMAGES} of {count} images."] if count > MOST_IMAGES else []
    rows = "A row for each image, a column for each channel." if count > 1 else "A picture for each channel."
    words = Words(
        f"Maps of {plain(first.probe(probe)['layer'])} in {plain(first.provenance.network)}",
        " ".join([rows, *some]),
        scale,
    )
    return _pictured(first, probe, lambda measured: _map_picture(shown(measured), scale), words)


def _map_picture(maps: Float[Tensor, "image channel high wide"], scale: Scale) -> Picture:
    tiles = [[scale.paint(each) for each in image] for image in maps.nan_to_num()]
    return montage(_square(tiles[0]) if len(tiles) == 1 else tiles)


def _pictured(first: Snapshot, probe: int, picture: Callable[[Measured], Picture], words: Words) -> Drawing:
    rows, columns, _ = picture(first.measured[probe]).shape

    def draw(axes: Axes, snapshot: Snapshot) -> None:
        axes.imshow(picture(snapshot.measured[probe]), interpolation="antialiased")

    return Drawing(draw, rows / columns, words, scaled=True)


def _common(snapshots: Iterable[Snapshot], probe: int, values: Callable[[Measured], Float[Tensor, "_ _"]]) -> Scale:
    """The scale of the snapshot that needs the largest; signed if any value is below zero."""
    scales = []
    for snapshot in snapshots:
        seen = values(snapshot.measured[probe])
        scales.append(Scale.of([seen], signed=bool((seen < 0).any())))
    limit = max(each.limit for each in scales)
    return Scale(limit, any(each.signed for each in scales), any(each.clipped for each in scales))


def _square(tiles: list[Picture]) -> list[list[Picture]]:
    return in_rows(tiles, ceil(sqrt(len(tiles))))


_DRAWINGS: dict[str, Callable[[Iterable[Snapshot], int], Drawing]] = {
    "HiddenUnits": _lines,
    "FilterImages": _kernels,
    "ActivationMaps": _maps,
}
