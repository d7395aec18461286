"""The lines of a perceptron's hidden units over its data and its decision regions."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ...parameters.unit_lines import UnitLines
from ..drawing.panels import Words, framed, panelled
from ..drawing.paper import INK, QUIET
from ..drawing.titles import plain

# Okabe and Ito 2008: told apart by readers with any common colour blindness; the markers tell them apart in print.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
FAINT = 0.22
ARROW, PLACE = 0.04, 0.12  # of the extent's width, of the line's length
WIDTH = 5.5  # inches
KEY = "A line is where a unit changes its sign; its arrow points to the positive side."


def unit_lines(result: UnitLines, *, regions: bool = True) -> Figure:
    """Each unit's line with an arrow to its positive side, the points by class, and the decision regions behind.

    Units of deeper layers, where they are known, are thin dashed curves.

    Args:
        result: the lines.
        regions: whether to colour the decision regions.
    """
    panel = (_counted(result), partial(draw_lines, result=result, regions=regions))
    return panelled(
        [panel],
        size=(WIDTH, WIDTH * proportion(result)),
        columns=1,
        words=Words(key=reading(result, regions=regions)),
    )


def draw_lines(axes: Axes, result: UnitLines, *, regions: bool = True) -> None:
    """Draw everything into these axes, in sizes that fit them."""
    small = min(1.0, 0.25 + _inches(axes) / WIDTH)
    framed(axes)
    if regions:
        axes.imshow(_faint(result), extent=result.extent, origin="lower", interpolation="nearest", aspect="auto")
    _points(axes, result, small)
    _curves(axes, result, small)
    _lines(axes, result, small)
    left, right, bottom, top = result.extent
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def proportion(result: UnitLines) -> float:
    """Its height by its width: both axes have one scale."""
    left, right, bottom, top = result.extent
    return float(np.clip((top - bottom) / (right - left), 0.25, 4))


def reading(result: UnitLines, *, regions: bool = True) -> str:
    """How it is read, in a sentence or two."""
    left, right, bottom, top = result.extent
    words = [KEY]
    if regions:
        words.append("The colour behind is the predicted class.")
    if result.deeper:
        words.append("Dashed: units of the layers behind.")
    words.append(f"From {left:.2g} to {right:.2g} across and from {bottom:.2g} to {top:.2g} up.".replace("-", "−"))
    return " ".join(words)


def _counted(result: UnitLines) -> str:
    units, outside = len(result.weights), int(result.segments()[:, 0, 0].isnan().sum())
    words = f"{units} units of {plain(result.provenance.network, 40)}"
    return f"{words}, {outside} of them without a line here" if outside else words


def _inches(axes: Axes) -> float:
    """How wide the axes are on the page."""
    figure = axes.get_figure(root=True)
    return axes.get_position().width * figure.get_figwidth() if figure else WIDTH


def _faint(result: UnitLines) -> np.ndarray:
    """The classes as light colours: [row, column, 3]."""
    light = np.array([1 - FAINT * (1 - np.array(to_rgb(colour))) for colour in COLOURS])
    return light[result.regions.numpy() % len(COLOURS)]


def _lines(axes: Axes, result: UnitLines, small: float) -> None:
    """Each line, and on it an arrow to the positive side, near an end: in the middle there is a crowd."""
    segments = result.segments().numpy()
    seen = np.isfinite(segments).all((1, 2))
    axes.add_collection(LineCollection(list(segments[seen]), colors=INK, linewidths=1.1 * small, zorder=3))
    left, right, bottom, top = result.extent
    starts = (1 - PLACE) * segments[seen, 0] + PLACE * segments[seen, 1]
    ways = result.normals.numpy()[seen] * ARROW * max(right - left, top - bottom)
    looks = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004, "headwidth": 4, "headlength": 4}
    if seen.any():
        axes.quiver(*starts.T, *ways.T, color=INK, headaxislength=4, minlength=0, zorder=4, **looks)


def _points(axes: Axes, result: UnitLines, small: float) -> None:
    points = np.zeros((0, 2)) if result.points is None else result.points.numpy()
    labels = np.zeros(len(points), int) if result.labels is None else result.labels.numpy()
    for label in np.unique(labels):
        x, y = points[labels == label].T
        look = {"color": COLOURS[label % len(COLOURS)], "marker": MARKERS[label % len(MARKERS)]}
        axes.scatter(x, y, s=14 * small**2, linewidths=0.3 * small, edgecolors="white", zorder=2, **look)


def _curves(axes: Axes, result: UnitLines, small: float) -> None:
    left, right, bottom, top = result.extent
    looks = {"colors": QUIET, "linewidths": 0.8 * small, "linestyles": "dashed", "zorder": 3}
    for values in (unit.float().numpy() for layer in result.deeper.values() for unit in layer):
        rows, columns = ((np.arange(count) + 0.5) / count for count in values.shape)
        x, y = left + (right - left) * columns, bottom + (top - bottom) * rows
        if values.min() < 0 < values.max():
            axes.contour(x, y, values, levels=[0], **looks)
