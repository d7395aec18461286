"""Which part of a layer can have changed when part of the image was covered, and that part alone.

A batch of masks changes, in each map, one rectangle per mask. Along each axis it is an interval; through a window
of kernel size k, stride s, padding p and dilation d, of n positions,

    low' = max(0, ⌈(low + p − d(k − 1)) / s⌉),   high' = min(n' − 1, ⌊(high − 1 + p) / s⌋) + 1

All intervals are half-open. More than what has changed may be kept: there, the values equal the clean ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int, Shaped
from torch import Tensor
from torch.nn import functional

from ...operations.reach import Window

Windows = tuple[Window, Window]
"""Along rows and along columns."""
Places = Int[Tensor, "mask"]
Maps = Shaped[Tensor, "mask channel row column"]
"""Also what is computed from values that is no real number: indices, or whether they are positive."""


@dataclass(frozen=True)
class Extent:
    """Along one axis of `length` positions: for each mask what can have changed, and the `size` positions kept.

    Changed are `low` to `high`; kept are `start` to `start + size`, which holds it.
    """

    low: Places
    high: Places
    start: Places
    size: int
    length: int

    @classmethod
    def covering(cls, low: Places, high: Places, length: int) -> "Extent":
        """The smallest windows of one size that hold what has changed."""
        size = int((high - low).max())
        return cls(low, high, low.clamp_max(length - size), size, length)

    @property
    def whole(self) -> bool:
        """Whether every position is kept."""
        return self.size == self.length

    def through(self, window: Window, length: int) -> "Extent":
        """The extent behind an operation that reads such windows and gives `length` positions."""
        low = _floor(self.low + window.padding - window.width + window.stride, window.stride).clamp(0, length - 1)
        high = (_floor(self.high - 1 + window.padding, window.stride) + 1).clamp_max(length)
        return Extent.covering(low, torch.maximum(high, low + 1), length)

    def read_by(self, window: Window) -> Int[Tensor, "mask position"]:
        """What an operation must be given, without padding it further, to compute the positions kept."""
        first = self.start * window.stride - window.padding
        return first[:, None] + torch.arange((self.size - 1) * window.stride + window.width)

    def joined(self, other: "Extent") -> "Extent":
        """Where either has changed."""
        low, high = torch.minimum(self.low, other.low), torch.maximum(self.high, other.high)
        return Extent.covering(low, high, self.length)

    def moved(self, before: int, after: int) -> "Extent":
        """The extent when positions are added at both ends."""
        shifted = replace(self, low=self.low + before, high=self.high + before, start=self.start + before)
        return replace(shifted, length=self.length + before + after)

    def positions(self) -> Int[Tensor, "mask size"]:
        """Those that are kept."""
        return self.start[:, None] + torch.arange(self.size)


@dataclass(frozen=True)
class Area:
    """Of a batch of masks, what can have changed in one map: an extent along each axis."""

    rows: Extent
    columns: Extent

    @property
    def whole(self) -> bool:
        """Whether every position is kept."""
        return self.rows.whole and self.columns.whole

    @property
    def share(self) -> float:
        """The kept part of the map, 0–1."""
        return self.rows.size * self.columns.size / (self.rows.length * self.columns.length)

    def through(self, windows: Windows, size: Sequence[int]) -> "Area":
        """The area behind an operation that reads such windows and gives maps of this size."""
        return Area(self.rows.through(windows[0], size[0]), self.columns.through(windows[1], size[1]))

    def read_by(self, windows: Windows) -> "Positions":
        """What an operation must be given, without padding it further, to compute this area."""
        return Positions(self.rows.read_by(windows[0]), self.columns.read_by(windows[1]))

    def joined(self, other: "Area") -> "Area":
        """Where either has changed."""
        return Area(self.rows.joined(other.rows), self.columns.joined(other.columns))

    def moved(self, border: Sequence[int]) -> "Area":
        """The area in maps with a border of so many positions at the left, right, top and bottom."""
        left, right, top, bottom = border
        return Area(self.rows.moved(top, bottom), self.columns.moved(left, right))

    def positions(self) -> "Positions":
        """Those that are kept."""
        return Positions(self.rows.positions(), self.columns.positions())


@dataclass(frozen=True)
class Positions:
    """For each mask, rows and columns of a map; they may lie outside."""

    rows: Int[Tensor, "mask row"]
    columns: Int[Tensor, "mask column"]

    def at(self) -> tuple:
        """The index that picks them, of each mask, from one map."""
        return (..., self.rows[:, :, None], self.columns[:, None, :])


@dataclass(frozen=True)
class Region:
    """The maps of a batch of masks: clean, but for one window per mask."""

    clean: Shaped[Tensor, "1 channel row column"]
    window: Shaped[Tensor, "mask channel window_row window_column"]
    area: Area

    def at(self, wanted: Positions, padding: float = 0.0) -> Maps:
        """The values there, in channels-last layout; `padding` outside the map."""
        rows, columns = self.area.rows, self.area.columns
        if all(map(_kept, (wanted.rows, wanted.columns), (rows, columns))):
            return self.window
        if self.area.whole and _same_for_all(wanted.rows) and _same_for_all(wanted.columns):
            return self._cropped(wanted, padding)
        channels = self.clean.shape[1]
        first, last = wanted.rows.amin().clamp_min(0), wanted.rows.amax().clamp_max(rows.length - 1) + 1
        strip = _as_pixels(self.clean[:, :, first:last])
        sources = torch.cat([strip, strip.new_full((1, channels), padding), _as_pixels(self.window)])
        down, across = wanted.rows[:, :, None], wanted.columns[:, None, :]
        inside = _within(down, 0, rows.length) & _within(across, 0, columns.length)
        clean_pixel = (down - first) * columns.length + across
        row, column = down - rows.start[:, None, None], across - columns.start[:, None, None]
        changed = _within(row, 0, rows.size) & _within(column, 0, columns.size)
        mask = torch.arange(len(down))[:, None, None]
        window_pixel = len(strip) + 1 + (mask * rows.size + row) * columns.size + column
        index = torch.where(changed, window_pixel, torch.where(inside, clean_pixel, len(strip)))
        return sources.index_select(0, index.flatten()).view(*index.shape, channels).permute(0, 3, 1, 2)

    def _cropped(self, wanted: Positions, padding: float) -> Maps:
        """Of whole maps, the same positions of each: a border is added or cut off."""
        (top, bottom), (left, right) = (
            (-int(each[0, 0]), int(each[0, -1]) + 1 - extent.length)
            for each, extent in zip((wanted.rows, wanted.columns), (self.area.rows, self.area.columns), strict=True)
        )
        return functional.pad(self.window, (left, right, top, bottom), value=padding)

    def over(self, area: Area) -> Maps:
        """The values in another area of the same map."""
        return self.at(area.positions())

    def unchanged(self) -> Maps:
        """The clean values where the windows are."""
        return self.clean[0][self.area.positions().at()].transpose(0, 1)

    def dense(self) -> Maps:
        """The whole maps."""
        rows, columns = (
            torch.arange(each.length).expand(len(each.low), -1) for each in (self.area.rows, self.area.columns)
        )
        return self.at(Positions(rows, columns))


def _kept(wanted: Int[Tensor, "mask position"], extent: Extent) -> bool:
    return wanted.shape[1] == extent.size and torch.equal(wanted[:, 0], extent.start)


def _same_for_all(wanted: Int[Tensor, "mask position"]) -> bool:
    return bool((wanted[:, 0] == wanted[0, 0]).all())


def _within(values: Tensor, low: int, high: int) -> Tensor:
    return (values >= low) & (values < high)


def _floor(values: Places, divisor: int) -> Places:
    return torch.div(values, divisor, rounding_mode="floor")


def _as_pixels(maps: Tensor) -> Shaped[Tensor, "pixel channel"]:
    """One line of channels per pixel: a view of maps in channels-last layout, otherwise a copy."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
