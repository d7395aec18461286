"""Which pixels of the input a unit can see.

Along one side of the image, for a kernel of size k, stride s, padding p and dilation d:

    size'   = size + (k - 1) · d · stride
    start'  = start - p · stride
    stride' = stride · s

Reference: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .reach import Window

Pair = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """What a unit sees along one side of the image: so many pixels, from one on that is `stride` further for the next.

    A stride of 0 says that every unit sees the same pixels.
    """

    size: int
    stride: int
    start: int

    def through(self, window: Window) -> "Span":
        """What a unit sees that reads a window of such units."""
        return Span(
            self.size + (window.width - 1) * self.stride,
            self.stride * window.stride,
            self.start - window.padding * self.stride,
        )

    def joined(self, other: "Span") -> "Span | None":
        """What a unit sees that reads both: the smallest span around the two; None if they do not align."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        return Span(max(self.start + self.size, other.start + other.size) - start, self.stride, start)


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a unit can see, each pair as (vertical, horizontal), in pixels of the network's input.

    `start` is the first pixel that the unit at position (0, 0) sees; it is negative where padding is seen.
    A stride of 0 says that every unit sees the same pixels: the whole image.
    """

    size: Pair
    stride: Pair
    start: Pair

    @classmethod
    def of(cls, rows: Span, columns: Span) -> "ReceptiveField":
        """What is seen along both sides."""
        return cls((rows.size, columns.size), (rows.stride, columns.stride), (rows.start, columns.start))

    @property
    def is_whole_image(self) -> bool:
        """Whether every unit sees everything."""
        return self.stride == (0, 0)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """First row, first column, end row, end column (exclusive) seen by the unit there; not clipped."""
        top, left = (start + at * step for start, at, step in zip(self.start, (row, column), self.stride, strict=True))
        return top, left, top + self.size[0], left + self.size[1]

    def nearest(self, pixel: Pair, grid: Sequence[int]) -> Pair:
        """Of a grid of so many rows and columns, the unit whose field's middle is nearest to a pixel of the input."""
        return _pair(
            min(max(round((at - start - (size - 1) / 2) / (step or 1)), 0), units - 1)
            for at, start, size, step, units in zip(pixel, self.start, self.size, self.stride, grid, strict=True)
        )


def _pair(values: Iterable[Any]) -> Pair:
    first, second = values
    return (int(first), int(second))
