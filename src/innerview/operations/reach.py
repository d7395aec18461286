"""Which values of a tensor an operation reads for each value that it gives, told axis by axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import prod
from typing import NamedTuple

Axes = tuple[int, ...]


class How(Enum):
    """How the positions along some axes are read, besides through a `Window`."""

    SAME = auto()
    """Each position reads its own; several axes count as one, row by row."""
    MATRIX = auto()
    """Each reads some, as a weighted sum whose weights are the same for all positions along the other axes."""
    SOME = auto()
    """Each reads some, and which depends on nothing but the positions along the linked axes."""
    ALL = auto()
    """Each value reads all positions, wherever it is itself."""


@dataclass(frozen=True)
class Window:
    """Along an axis, position i reads the positions i · stride − padding + j · dilation for all j < kernel.

    Attributes:
        outside: what is read beyond the ends.
        even: whether what is done with the values read is the same at each position.
    """

    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    outside: float = 0.0
    even: bool = True

    @property
    def width(self) -> int:
        """From the first position that is read to the last."""
        return self.dilation * (self.kernel - 1) + 1

    def positions(self, at: int) -> range:
        """What one position reads; some may lie beyond the ends."""
        start = at * self.stride - self.padding
        return range(start, start + self.width, self.dilation)


EACH = Window()
"""Each position reads its own."""


class Link(NamedTuple):
    """How positions along some axes of what is given read those along some axes of what is read."""

    source: Axes
    result: Axes
    how: How | Window


@dataclass(frozen=True)
class Reach:
    """What each value of a result reads of one source.

    Each axis of the source is in one link; an axis of the result is in one at most, as what lies along it may read the
    same. Each value reads at most what all links together allow.
    """

    links: tuple[Link, ...]

    def of(self, axis: int) -> Link:
        """The link of an axis of the source."""
        return next(link for link in self.links if axis in link.source)

    def keeps(self, axis: int) -> bool:
        """Whether this axis of the result is that of the source, and each position along it reads its own."""
        return Link((axis,), (axis,), How.SAME) in self.links

    def along(self, axis: int) -> How | Window | None:
        """How positions along this axis read those along the same axis of the source; None if others do, too."""
        found = next((link.how for link in self.links if (link.source, link.result) == ((axis,), (axis,))), None)
        return EACH if found is How.SAME else found


def everything(rank: int) -> Reach:
    """All values, of so many axes."""
    return Reach(tuple(every(range(rank))))


def every(axes: Iterable[int]) -> list[Link]:
    """The links of axes that are read in full."""
    return [Link((axis,), (), How.ALL) for axis in axes]


def kept(axes: Iterable[int], by: int = 0) -> list[Link]:
    """The links of axes that stay what they are, but for so many that come before them."""
    return [Link((axis,), (axis + by,), How.SAME) for axis in axes]


def regrouped(source: Sequence[int], result: Sequence[int]) -> Reach:
    """The same values in the same order, row by row, in another shape; each link holds as few axes as can be."""
    if prod(source) != prod(result) or not prod(source):
        return everything(len(source))
    links: list[Link] = []
    i = j = 0
    while i < len(source):
        first, begin = i, j
        before, after = source[i], result[j] if j < len(result) else 1
        i, j = i + 1, min(j + 1, len(result))
        while before != after:
            if before < after:
                before, i = before * source[i], i + 1
            else:
                after, j = after * result[j], j + 1
        axes = tuple(range(first, i))
        links += [Link(axes, tuple(range(begin, j)), How.SAME)] if j > begin else every(axes)
    return Reach(tuple(links))
