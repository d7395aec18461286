"""The shift sheet: where the answer came from before an attack and after it, and what has moved."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ...combined.shift import Shift
from ..drawing.chosen import chosen
from ..drawing.colours import PERCENTILE, Picture, Scale, flaw, photograph
from ..drawing.rows import Caption, Cell, Row, in_rows_of_cells, titled
from ..drawing.titles import colour_key, method_title, plain

_KEY = (
    "{colours}. Both explanations of an image are on one scale, which ends at the {percentile:g}th percentile of "
    "|value|; the change, explanation after − explanation before, is on a scale of its own: red has become more, blue "
    "less. The cosine compares the form of the two: 1 if the explanation stayed, the smaller the less is left of it."
)


def shift_sheet(result: Shift, *, images: Sequence[int] | None = None) -> Figure:
    """Each image, its explanation before the attack and after it, and the change of the explanation.

    Args:
        result: the explanations before and after.
        images: which images of the batch to draw, by number from 0; None for all.

    Raises:
        SettingError: an image does not exist, or there are too many for one sheet.
    """
    rows = [_row(result, image) for image in chosen(images, len(result.before))]
    colours = colour_key(result.before.signed)
    key = _KEY.format(colours=colours[0].upper() + colours[1:], percentile=PERCENTILE)
    title = f"{plain(result.provenance.network, 60)}: what the attack did to {method_title(result.before)}"
    return in_rows_of_cells(rows, key=[key], title=title)


def explanations(shift: Shift, image: int) -> tuple[Cell, Cell]:
    """Both maps on one scale."""
    both = (shift.before, shift.after)
    maps = [each.heatmap()[image].float().cpu() for each in both]
    scale = Scale.of(maps, signed=shift.before.signed)
    flaws = [flaw(each) for each in maps]
    before, after = (
        photo if wrong else scale.overlay(photo, heatmap)
        for photo, heatmap, wrong in zip(_photographs(shift, image), maps, flaws, strict=True)
    )
    asked = flaws[0] or f"for {shift.before.objective(image)}"
    moved = f"cosine {float(shift.similarity[image]):.2f}"
    return (
        Cell("Explanation before", before, (titled(method_title(shift.before)), Caption(asked, lines=2)), scale),
        Cell("Explanation after", after, (titled(moved), Caption(flaws[1] or "to the explanation before")), scale),
    )


def _row(result: Shift, image: int) -> Row:
    attack = result.provenance.settings.get("attack", {}).get("name", "the attack")
    before, _ = _photographs(result, image)
    cells = (Cell("What the network saw", before), *explanations(result, image), _change(result, image))
    return Row(f"{result.before.objective(image)}, before and after {attack}", cells)


def _change(result: Shift, image: int) -> Cell:
    before, after = (each.heatmap()[image].float().cpu() for each in (result.before, result.after))
    scale = Scale.of([after - before], signed=True)
    _, photo = _photographs(result, image)
    wrong = flaw(after - before)
    words = wrong or f"‖change‖ / ‖before‖ = {float((after - before).norm() / before.norm()):.2f}"
    shown = photo if wrong else scale.overlay(photo, after - before)
    return Cell("Change of the explanation", shown, (titled(words),), scale)


def _photographs(result: Shift, image: int) -> tuple[Picture, Picture]:
    return photograph(result.before.pictures[image]), photograph(result.after.pictures[image])
