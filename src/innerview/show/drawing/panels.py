"""Equally large panels in rows, each with a heading: one after another in time, or side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .colours import Scale
from .paper import LETTERS, LINE, QUIET, Paper
from .titles import plain, wrapped

Panel = tuple[str, Callable[[Axes], None]]
"""A heading, and what draws below it."""

MARGIN, GAP = 0.25, 0.14
HEADING = 0.22
RAMP = 1.6
NARROWEST = 3.2


@dataclass(frozen=True)
class Words:
    """What stands around the panels: a title above; below, the scale they have in common, and how to read them."""

    title: str = ""
    key: str = ""
    scale: Scale | None = None


def panelled(panels: Sequence[Panel], *, size: tuple[float, float], columns: int, words: Words) -> Figure:
    """A figure of these panels, each `size` (width, height) inches, so many in a row."""
    columns = min(columns, len(panels))
    width, height = size
    inside = max(NARROWEST, columns * (width + GAP) - GAP)
    title = wrapped(words.title, int(inside * LETTERS * 0.7), 2)
    key = "\n".join(wrap(plain(words.key, 1000), int(inside * LETTERS)))
    top = MARGIN + 1.5 * _height(title)
    scale = top + -(-len(panels) // columns) * (HEADING + height + GAP)
    foot = scale + (0.36 if words.scale else 0)
    paper = Paper(inside + 2 * MARGIN, foot + _height(key) + MARGIN - 0.05)
    paper.write(MARGIN, MARGIN - 0.05, title, size=12, weight="bold")
    for number, (heading, draw) in enumerate(panels):
        row, column = divmod(number, columns)
        left, upper = MARGIN + column * (width + GAP), top + row * (HEADING + height + GAP)
        paper.write(left, upper + 0.04, heading)
        draw(paper.axes(left, upper + HEADING, width, height))
    if words.scale is not None:
        paper.ramp(MARGIN, scale, RAMP, words.scale)
    paper.write(MARGIN, foot, key, size=8, color=QUIET)
    return paper.figure


def framed(axes: Axes) -> None:
    """Give a panel a thin frame without ticks."""
    axes.set_axis_on()
    axes.set_xticks([], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.spines[:].set_color(QUIET)
    axes.spines[:].set_linewidth(0.6)


def _height(text: str) -> float:
    """How much room the lines of a text take."""
    return LINE * (text.count("\n") + 1) if text else 0.0
