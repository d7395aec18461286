"""A class activation map without a class: what most of a layer's features have in common."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import forward_for
from .layer_method import LayerMethod, OneMap
from .method import About, Inputs, Maps


@dataclass(frozen=True)
class EigenCAM(LayerMethod):
    """Where in the image the strongest pattern of a layer's features is, whatever the question.

    The map is the same for every class: it shows what stands out, not what speaks for the answer.

        A = U Σ Vᵀ [position, channel],   values = A v₁

    Reference: Muhammad and Yeasin, "Eigen-CAM", 2020; A is not centred. Of the two signs, the one that points the
    same way as the sum of all channels; where that sum is zero up to rounding, as behind a normalisation of each
    position, the one in which the position of largest magnitude is positive.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.

    Raises:
        MethodError: the layer gives no grid.
    """

    about = About(
        title="Eigen-CAM",
        reference="Muhammad and Yeasin 2020",
        cost="1 forward pass",
        needs="a layer that keeps a grid",
    )

    @property
    def signed(self) -> bool:
        """False: no question, so neither for nor against; opposite signs are opposite sides of one pattern."""
        return False

    @torch.no_grad()
    def layer_map(self, net: Network, images: Inputs, objective: Objective, layer: str) -> OneMap:
        """The features along their first principal direction; a question that does not fit is refused, though."""
        seen = forward_for(net, images, objective, record=(layer,))
        objective(seen)
        return first_component(seen.maps(layer))


def first_component(maps: Maps) -> OneMap:
    """The projection of each position's features on their first right singular vector, from the smaller Gram matrix."""
    features = maps.flatten(2).mT
    positions, channels = features.shape[1:]
    if channels <= positions:
        direction = torch.linalg.eigh(features.mT @ features).eigenvectors[:, :, -1:]
    else:
        along = torch.linalg.eigh(features @ features.mT).eigenvectors[:, :, -1:]
        direction = functional.normalize(features.mT @ along, dim=1)
    projection = features @ direction
    return _signed(projection, direction).mT.unflatten(2, maps.shape[2:])


def _signed(projection: Tensor, direction: Tensor) -> Tensor:
    """The projection on the direction v or on −v, whichever sums up to more over the K channels.

    It is in doubt where |Σₖ vₖ| / √K, the cosine of v with a sum, is below √ε of the precision.
    """
    cosine = direction.sum(1, keepdim=True) / direction.shape[1] ** 0.5
    in_doubt = cosine.abs() < torch.finfo(cosine.dtype).eps ** 0.5
    extreme = projection.take_along_dim(projection.abs().argmax(1, keepdim=True), 1)
    return projection * torch.where(extreme.where(in_doubt, cosine) < 0, -1, 1)
