"""What two images, or one image before and after a change, do differently inside a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ImageError
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..network.rows import require_rows
from ..results import Provenance, Result
from .maps import Activations, Maps, activations
from .stages import stages

SMALLEST = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    """The same layers for two images, pair by pair.

    Attributes:
        before, after: what the layers gave for the one and the other.
        provenance: the network and the settings.
    """

    before: Activations
    after: Activations
    provenance: Provenance

    def __iter__(self) -> Any:
        return iter(self.before)

    def distances(self) -> Mapping[str, Float[Tensor, "batch"]]:
        """By layer, how far apart the two are for each pair: ‖b − a‖ / ‖a‖; 0 where nothing changed."""
        return {layer: _distance(self.before[layer].flatten(1), self.after[layer].flatten(1)) for layer in self}

    def difference(self, layer: str) -> Maps:
        """After minus before, as maps."""
        return self.after.maps(layer) - self.before.maps(layer)

    def shares(self, layer: str) -> Float[Tensor, "batch channel"]:
        """Which share of a layer's squared difference lies in each channel; 0 for all where nothing changed."""
        return _shares(self.difference(layer).square().sum((2, 3)))

    def places(self, layer: str) -> Float[Tensor, "batch row column"]:
        """Which share of a layer's squared difference lies at each position."""
        squares = self.difference(layer).square().sum(1)
        return _shares(squares.flatten(1)).view_as(squares)

    def channels(self, layer: str, count: int, *, image: int = 0) -> list[int]:
        """The numbers of the channels that differ most for one pair, the most different first."""
        return self.shares(layer)[image].argsort(descending=True, stable=True)[:count].tolist()


def compare(net: Network, images: Any, others: Any, layers: Sequence[str] | None = None) -> Comparison:
    """The same layers for two images, or for one before and after a change: occluded, attacked, rotated.

    Args:
        net: the network; it is not changed.
        images: anything `net.prepare` takes.
        others: as many other images, or one that all are compared with.
        layers: the layers' addresses; by default those that `activations` shows.

    Raises:
        ImageError: the numbers or sizes of the images differ.
        LayerError: a layer does not exist, did not run, or has not one row for each image.
    """
    require_network(net)
    images, others = net.prepare(images), net.prepare(others)
    if len(others) == 1:
        others = others.expand(len(images), -1, -1, -1)
    if images.shape != others.shape:
        raise ImageError(
            f"compared images have one size and come in pairs; got {list(images.shape)} and {list(others.shape)}",
            kind="shape",
        )
    names = stages(net, images) if layers is None else layers
    before, after = activations(net, images, names), activations(net, others, names)
    for name in before:
        require_rows(net, images, name, len(before[name]))
    return Comparison(before, after, provenance(net, "compare", layers=tuple(before)))


def _distance(one: Float[Tensor, "batch value"], other: Float[Tensor, "batch value"]) -> Float[Tensor, "batch"]:
    one, other = one.double(), other.double()
    return ((other - one).norm(dim=1) / one.norm(dim=1).clamp_min(SMALLEST)).float()


def _shares(squares: Float[Tensor, "batch part"]) -> Float[Tensor, "batch part"]:
    return squares / squares.sum(1, keepdim=True).clamp_min(torch.finfo(squares.dtype).tiny)
