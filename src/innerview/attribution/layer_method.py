"""Methods that make one map of the features of a layer, or of several layers."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..network.default_layer import grid_layer
from ..network.network import Network
from ..objectives import Objective
from ..settings import NotEmpty, Text
from .method import Inputs, Maps, Method

OneMap = Float[Tensor, "batch 1 map_row map_column"]
"""One map per image."""


@dataclass(frozen=True)
class LayerMethod(Method):
    """One map per image at the resolution of a layer's grid; of several layers their mean (see `joined`).

    Args:
        layer: the address of the layer, or a tuple of addresses; None for the last grid of features.
    """

    layer: Text | Annotated[tuple[str, ...], NotEmpty()] | None = None

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The map at the layer's resolution, one channel."""
        asked = self.layer if isinstance(self.layer, tuple) else (self.layer,)
        layers = [grid_layer(net, images, layer) for layer in asked]
        return joined([self.layer_map(net, images, objective, layer) for layer in layers])

    @abstractmethod
    def layer_map(self, net: Network, images: Inputs, objective: Objective, layer: str) -> OneMap:
        """The map of one layer, one channel."""


def joined(maps: Sequence[Float[Tensor, "batch 1 _ _"]]) -> OneMap:
    """The map of one layer as it is; of several, the mean of their maps on the finest of their grids.

    Their magnitudes do not compare, so each is divided by its largest magnitude, image by image, before.
    """
    if len(maps) == 1:
        return maps[0]
    finest = max((each.shape[2:] for each in maps), key=torch.Size.numel)
    return torch.stack([_to_one(functional.interpolate(each, finest, mode="bilinear")) for each in maps]).mean(0)


def _to_one(maps: OneMap) -> OneMap:
    largest = maps.abs().amax((1, 2, 3), keepdim=True)
    return maps / largest.where(largest > 0, 1)
