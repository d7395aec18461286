"""Questions about what happens inside: a neuron, a channel, a layer, a direction."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..network.network import Network
from ..network.seen import Seen
from .objective import Objective, Scores


@dataclass(frozen=True)
class _OfLayer(Objective):
    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer it reads."""
        return (self.layer,)


@dataclass(frozen=True)
class Channel(_OfLayer):
    """The mean activation of one channel over all positions (of a vector: the value of one unit)."""

    channel: int

    def __call__(self, seen: Seen) -> Scores:
        return _channel(seen.maps(self.layer), self.channel, self.layer).mean((1, 2))

    def describe(self, net: Network) -> str:
        """Layer and channel."""
        return f"{self.layer} channel {self.channel}"


@dataclass(frozen=True)
class Neuron(_OfLayer):
    """One activation: a channel at a position (row, column), by default where the channel is strongest.

    For token sequences the position is (token, 0); vectors have only (0, 0).
    """

    channel: int
    position: tuple[int, int] | None = None

    def __call__(self, seen: Seen) -> Scores:
        maps = _channel(seen.maps(self.layer), self.channel, self.layer)
        return maps.flatten(1).max(1).values if self.position is None else _at(maps, self.position, self.layer)

    def describe(self, net: Network) -> str:
        """Layer, channel and position."""
        where = "strongest position" if self.position is None else f"position {self.position}"
        return f"{self.layer} channel {self.channel}, {where}"


@dataclass(frozen=True)
class LayerEnergy(_OfLayer):
    """The mean of the squared activations of a whole layer: what DeepDream amplifies."""

    def __call__(self, seen: Seen) -> Scores:
        return seen.maps(self.layer).square().mean((1, 2, 3))

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"energy of {self.layer}"


@dataclass(frozen=True)
class Direction(_OfLayer):
    """The dot product of a layer's channels with a vector, at a position or averaged over all."""

    vector: tuple[float, ...]
    position: tuple[int, int] | None = None

    def __call__(self, seen: Seen) -> Scores:
        maps = seen.maps(self.layer)
        if len(self.vector) != maps.shape[1]:
            raise ObjectiveError(
                f"the direction has {len(self.vector)} numbers, but layer {self.layer!r} has {maps.shape[1]} channels"
            )
        weights = torch.tensor(self.vector, dtype=maps.dtype, device=maps.device)
        along = torch.einsum("bcyx,c->byx", maps, weights)
        return along.mean((1, 2)) if self.position is None else _at(along, self.position, self.layer)

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"a direction in {self.layer}"


def _channel(maps: Tensor, channel: int, layer: str) -> Float[Tensor, "batch row column"]:
    if not 0 <= channel < maps.shape[1]:
        raise ObjectiveError(f"layer {layer!r} has channels 0 to {maps.shape[1] - 1}; got {channel}")
    return maps[:, channel]


def _at(maps: Float[Tensor, "batch row column"], position: tuple[int, int], layer: str) -> Scores:
    rows, columns = maps.shape[1:]
    if not (0 <= position[0] < rows and 0 <= position[1] < columns):
        raise ObjectiveError(f"layer {layer!r} has {rows} × {columns} positions (row, column); got {position}")
    return maps[:, position[0], position[1]]
