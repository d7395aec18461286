"""The comparison sheet: a row for each image, a column for each way of looking at it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ...attribution.method import Attribution
from ...errors import SettingError
from ...settings import checked
from ..drawing.chosen import MOST_IMAGES, numbered
from ..drawing.colours import PERCENTILE, Heatmap, Picture, Scale, Sharing, flaw, photograph
from ..drawing.drawn import drawn
from ..drawing.paper import INK, LETTERS, LINE, QUIET, Paper
from ..drawing.titles import colour_key, distinctions, method_title, plain, silence, wrapped

Style = Literal["overlay", "map", "cells", "rgb"]

MOST_MAPS = 48
IN_A_BAND = 8


@dataclass(frozen=True)
class Tile:
    """One map of the sheet: the photograph under it, its scale, what was asked, and what its values add up to."""

    photograph: Picture
    heatmap: Heatmap
    values: Float[Tensor, "channel map_row map_column"]
    scale: Scale
    question: str
    sum: str

    def pixels(self, style: Style) -> Picture:
        """The map itself, or the map over the photograph, or the values in the colours of their channels."""
        if style == "overlay":
            return self.scale.overlay(self.photograph, self.heatmap)
        return drawn(0.5 + self.values / self.scale.limit) if style == "rgb" else self.scale.paint(self.heatmap)


@dataclass(frozen=True)
class Column:
    """All maps of one result: its method's title, the question if it is the same for all images, and the tiles."""

    title: str
    question: str
    tiles: tuple[Tile, ...]


def sheet(
    results: Attribution | Sequence[Attribution],
    *,
    style: Style = "overlay",
    scale: Sharing = "each",
    images: Sequence[int] | None = None,
) -> Figure:
    """The photographs in the first column, then one column of maps for each result; many results in several bands.

    Every tile has its own colour scale, whose numbers stand under it. A map that is not finite is hatched and
    says so; a map that is the same everywhere is left empty and says that.

    Args:
        results: attributions of the same images: several methods, several questions, or both.
        style: "overlay" draws the maps over the photograph, the more opaque the stronger; "map" draws them alone;
            "cells" alone and with the method's own grid left as it is, such as one value for each position of a mask;
            "rgb" draws the values as a picture, 0.5 + values / their largest, of methods that give a value for each
            channel of each pixel (gradient, SmoothGrad, deconvolution, guided back-propagation).
        scale: "each" tile has its own, or one is "shared" by all. Compare only values of one unit: the same method,
            another class.
        images: which images of the batch to draw, by number from 0; None for all.

    Raises:
        SettingError: the results are not of the same images, or too many for one sheet, or cannot be drawn in this
            style.
    """
    results = [results] if isinstance(results, Attribution) else list(results)
    checked("style", style, Style)
    checked("scale", scale, Sharing)
    rows = _rows(results, images)
    columns = _columns(results, rows, scale, style)
    return _Layout.of(columns).draw(columns, style, _key(results, rows, scale, style))


def _rows(results: Sequence[Attribution], images: Sequence[int] | None) -> Sequence[int]:
    if not results:
        raise SettingError("a sheet draws at least one result; the list is empty")
    first = results[0].pictures
    if not all(each.pictures.shape == first.shape and torch.equal(each.pictures, first) for each in results):
        raise SettingError("the results on one sheet must be of the same images; draw others on a sheet of their own")
    rows = numbered(images, len(first))
    if not 1 <= len(rows) <= MOST_IMAGES or len(results) > MOST_MAPS:
        raise SettingError(
            f"a sheet holds 1 to {MOST_IMAGES} images and up to {MOST_MAPS} results; got {len(rows)} and "
            f"{len(results)}. Draw some at a time: figure(results, images=range({MOST_IMAGES}))"
        )
    return rows


def _columns(results: Sequence[Attribution], rows: Sequence[int], scale: Sharing, style: Style) -> list[Column]:
    columns = [_column(result, rows, more, style) for result, more in zip(results, distinctions(results), strict=True)]
    if scale == "each":
        return columns
    tiles = [tile for column in columns for tile in column.tiles]
    shared = _scale([tile.heatmap for tile in tiles], [tile.values for tile in tiles], style, signed=True)

    def on_shared(tile: Tile) -> Tile:
        return replace(tile, scale=replace(shared, signed=tile.scale.signed))

    return [replace(column, tiles=tuple(map(on_shared, column.tiles))) for column in columns]


def _column(result: Attribution, rows: Sequence[int], settings: str, style: Style) -> Column:
    if style == "rgb" and result.values.shape[1:] != result.pictures.shape[1:]:
        given, shown = (list(each.shape[1:]) for each in (result.values, result.pictures))
        raise SettingError(
            'style="rgb" draws methods with a value for each channel of each pixel, such as GuidedBackprop; '
            f"{method_title(result)} gives {given} for pictures of {shown}"
        )
    heatmaps = (result.cells() if style == "cells" else result.heatmap()).float().cpu()
    values = result.values.float().cpu()
    tiles = tuple(
        Tile(
            photograph(result.pictures[row]),
            heatmaps[row],
            values[row],
            _scale([heatmaps[row]], [values[row]], style, signed=result.signed),
            result.objective(row),
            result.sum_in_words(row),
        )
        for row in rows
    )
    asked = {tile.question for tile in tiles}
    title = f"{method_title(result)} ({settings})" if settings else method_title(result)
    return Column(title, asked.pop() if len(asked) == 1 else "", tiles)


def _scale(maps: Sequence[Heatmap], values: Sequence[Tensor], style: Style, *, signed: bool) -> Scale:
    """The one scale of all these; of colours, it ends at the largest value."""
    if style != "rgb":
        return Scale.of(maps, signed=signed)
    largest = max(float(each.max()) for each in values)
    return Scale(max(largest, torch.finfo(torch.float32).tiny), signed=signed)


