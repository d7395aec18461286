"""How the weights and activations of each layer are distributed, in a few numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ..activation.maps import activations
from ..network.network import Network
from ..network.rows import require_rows
from ..parameters.filters import kernels, with_kernels
from ..settings import Settings

BINS = 64
_NUMBERS = ("lowest", "highest", "mean", "std", "zeros", "finite", "dead")


@dataclass(frozen=True, eq=False)
class Distribution:
    """The values of one tensor at one iteration.

    Attributes:
        lowest, highest, mean, std: of the values that are finite.
        zeros: the share of values that are exactly 0.
        finite: the share of values that are neither NaN nor infinite.
        dead: of activations, the share of channels that are above 0 nowhere, for none of the images; else NaN.
        counts: how many values lie in each of the equal bins from `lowest` to `highest`.
    """

    lowest: float
    highest: float
    mean: float
    std: float
    zeros: float
    finite: float
    dead: float
    counts: Int64[Tensor, "bin"]

    @property
    def edges(self) -> Float[Tensor, "edge"]:
        """The ends of the bins."""
        return torch.linspace(self.lowest, self.highest, len(self.counts) + 1, dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Statistics(Settings):
    """The distribution of each layer's weights, and with `images` of what layers give for them.

    Attributes:
        images: fixed images, anything `net.prepare` takes; None for the weights alone.
        layers: the layers whose activations are looked at; by default one for each resolution.
    """

    images: Any = None
    layers: Sequence[str] | None = None

    def measure(self, net: Network) -> dict[str, Tensor]:
        """The numbers and counts of each distribution; `distributions` reads them."""
        measured: dict[str, Tensor] = {}
        for name, layer in with_kernels(net.module).items():
            measured |= _measured(f"weights/{name}", kernels(layer, name), dead=math.nan)
        if self.images is not None:
            found = activations(net, self.images, self.layers)
            for name in found:
                require_rows(net, net.prepare(self.images), name, len(found[name]))
                values = found.grids.get(name, found[name]).float()
                measured |= _measured(f"activations/{name}", values, dead=_dead(values))
        return measured


def distributions(measured: Mapping[str, Tensor]) -> dict[str, Distribution]:
    """What the probe `Statistics` measured: "weights/LAYER" and "activations/LAYER" to their distributions."""
    names = [name.removesuffix("/counts") for name in measured if name.endswith("/counts")]
    numbers = {name: dict(zip(_NUMBERS, measured[f"{name}/numbers"].tolist(), strict=True)) for name in names}
    return {name: Distribution(**numbers[name], counts=measured[f"{name}/counts"]) for name in names}


def _measured(name: str, values: Float[Tensor, "..."], *, dead: float) -> dict[str, Tensor]:
    known = values.isfinite()
    finite = values if bool(known.all()) else values[known]
    finite = finite if finite.numel() else values.new_zeros(1)
    variance, mean = torch.var_mean(finite, correction=0)
    low, high = (each.item() for each in finite.aminmax())
    shares = [(each.count_nonzero() / each.numel()).item() for each in (values == 0, known)]
    numbers = [low, high, mean.item(), variance.sqrt().item(), *shares, dead]
    return {
        f"{name}/numbers": torch.tensor(numbers, dtype=torch.float64),
        f"{name}/counts": finite.histc(BINS, low, high).to(torch.int64),
    }


def _dead(values: Float[Tensor, "batch channel *place"]) -> float:
    """The share of channels that are above 0 nowhere."""
    alive = (values > 0).transpose(0, 1).flatten(1).any(1)
    return 1 - alive.double().mean().item()
