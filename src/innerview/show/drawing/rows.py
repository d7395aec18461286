"""A row for each image: pictures and charts side by side under common headings, with words below each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .colours import Picture, Scale
from .paper import INK, LETTERS, LINE, QUIET, Paper
from .titles import plain, wrapped

WIDTH = 2.4
"""Of a picture, in inches."""
_GAP, _MARGIN = 0.2, 0.25
_TITLE, _HEADER, _HEADING, _RAMP = 0.3, 0.3, 0.24, 0.34
_SMALLER = 1.15  # so many more letters of the key fit into an inch


@dataclass(frozen=True)
class Caption:
    """Words under a picture, on at most so many lines."""

    words: str
    colour: str = QUIET
    lines: int = 1
    size: float = 9


@dataclass(frozen=True)
class Cell:
    """One picture or chart of a row.

    Attributes:
        column: what stands above its column.
        content: the pixels, or what draws a chart into axes.
        captions: what stands under it.
        scale: what its colours mean, drawn under it.
        width: in inches.
        free: what a chart leaves free for its numbers, in inches: left, above, right and below.
    """

    column: str
    content: Picture | Callable[[Axes], None]
    captions: Sequence[Caption] = ()
    scale: Scale | None = None
    width: float = WIDTH
    free: tuple[float, float, float, float] = (0, 0, 0, 0)

    @property
    def foot(self) -> float:
        """The room that stands under it, in inches."""
        lines = sum(_wrapped(each, self).count("\n") + 1 for each in self.captions)
        return 0.08 + LINE * lines + (0 if self.scale is None else _RAMP)


@dataclass(frozen=True)
class Row:
    """What is drawn of one image; its first cell holds a picture, whose proportions all have."""

    heading: str
    cells: tuple[Cell, ...]

    @property
    def height(self) -> float:
        """Of its pictures, in inches."""
        first = self.cells[0]
        rows, columns, _ = first.content.shape  # pyright: ignore[reportFunctionMemberAccess]
        return first.width * min(max(rows / columns, 0.4), 2.5)

    @property
    def whole(self) -> float:
        """Its height with all its words."""
        return _HEADING + self.height + max(each.foot for each in self.cells) + LINE


def in_rows_of_cells(rows: Sequence[Row], *, key: Sequence[str], title: str = "") -> Figure:
    """A figure of these rows, whose cells have the same widths; the key stands at its foot."""
    cells = rows[0].cells
    lefts = list(accumulate((each.width + _GAP for each in cells), initial=_MARGIN))
    width = lefts[-1] - _GAP + _MARGIN
    letters = int((width - 2 * _MARGIN) * LETTERS)
    words = "\n".join(line for each in key for line in wrap(plain(each, 1000), int(_SMALLER * letters)))
    header = _MARGIN + (_TITLE if title else 0)
    tops = list(accumulate((row.whole for row in rows), initial=header + _HEADER))
    paper = Paper(width, tops[-1] + LINE * (words.count("\n") + 1) + _MARGIN)
    if title:
        paper.write(_MARGIN, _MARGIN - 0.05, wrapped(title, int(0.7 * letters), 1), size=12, weight="bold")
    for left, cell in zip(lefts, cells, strict=False):
        paper.write(left, header, cell.column, weight="bold")
    for top, row in zip(tops, rows, strict=False):
        _draw(paper, top, lefts, row)
    paper.write(_MARGIN, tops[-1], words, size=8, color=QUIET)
    return paper.figure


def _draw(paper: Paper, top: float, lefts: Sequence[float], row: Row) -> None:
    across = paper.width - 2 * _MARGIN
    paper.write(_MARGIN, top, wrapped(row.heading, int(across * LETTERS), 1), color=QUIET)
    for left, cell in zip(lefts, row.cells, strict=False):
        _cell(paper, left, top + _HEADING, cell, row.height)


def _cell(paper: Paper, left: float, top: float, cell: Cell, height: float) -> None:
    if callable(cell.content):
        before, above, behind, below = cell.free
        cell.content(paper.axes(left + before, top + above, cell.width - before - behind, height - above - below))
    else:
        paper.picture(left, top, cell.width, height, cell.content)
    top += height + 0.08
    if cell.scale is not None:
        paper.ramp(left, top, cell.width, cell.scale)
        top += _RAMP
    for each in cell.captions:
        words = _wrapped(each, cell)
        paper.write(left, top, words, size=each.size, color=each.colour)
        top += LINE * (words.count("\n") + 1)


def _wrapped(caption: Caption, cell: Cell) -> str:
    return wrapped(caption.words, int(cell.width * LETTERS), caption.lines)


def titled(words: str) -> Caption:
    """What is most important under a picture."""
    return Caption(words, INK)
