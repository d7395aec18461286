"""Wide pictures below each other, each with a heading and its scale: the form of all sheets of kernels and maps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .colours import Picture, Scale
from .paper import INK, LETTERS, LINE, QUIET, Paper
from .titles import wrapped

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the picture."""

PER_INCH = 100  # pixels of a picture, unless it would be too wide
WIDEST, NARROWEST = 11.0, 4.5  # inches
MARGIN = 0.25
RAMP = 1.6
BARS = 1.2


@dataclass(frozen=True)
class Band:
    """One picture of a sheet, or numbers drawn as bars.

    Attributes:
        title: its heading.
        note: in quiet letters below the heading.
        picture: the pixels; None where there are `bars` instead.
        scale: what its colours mean; None where the note says it.
        labels: short texts by the place in the picture they stand above: left and bottom, in pixels.
        beside: short texts at the left of the picture, by their height in pixels.
        boxes: frames drawn in it.
        bars: numbers that have no place, from left to right.
    """

    title: str
    note: str
    picture: Picture | None = None
    scale: Scale | None = None
    labels: Sequence[tuple[float, float, str]] = ()
    beside: Sequence[tuple[float, str]] = ()
    boxes: Sequence[Box] = ()
    bars: Float[np.ndarray, "value"] = field(default_factory=lambda: np.zeros(0))


def stacked(title: str, bands: Sequence[Band], *, key: str) -> Figure:
    """A figure of these bands, with a key for all of them at its foot."""
    widest = max((band.picture.shape[1] for band in bands if band.picture is not None), default=0)
    inch = max(PER_INCH, widest / WIDEST)
    width = min(WIDEST, max(NARROWEST, widest / inch)) + 2 * MARGIN
    letters = int((width - 2 * MARGIN) * LETTERS)
    notes = [wrapped(band.note, letters, 3) for band in bands]
    heights = [_height(band, inch) for band in bands]
    tops = np.cumsum([MARGIN + 0.38] + [_header(n) + h + 0.3 for n, h in zip(notes, heights, strict=True)])
    key = wrapped(key, letters, 4)
    paper = Paper(width, tops[-1] + LINE * (key.count("\n") + 1) + MARGIN)
    paper.write(MARGIN, MARGIN - 0.05, wrapped(title, int(letters * 0.7), 1), size=12, weight="bold")
    for band, note, top, height in zip(bands, notes, tops, heights, strict=False):
        _draw(paper, band, note, (float(top), height), inch)
    paper.write(MARGIN, tops[-1], key, size=8, color=QUIET)
    return paper.figure


def _height(band: Band, inch: float) -> float:
    return BARS if band.picture is None else band.picture.shape[0] / inch


def _header(note: str) -> float:
    return LINE * (2 + note.count("\n") if note else 1.3) + 0.1


def _draw(paper: Paper, band: Band, note: str, place: tuple[float, float], inch: float) -> None:
    top, height = place
    beside = paper.width - 2 * MARGIN - (RAMP + 0.1 if band.scale else 0)
    paper.write(MARGIN, top, wrapped(band.title, int(0.85 * beside * LETTERS), 1), weight="bold")
    paper.write(MARGIN, top + LINE, note, size=8, color=QUIET)
    if band.scale is not None:  # its numbers end where the note, or without one the labels of the picture, begin
        paper.ramp(paper.width - MARGIN - RAMP, top - 0.06, RAMP, band.scale)
    top += _header(note)
    if band.picture is None:
        _bars(paper.axes(MARGIN, top, paper.width - 2 * MARGIN, height), band.bars)
        return
    axes = paper.picture(MARGIN, top, band.picture.shape[1] / inch, height, band.picture)
    looks = {"size": 6, "color": QUIET, "parse_math": False, "usetex": False}
    for left, bottom, words in band.labels:
        axes.text(left - 0.5, bottom - 1.5, words, va="bottom", **looks)
    for middle, words in band.beside:
        axes.text(-3, middle, words, va="center", ha="right", **looks)
    for left, upper, across, down in band.boxes:
        for colour, width in ((INK, 2.2), ("#ffffff", 1.0)):
            axes.add_patch(Rectangle((left - 0.5, upper - 0.5), across, down, fill=False, ec=colour, lw=width))


def _bars(axes: Axes, values: Float[np.ndarray, "value"]) -> None:
    """The numbers in a row, zero as a line, and the number of the largest."""
    axes.bar(range(len(values)), values, width=1.0, color="#3b6ea5", linewidth=0)
    axes.axhline(0, color=QUIET, linewidth=0.6)
    axes.set_xlim(-0.5, len(values) - 0.5)
    largest = int(np.abs(values).argmax())
    words = f"{largest}: {values[largest]:.3g}"
    axes.text(largest, values[largest], words, size=7, color=INK, ha="center", va="bottom")