def _key(results: Sequence[Attribution], rows: Sequence[int], scale: Sharing, style: Style) -> str:
    reading = _in_colours(scale) if style == "rgb" else _on_scales(results, scale)
    return f"{reading} {silence(results, rows)}".rstrip()


def _in_colours(scale: Sharing) -> str:
    of = "of all" if scale == "shared" else "of each picture"
    return f"Colours are 0.5 + values / the largest value {of}, cut off at black and white: mid-grey is 0."


def _on_scales(results: Sequence[Attribution], scale: Sharing) -> str:
    kinds = dict.fromkeys(result.signed for result in results)
    colours = "; ".join(colour_key(signed) for signed in kinds)
    scales = "All maps share one scale" if scale == "shared" else "Each map has its own scale"
    ends = f"which ends at the {PERCENTILE:g}th percentile of |value|"
    return f"{colours[0].upper()}{colours[1:]}. {scales}, {ends}."


@dataclass(frozen=True)
class _Layout:
    """Where everything stands, in inches from the top left corner."""

    width: float
    height: float
    header: float
    caption: float
    sums: float
    columns: int

    margin = 0.25
    gap = 0.16
    bar = 0.34
    line = LINE

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "_Layout":
        """Large tiles where there are few, small ones where there are many."""
        rows, pixels = len(columns[0].tiles), columns[0].tiles[0].photograph
        width = 2.7 if len(columns) <= 3 and rows <= 4 else 2.0 if len(columns) <= 6 else 1.5
        height = width * float(np.clip(pixels.shape[0] / pixels.shape[1], 0.4, 2.5))
        header = cls.line * max(_lines(_heading(column, width)) for column in columns) + 0.1
        caption = 0.0 if all(column.question for column in columns) else cls.line * 1.2
        sums = cls.line if any(tile.sum for column in columns for tile in column.tiles) else 0.0
        bands = -(-len(columns) // IN_A_BAND)
        return cls(width, height, header, caption, sums, -(-len(columns) // bands))

    @property
    def row(self) -> float:
        """From the top of a row of tiles to the top of the next."""
        return self.caption + self.height + self.bar + self.sums + self.gap

    def left(self, column: int) -> float:
        """The left edge of a column; that of the photographs has the number 0."""
        return self.margin + column * (self.width + self.gap)

    def draw(self, columns: Sequence[Column], style: Style, key: str) -> Figure:
        """The figure with all its tiles."""
        bands = [columns[first : first + self.columns] for first in range(0, len(columns), self.columns)]
        height = self.header + len(columns[0].tiles) * self.row
        width = self.left(self.columns + 1) - self.gap + self.margin
        key = "\n".join(wrap(plain(key, 1000), int(width * LETTERS)))
        foot = self.margin + len(bands) * height
        paper = Paper(width, foot + self.line * _lines([key]) + self.margin)
        for number, band in enumerate(bands):
            self._band(paper, self.margin + number * height, band, style)
        paper.write(self.left(0), foot, key, size=8, color=QUIET)
        return paper.figure

    def _band(self, paper: Paper, top: float, columns: Sequence[Column], style: Style) -> None:
        paper.write(self.left(0), top, "Image", weight="bold")
        for row, tile in enumerate(columns[0].tiles):
            box = (self.left(0), top + self.header + row * self.row + self.caption, self.width, self.height)
            paper.picture(*box, tile.photograph)
        for number, column in enumerate(columns, start=1):
            self._column(paper, self.left(number), top, column, style)

    def _column(self, paper: Paper, left: float, top: float, column: Column, style: Style) -> None:
        title, question = _heading(column, self.width)
        paper.write(left, top, title, weight="bold")
        paper.write(left, top + self.line * _lines([title]), question, color=QUIET)
        for row, tile in enumerate(column.tiles):
            upper = top + self.header + row * self.row + self.caption
            if not column.question:
                asked = wrapped(tile.question, int(self.width * LETTERS), 1)
                paper.write(left, upper - self.caption, asked, color=QUIET)
            if words := flaw(tile.heatmap):
                _empty(paper.axes(left, upper, self.width, self.height), words)
            else:
                paper.picture(left, upper, self.width, self.height, tile.pixels(style))
                self._numbers(paper, left, upper + self.height, tile, style)

    def _numbers(self, paper: Paper, left: float, top: float, tile: Tile, style: Style) -> None:
        """Below a tile, what its colours stand for and what its values add up to."""
        if style == "rgb":
            paper.write(left, top + 0.07, f"0.5 + values / {tile.scale.limit:.2g}", size=7, color=QUIET)
        else:
            paper.ramp(left, top + 0.07, self.width, tile.scale)
        if tile.sum:
            paper.write(left, top + self.bar, tile.sum, size=8, color=QUIET)


def _heading(column: Column, width: float) -> tuple[str, str]:
    """The column's title and question, wrapped; bold letters are wider."""
    title = wrapped(column.title, int(0.85 * width * LETTERS), 2)
    return title, wrapped(column.question, int(width * LETTERS), 2)


def _lines(texts: Iterable[str]) -> int:
    return sum(text.count("\n") + 1 for text in texts if text)


def _empty(axes: Axes, words: str) -> None:
    hatch = "//" if words == "not finite" else None
    frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, facecolor="#f4f4f4", edgecolor="#b0b0b0", hatch=hatch)
    axes.add_patch(frame)
    plate = {"facecolor": "#f4f4f4", "edgecolor": "none"}
    axes.text(
        0.5,
        0.5,
        words,
        transform=axes.transAxes,
        ha="center",
        va="center",
        size=9,
        color=INK,
        bbox=plate,
        parse_math=False,
        usetex=False,
    )
