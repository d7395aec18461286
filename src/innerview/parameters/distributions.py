"""How the weights of each layer are distributed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..errors import LayerError
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..results import Provenance, Result
from ..settings import Count, checked
from .filters import kernels, with_kernels


@dataclass(frozen=True, eq=False, repr=False)
class WeightDistributions(Result):
    """For each layer with kernels how many of its weights have which value.

    Attributes:
        layers: the layers' addresses, in the order they are defined.
        edges: the ends of the bins of each layer, symmetric around zero: [layer, bin + 1].
        counts: how many weights lie in each bin: [layer, bin]; they add up to the number of finite weights.
        mean, std: of each layer's weights; NaN where not all are finite.
        zeros: the share of weights that are exactly 0, as in a pruned layer.
        provenance: the network and the settings.
    """

    layers: tuple[str, ...]
    edges: Float[Tensor, "layer edge"]
    counts: Int64[Tensor, "layer bin"]
    mean: Float[Tensor, "layer"]
    std: Float[Tensor, "layer"]
    zeros: Float[Tensor, "layer"]
    provenance: Provenance


def weight_distributions(net: Network, layers: Sequence[str] | None = None, *, bins: int = 101) -> WeightDistributions:
    """A histogram of the weights of each convolution and linear layer; biases and normalisations are left out.

    Args:
        net: the network; it is not changed.
        layers: the layers' addresses; by default all that have kernels.
        bins: how many bins each histogram has; an odd number has one around zero.

    Raises:
        LayerError: a layer does not exist or has no kernels.
        SettingError: there is no bin.
    """
    require_network(net)
    bins = checked("bins", bins, Count)
    found = with_kernels(net.module)
    names = tuple(found) if layers is None else tuple(layers)
    if not names:
        raise LayerError(f"{net.name} has no layer with kernels, so there are no weights to show")
    weights = [kernels(found.get(name) or net.address(name).module, name).flatten() for name in names]
    finite = [each[each.isfinite()] for each in weights]
    limits = [each.abs().amax().item() or 1.0 if each.numel() else 1.0 for each in finite]
    return WeightDistributions(
        layers=names,
        edges=torch.stack([torch.linspace(-limit, limit, bins + 1) for limit in limits]),
        counts=torch.stack([_counts(each, limit, bins) for each, limit in zip(finite, limits, strict=True)]),
        mean=torch.stack([each.mean() for each in weights]),
        std=torch.stack([each.std(correction=0) for each in weights]),
        zeros=torch.stack([(each == 0).float().mean() for each in weights]),
        provenance=provenance(net, "weight_distributions", layers=names, bins=bins),
    )


def _counts(values: Float[Tensor, "weight"], limit: float, bins: int) -> Int64[Tensor, "bin"]:
    return values.histc(bins, -limit, limit).to(torch.int64)
