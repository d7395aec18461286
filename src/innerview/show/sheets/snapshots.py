"""How what a probe measured at one iteration is drawn, the same way at every iteration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, sqrt

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from ...errors import SettingError
from ...recording.recording import Recording, Snapshot
from ..drawing.colours import Pixels, Scale
from ..drawing.montage import in_rows, kernel_tiles, montage
from ..drawing.panels import Words
from ..drawing.titles import plain
from .unit_lines import draw_lines, proportion, reading

MOST_KERNELS, MOST_ROWS, MOST_INPUTS, MOST_NUMBERS = 64, 20, 15, 256
MOST_IMAGES = 8

Measured = Mapping[str, Tensor]


@dataclass(frozen=True)
class Drawing:
    """How the snapshots of one probe are drawn: into which axes, how high for their width, with which words."""

    draw: Callable[[Axes, Snapshot], None]
    proportion: float
    words: Words


def drawing_of(recording: Recording, probe: int) -> Drawing:
    """How this probe's snapshots are drawn; goes through them once where they have a scale in common."""
    kind = recording.probe(probe)["probe"]
    if kind not in _DRAWINGS:
        raise SettingError(
            f"pictures are made of what {', '.join(_DRAWINGS)} measure; probe {probe} is {kind}. Its numbers are in "
            f"recording[iteration].measured[{probe}]"
        )
    return _DRAWINGS[kind](recording, probe)


def drawable(facts: Mapping[str, object]) -> bool:
    """Whether there are pictures of what this probe measures."""
    return facts["probe"] in _DRAWINGS


def _lines(recording: Recording, probe: int) -> Drawing:
    first = recording[recording.iterations[0]].lines(probe)

    def draw(axes: Axes, snapshot: Snapshot) -> None:
        draw_lines(axes, snapshot.lines(probe))

    title = f"{len(first.weights)} hidden units of {plain(recording.network)}"
    return Drawing(draw, proportion(first), Words(title, reading(first)))


def _kernels(recording: Recording, probe: int) -> Drawing:
    count, inputs, *size = _first(recording, probe)["kernels"].shape
    numbers = size == [1, 1]
    colour = inputs == 3 and not numbers
    rows = MOST_NUMBERS if numbers else MOST_KERNELS if colour or inputs == 1 else MOST_ROWS
    columns = MOST_NUMBERS if numbers else MOST_INPUTS

    def shown(measured: Measured) -> Float[Tensor, "output input row column"]:
        return measured["kernels"][:rows, :columns]

    scale = replace(_common(recording, probe, lambda measured: shown(measured).flatten(1)), signed=True)
    some = [f"The first {rows} of {count} kernels."] if count > rows else []
    some += [f"The first {columns} of {inputs} inputs."] if inputs > columns else []
    mixed = f"Mid-grey is 0, black and full colour are ±{scale.limit:.2g}."
    colours = mixed if colour else "Red is above zero, blue below."
    words = Words(
        f"Kernels of {plain(recording.probe(probe)['layer'])} in {plain(recording.network)}",
        " ".join([*some, colours, "All iterations have one scale."]),
        None if colour else scale,
    )
    return _pictured(recording, probe, lambda measured: _kernel_picture(shown(measured), scale), words)


def _kernel_picture(kernels: Float[Tensor, "output input high wide"], scale: Scale) -> Pixels:
    """Kernels of 1 × 1 as one picture; others as rows of tiles, or as a square of them where each has one tile."""
    kernels = kernels.nan_to_num()
    if kernels.shape[2:].numel() == 1:
        return scale.paint(kernels[:, :, 0, 0])
    tiles = kernel_tiles(kernels, colour=kernels.shape[1] == 3, scale=scale)
    return montage(_square([line[0] for line in tiles]) if len(tiles[0]) == 1 else tiles)


def _maps(recording: Recording, probe: int) -> Drawing:
    count = len(_first(recording, probe)["maps"])

    def shown(measured: Measured) -> Float[Tensor, "image channel row column"]:
        return measured["maps"][:MOST_IMAGES]

    scale = _common(recording, probe, lambda measured: shown(measured).flatten(0, 2))
    some = [f"The first {MOST_IMAGES} of {count} images."] if count > MOST_IMAGES else []
    rows = "A row for each image, a column for each channel." if count > 1 else "A picture for each channel."
    words = Words(
        f"Maps of {plain(recording.probe(probe)['layer'])} in {plain(recording.network)}",
        " ".join([rows, *some, "All iterations have one scale."]),
        scale,
    )
    return _pictured(recording, probe, lambda measured: _map_picture(shown(measured), scale), words)


def _map_picture(maps: Float[Tensor, "image channel high wide"], scale: Scale) -> Pixels:
    tiles = [[scale.paint(each) for each in image] for image in maps.nan_to_num()]
    return montage(_square(tiles[0]) if len(tiles) == 1 else tiles)


def _pictured(recording: Recording, probe: int, picture: Callable[[Measured], Pixels], words: Words) -> Drawing:
    rows, columns, _ = picture(_first(recording, probe)).shape

    def draw(axes: Axes, snapshot: Snapshot) -> None:
        axes.imshow(picture(snapshot.measured[probe]), interpolation="antialiased")

    return Drawing(draw, rows / columns, words)


def _first(recording: Recording, probe: int) -> Measured:
    return recording[recording.iterations[0]].measured[probe]


def _common(recording: Recording, probe: int, values: Callable[[Measured], Float[Tensor, "_ _"]]) -> Scale:
    """The scale of the snapshot that needs the largest; signed if any value is below zero."""
    scales = []
    for snapshot in recording:
        seen = values(snapshot.measured[probe])
        scales.append(Scale.of([seen], signed=bool((seen < 0).any())))
    limit = max(each.limit for each in scales)
    return Scale(limit, any(each.signed for each in scales), any(each.clipped for each in scales))


def _square(tiles: list[Pixels]) -> list[list[Pixels]]:
    return in_rows(tiles, ceil(sqrt(len(tiles))))


_DRAWINGS: dict[str, Callable[[Recording, int], Drawing]] = {
    "HiddenUnits": _lines,
    "FilterImages": _kernels,
    "ActivationMaps": _maps,
}
