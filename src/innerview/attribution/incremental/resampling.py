"""Interpolation and adaptive pooling along one axis, as the matrix that they are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .windows import Extent


@dataclass(frozen=True)
class Resampling:
    """Each position that comes out is a weighted sum of those from `first` to `last`."""

    matrix: Float[Tensor, "after before"]
    first: Int[Tensor, "after"]
    last: Int[Tensor, "after"]

    @classmethod
    def of(cls, matrix: Float[Tensor, "after before"]) -> "Resampling":
        """The resampling that this matrix does."""
        used = (matrix != 0).int()
        first, last = used.argmax(1), used.shape[1] - 1 - used.flip(1).argmax(1)
        # Where a weight happens to be 0 the interval is narrower than its neighbours; both ends must not go back.
        return cls(matrix.contiguous(), first.flip(0).cummin(0).values.flip(0), last.cummax(0).values)

    def extent(self, before: Extent) -> Extent:
        """Which positions read any that has changed."""
        low = torch.searchsorted(self.last, before.low).clamp_max(len(self.matrix) - 1)
        high = torch.maximum(torch.searchsorted(self.first, before.high), low + 1)
        return Extent.covering(low, high, len(self.matrix))

    def sources(self, after: Extent) -> Int[Tensor, "mask position"]:
        """The positions that those kept are computed from."""
        kept = after.positions()
        first = self.first[kept[:, 0]]
        size = int((self.last[kept[:, -1]] - first).max()) + 1
        return first.clamp_max(self.matrix.shape[1] - size)[:, None] + torch.arange(size)

    def weights(self, after: Extent, sources: Int[Tensor, "mask position"]) -> Float[Tensor, "mask kept position"]:
        """The part of the matrix that leads from `sources` to what is kept."""
        return self.matrix[after.positions()[:, :, None], sources[:, None, :]]
