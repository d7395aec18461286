"""The sphere sheet: what the network answers all around an image, farther away than its adversarial example."""

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...adversarial.sphere import SphereTest
from ..drawing.chosen import chosen
from ..drawing.colours import photograph
from ..drawing.paper import INK, QUIET
from ..drawing.rows import Cell, Row, in_rows_of_cells, titled
from ..drawing.titles import plain

MOST_CLASSES = 5
_PICTURE, _WIDTH = 2.0, 4.2
_OWN, _OTHER = "#2166ac", "#b2182b"
_KEY = (
    "Random changes of one length, in all directions: the bars are the shares of the points around the image that the "
    "network gives each class, blue its own class and red all others, from 0 to 100%. Where nearly all points keep the "
    "class although they are farther away than an adversarial example, a change that fools the network is a matter of "
    "direction and not of size. The distance is ‖point − image‖, in pixels of 0–1."
)


def sphere_sheet(result: SphereTest, *, images: Sequence[int] | None = None) -> Figure:
    """Each image, one of the points around it, and how many of these the network gives each class.

    Args:
        result: the counts.
        images: which images of the batch to draw, by number from 0; None for all.

    Raises:
        SettingError: an image does not exist, or there are too many for one sheet.
    """
    rows = [_row(result, image) for image in chosen(images, len(result))]
    points = int(result.counts[0].sum())
    attack = result.provenance.settings.get("attack", {}).get("name", "an attack")
    title = f"{plain(result.provenance.network, 40)}: {points:,} points {farther(result)} as {attack} went"
    return in_rows_of_cells(rows, key=[_KEY], title=title)


def farther(result: SphereTest) -> str:
    """How far away the points are, in words."""
    return f"{result.provenance.settings['radius']:g}× as far"


def _row(result: SphereTest, image: int) -> Row:
    distance = f"at distance {float(result.radii[image]):.3g}"
    share = f"{float(result.share[image]):.1%} keep the class"
    bars = partial(_bars, result=result, image=image)
    cells = (
        Cell("Image", photograph(result.pictures[image]), width=_PICTURE),
        Cell("One of the points", photograph(result.examples[image]), (titled(distance),), width=_PICTURE),
        Cell("Share of the points by class", bars, (titled(share),), width=_WIDTH),
    )
    return Row(result.names[int(result.classes[image])], cells)


def _bars(axes: Axes, *, result: SphereTest, image: int) -> None:
    """A line of words and a bar for each of the most frequent classes, and one for all others."""
    ranking = result.ranking(image)
    shown, rest = ranking[:MOST_CLASSES], ranking[MOST_CLASSES:]
    own = result.names[int(result.classes[image])]
    lines = [(label, count, _OWN if label == own else _OTHER) for label, count in shown]
    if rest:
        lines.append((f"{len(rest)} other classes", sum(count for _, count in rest), _OTHER))
    total = int(result.counts[image].sum())
    axes.set_xlim(0, 1)
    axes.set_ylim(max(len(lines), 4) - 0.1, -0.1)
    looks = {"size": 8, "va": "center", "parse_math": False, "usetex": False}
    for line, (label, count, colour) in enumerate(lines):
        axes.text(0, line + 0.2, plain(label, 36), color=INK, **looks)
        axes.text(1, line + 0.2, f"{count / total:.1%}", color=QUIET, ha="right", **looks)
        axes.barh(line + 0.58, 1, height=0.26, color="#ececec", linewidth=0)
        axes.barh(line + 0.58, count / total, height=0.26, color=colour, linewidth=0)
