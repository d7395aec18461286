"""Which pixels each value is about, where parts of the image were covered one after the other."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

Sides = tuple[tuple[int, int], ...]
"""From a pixel to the one behind the last."""
OfParts = Float[Tensor, "batch map part_row part_column"]
OfPixels = Float[Tensor, "batch map height width"]


@dataclass(frozen=True)
class Covered:
    """The pixels that were covered for each row and each column of values: rectangles, which may overlap.

    Together they cover the image.
    """

    rows: Sides
    columns: Sides

    def mean(self, values: OfParts) -> OfPixels:
        """At each pixel the mean of the values of the rectangles that it lies in."""
        down, across = (_covering(sides, values) for sides in (self.rows, self.columns))
        return down.T @ values @ across / torch.outer(down.sum(0), across.sum(0))

    def nearest(self, values: OfParts) -> OfPixels:
        """At each pixel the value of the rectangle whose middle is nearest; of two that are, of the first."""
        rows, columns = (_nearest(sides).to(values.device) for sides in (self.rows, self.columns))
        return values[:, :, rows][..., columns]


def _covering(sides: Sides, like: Tensor) -> Float[Tensor, "part pixel"]:
    """1 where the part covers the pixel, else 0."""
    covering = like.new_zeros(len(sides), sides[-1][1])
    for line, (first, last) in zip(covering, sides, strict=True):
        line[first:last] = 1
    return covering


def _nearest(sides: Sides) -> Int[Tensor, "pixel"]:
    """For each pixel the part whose middle is nearest."""
    twice_the_middles = torch.tensor(sides).sum(1)
    pixels = 2 * torch.arange(sides[-1][1]) + 1
    return (pixels[:, None] - twice_the_middles).abs().argmin(1)
