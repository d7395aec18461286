"""The kernels of a layer as small pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from ...errors import SettingError
from ...parameters.filters import Filters
from ...settings import checked
from ..drawing.bands import Band, stacked
from ..drawing.colours import Picture, Scale, Sharing
from ..drawing.montage import Resized, enlarged, in_rows, kernel_tiles, montage
from ..drawing.titles import plain

Labels = Sequence[tuple[float, float, str]]
Beside = Sequence[tuple[float, str]]

SIDE = 40  # pixels of a tile, about
GAP, LABELLED = 3, 13  # pixels between tiles; and where a number stands between them
IN_A_ROW = 20
MOST_KERNELS = 240
MOST_ROWS, MOST_COLUMNS = 40, 48
MOST_NUMBERS = 512


@dataclass(frozen=True)
class _Form:
    """How the kernels are laid out: in colour or not, how many inputs of each, how many kernels on a page."""

    colour: bool
    inputs: int
    on_a_page: int
    numbers: bool = False

    @classmethod
    def of(cls, result: Filters, pairs: bool) -> "_Form":
        inputs, *size = result.kernels.shape[1:]
        if result.colour and not pairs:
            return cls(True, 1, MOST_KERNELS)
        if size == [1, 1]:
            return cls(False, min(inputs, MOST_NUMBERS), MOST_NUMBERS, numbers=True)
        return cls(False, min(inputs, MOST_COLUMNS), MOST_KERNELS if inputs == 1 else MOST_ROWS)


def filter_sheet(result: Filters, *, pairs: bool = False, scale: Sharing = "shared", page: int = 0) -> Figure:
    """The kernels as pictures: in colour where they read the image, else signed, blue below and red above zero.

    A kernel with several inputs is a row with one picture for each; kernels of 1 × 1 are one picture with a row
    for each output. What does not fit is on the next pages.

    Args:
        result: the kernels.
        pairs: one picture for each input channel also where they are red, green and blue.
        scale: "shared" by all kernels, so that their strengths can be compared, or "each" its own.
        page: which page, from 0.

    Raises:
        SettingError: there is no such page or scale.
    """
    checked("scale", scale, Sharing)
    form = _Form.of(result, pairs)
    rows = _rows(len(result.kernels), form.on_a_page, page)
    shared = Scale.of(list(result.kernels.flatten(0, 1)), signed=True)
    tiles = [_tiles(result.kernels[row], form, shared if scale == "shared" else None) for row in rows]
    picture, labels, beside = _laid_out(result, rows, tiles, form)
    band = Band(
        title=_counted(result, rows),
        note=" ".join(filter(None, (_part(result, rows, form), _reading(form, shared, scale)))),
        picture=picture,
        scale=shared if scale == "shared" and not form.colour else None,
        labels=labels,
        beside=beside,
    )
    return stacked(f"{plain(result.layer)} of {plain(result.provenance.network)}", [band], key=_key(result, form))


def _rows(total: int, on_a_page: int, page: int) -> range:
    pages = -(-total // on_a_page)
    if not 0 <= page < pages:
        raise SettingError(f"the {total} kernels have {pages} page(s), numbered from 0; got {page}")
    return range(page * on_a_page, min(total, (page + 1) * on_a_page))


def _tiles(kernel: Float[Tensor, "input row column"], form: _Form, shared: Scale | None) -> list[Resized]:
    shown = kernel if form.colour else kernel[: form.inputs]
    scale = shared or Scale.of(list(shown), signed=True)
    tiles = kernel_tiles(shown[None], colour=form.colour, scale=scale)[0]
    return [enlarged(tile, 1 if form.numbers else max(1, round(SIDE / max(tile.shape[:2])))) for tile in tiles]


def _laid_out(result: Filters, rows: range, tiles: list[list[Resized]], form: _Form) -> tuple[Picture, Labels, Beside]:
    """The picture, the numbers above its tiles and those beside its rows."""
    if form.numbers:
        picture = montage(tiles, gap=0)
        return enlarged(picture, max(1, 480 // max(picture.shape))), (), ()
    height, width = (side + GAP for side in tiles[0][0].shape[:2])
    if len(tiles[0]) == 1:
        lines = in_rows([line[0] for line in tiles], IN_A_ROW)
        across = width - GAP + LABELLED
        places = [divmod(index, IN_A_ROW) for index in range(len(tiles))]
        down = height - GAP + LABELLED
        numbers = [str(result.outputs[row]) for row in rows]
        labels = [(c * across, r * down, words) for (r, c), words in zip(places, numbers, strict=True)]
        return montage(lines, gap=LABELLED), labels, ()
    above = [(column * width, 0, str(number)) for column, number in enumerate(result.inputs[: form.inputs])]
    beside = [(index * height + height / 2, str(result.outputs[row])) for index, row in enumerate(rows)]
    return montage(tiles, gap=GAP), above, beside


def _counted(result: Filters, rows: range) -> str:
    """How many of the layer's kernels these are."""
    count, _ = result.total
    size = "×".join(map(str, result.kernels.shape[2:]))
    return f"{len(rows)} of {count} kernels of {size}" if len(rows) < count else f"{count} kernels of {size}"


def _part(result: Filters, rows: range, form: _Form) -> str:
    """Which page, and how many of their inputs."""
    _, depth = result.total
    pages = -(-len(result.kernels) // form.on_a_page)
    inputs = "" if form.colour or depth == 1 else f"{form.inputs} of {depth} inputs"
    page = f"page {rows.start // form.on_a_page} of 0–{pages - 1}" if pages > 1 else ""
    words = ", ".join(filter(None, (inputs, page)))
    return words and f"{words[0].upper()}{words[1:]}."


def _reading(form: _Form, shared: Scale, scale: Sharing) -> str:
    if form.colour:
        ends = f"±{shared.limit:.2g}" if scale == "shared" else "each kernel's own largest weight"
        return f"In colour: mid-grey is 0, black and full colour are {ends}."
    return "" if scale == "shared" else "Each kernel has its own scale: compare shapes, not strengths."


def _key(result: Filters, form: _Form) -> str:
    if form.numbers:
        return "A row for each kernel, a column for each number it reads; red is above zero, blue below."
    order = ", the longest kernel first" if result.provenance.settings.get("order") == "norm" else ""
    if form.colour or form.inputs == 1:
        return (
            f"The numbers are those of the output channels{order}. A unit answers most to what looks like its kernel."
        )
    return f"A row for each output channel, a column for each input channel{order}; red is above zero, blue below."
