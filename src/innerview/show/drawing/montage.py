"""Many small pictures as one: kernels and maps in rows, with white gaps."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from .colours import Picture, Scale

Item = TypeVar("Item")
Resized = UInt8[np.ndarray, "height width 3"]
"""A picture of another size than those it is made of."""
WHITE = 255


def montage(tiles: Sequence[Sequence[Picture]], *, gap: int = 1) -> Resized:
    """Rows of equally large tiles as one picture; a row that is shorter than the others ends in white."""
    rows, columns, _ = tiles[0][0].shape
    across = max(map(len, tiles))
    height, width = rows + gap, columns + gap
    picture = np.full((len(tiles) * height - gap, across * width - gap, 3), WHITE, np.uint8)
    for row, line in enumerate(tiles):
        for column, tile in enumerate(line):
            picture[row * height : row * height + rows, column * width : column * width + columns] = tile
    return picture


def in_rows(items: Sequence[Item], columns: int) -> list[list[Item]]:
    """The items in their order, so many in a row."""
    return [list(items[start : start + columns]) for start in range(0, len(items), columns)]


def enlarged(picture: Picture, factor: int) -> Resized:
    """Every pixel as a square of `factor` × `factor`, so that no viewer blurs it."""
    return picture.repeat(factor, 0).repeat(factor, 1)


def kernel_tiles(
    kernels: Float[Tensor, "output input row column"], *, colour: bool, scale: Scale
) -> list[list[Picture]]:
    """A row of tiles for each kernel: one for each of its inputs, or one in colour where the inputs are RGB."""
    if colour:
        return [[coloured(kernel, scale)] for kernel in kernels]
    return [[scale.paint(each) for each in kernel] for kernel in kernels]


def coloured(kernel: Float[Tensor, "3 row column"], scale: Scale) -> Picture:
    """The kernel as an RGB picture: 0 is mid-grey, −limit black and +limit full colour.

    Inverse: w = (2 · pixel / 255 − 1) · limit, to half a level, for all weights within the limit.
    """
    unit = (kernel.nan_to_num().permute(1, 2, 0).float().numpy() / scale.limit + 1) / 2
    return np.rint(np.clip(unit, 0, 1) * 255).astype(np.uint8)
