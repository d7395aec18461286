"""Cards below an image: each with pictures of one thing and bars that say how much of it there is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .colours import Picture
from .montage import in_rows
from .paper import INK, LETTERS, LINE, QUIET, Paper
from .titles import wrapped

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the picture."""

IN_A_ROW = 6
_MARGIN, _GAP = 0.25, 0.16
_LARGE, _SMALL, _KEY = 2.5, 1.55, 2.2
_BAR = 0.3  # inches of a line of words and the bar below it
_POSITIVE, _NEGATIVE, _PLAIN = "#b2182b", "#2166ac", "#5c5c5c"


@dataclass(frozen=True)
class Bar:
    """A number as a bar: `limit` is as long as there is room; a `signed` one starts in the middle."""

    words: str
    value: float
    limit: float
    signed: bool = False


@dataclass(frozen=True)
class Card:
    """One thing: its name, a note on it, its pictures below each other, its bars."""

    title: str
    note: str
    pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]]
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Heading:
    """A large picture above the cards, with the words above it and frames in it."""

    title: str
    picture: Picture
    boxes: Sequence[Box] = ()


def carded(words: tuple[str, str], headings: Sequence[Heading], cards: Sequence[Card], *, key: Sequence[str]) -> Figure:
    """A figure of large pictures, with the key beside them, and below them rows of cards.

    `words` are its title and what stands below that.
    """
    rows = in_rows(cards, IN_A_ROW)
    beside = len(headings) * (_LARGE + _GAP)
    across = max(len(rows[0]) * (_SMALL + _GAP) - _GAP, beside + _KEY)
    letters = int(across * LETTERS)
    title, note = wrapped(words[0], int(0.8 * letters), 2), wrapped(words[1], letters, 2)
    first = _MARGIN + LINE * (title.count("\n") + note.count("\n") + 2) + 0.15
    tops = [first + LINE + max(_height(each.picture, _LARGE) for each in headings) + 0.25]
    for row in rows:
        tops.append(tops[-1] + max(map(_card_height, row)) + 0.2)
    paper = Paper(across + 2 * _MARGIN, tops[-1] - 0.2 + _MARGIN)
    paper.write(_MARGIN, _MARGIN - 0.05, title, weight="bold")
    paper.write(_MARGIN, _MARGIN - 0.05 + LINE * (title.count("\n") + 1), note, color=QUIET)
    for column, each in enumerate(headings):
        _large(paper, _MARGIN + column * (_LARGE + _GAP), first, each)
    lines = "\n".join(wrapped(each, int(1.1 * (across - beside) * LETTERS), 7) for each in key)
    paper.write(_MARGIN + beside, first + LINE + 0.03, lines, size=8, color=QUIET)
    for top, row in zip(tops, rows, strict=False):
        for column, each in enumerate(row):
            _card(paper, _MARGIN + column * (_SMALL + _GAP), top, each)
    return paper.figure


def _height(picture: Picture, width: float) -> float:
    return width * min(max(picture.shape[0] / picture.shape[1], 0.4), 2.5)


def _card_height(card: Card) -> float:
    pictures = sum(_height(each, _SMALL) + 0.06 for each in card.pictures)
    return _header(card) + pictures + _BAR * len(card.bars)


def _header(card: Card) -> float:
    return (2 if card.note else 1) * LINE + 0.03


def _large(paper: Paper, left: float, top: float, heading: Heading) -> None:
    paper.write(left, top, wrapped(heading.title, int(_LARGE * LETTERS), 1), color=QUIET)
    axes = paper.picture(left, top + LINE + 0.03, _LARGE, _height(heading.picture, _LARGE), heading.picture)
    for box in heading.boxes:
        _frame(axes, box)


def _frame(axes: Axes, box: Box) -> None:
    left, top, across, down = box
    for colour, width in ((INK, 2.6), ("#ffffff", 1.2)):
        axes.add_patch(Rectangle((left - 0.5, top - 0.5), across, down, fill=False, ec=colour, lw=width))


def _card(paper: Paper, left: float, top: float, card: Card) -> None:
    paper.write(left, top, wrapped(card.title, int(0.85 * _SMALL * LETTERS), 1), weight="bold")
    paper.write(left, top + LINE, wrapped(card.note, int(1.2 * _SMALL * LETTERS), 1), size=7, color=QUIET)
    top += _header(card)
    for each in card.pictures:
        height = _height(each, _SMALL)
        paper.picture(left, top, _SMALL, height, each)
        top += height + 0.06
    for number, each in enumerate(card.bars):
        _bar(paper, left, top + number * _BAR, each)


def _bar(paper: Paper, left: float, top: float, bar: Bar) -> None:
    paper.write(left, top, bar.words, size=8)
    axes = paper.axes(left, top + LINE, _SMALL, 0.07)
    axes.set_xlim(-bar.limit if bar.signed else 0, bar.limit)
    axes.set_ylim(-0.5, 0.5)
    axes.axhspan(-0.5, 0.5, color="#ececec", linewidth=0)
    colour = _PLAIN if not bar.signed else _POSITIVE if bar.value > 0 else _NEGATIVE
    axes.barh(0, bar.value, height=1.0, color=colour, linewidth=0)
