"""The sheet of an activation grid: the image as a layer sees it."""

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from ...combined.grid import ActivationGrid
from ..drawing.colours import Picture, photograph
from ..drawing.drawn import drawn
from ..drawing.montage import Resized, montage
from ..drawing.paper import LETTERS, LINE, QUIET, Paper
from ..drawing.titles import plain, wrapped

_MARGIN, _GAP = 0.25, 0.25
_SIDE = 5.6  # inches across
_CELL = 96  # pixels of a cell at most
_KEY = (
    "Each position of the layer shows the picture that its activation stands for; the stronger the layer answers "
    "there, the larger its area."
)


def grid_sheet(result: ActivationGrid, *, scaled: bool = True) -> Figure:
    """The image, and beside it the picture of each position, the larger the stronger the layer answers there.

    Args:
        result: the grid.
        scaled: whether the strength is shown; otherwise all pictures fill their cells.
    """
    grid, photo = mosaic(result, scaled=scaled), photograph(result.picture)
    heights = [_SIDE * grid.shape[0] / grid.shape[1], _SIDE * photo.shape[0] / photo.shape[1]]
    width = 2 * _MARGIN + _SIDE + _GAP + _SIDE
    rows, columns = result.magnitudes.shape
    title = (
        f"{plain(result.provenance.network, 60)}: the image as {plain(result.layer, 60)} sees it, {rows} × {columns}"
    )
    foot = _MARGIN + 2 * LINE + max(heights) + 0.1
    paper = Paper(width, foot + LINE + _MARGIN)
    paper.write(_MARGIN, _MARGIN, wrapped(title, int(0.85 * width * LETTERS), 1), weight="bold")
    top = _MARGIN + 2 * LINE
    paper.picture(_MARGIN, top, _SIDE, heights[1], photo)
    paper.picture(_MARGIN + _SIDE + _GAP, top, _SIDE, heights[0], grid)
    if scaled:
        paper.write(_MARGIN, foot, wrapped(_KEY, int(1.1 * width * LETTERS), 1), size=8, color=QUIET)
    return paper.figure


def mosaic(result: ActivationGrid, *, scaled: bool) -> Resized:
    """All pictures as one: each in the middle of its cell, with its area in proportion to its strength."""
    largest = float(result.magnitudes.max()) or 1.0
    sides = (result.magnitudes / largest).sqrt() if scaled else torch.ones_like(result.magnitudes)
    return montage(
        [
            [_cell(drawn(image), side) for image, side in zip(*row, strict=True)]
            for row in zip(result.pixels, sides.tolist(), strict=True)
        ],
        gap=0,
    )


def _cell(picture: Picture, part: float) -> Resized:
    """The picture with its sides so much shorter, in the middle of a white cell."""
    most = min(1.0, _CELL / max(picture.shape[:2]))
    rows, columns = (max(1, round(side * most)) for side in picture.shape[:2])
    cell = Image.new("RGB", (columns, rows), "white")
    size = round(columns * part), round(rows * part)
    if min(size) > 0:
        shown = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
        cell.paste(shown, ((columns - size[0]) // 2, (rows - size[1]) // 2))
    return np.asarray(cell)
