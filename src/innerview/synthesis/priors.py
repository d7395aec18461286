"""What is held against a picture besides the objective: size, edges, what natural images have little of.

Priors see the picture as the network's input, where 0 is the mean colour. The objective less the sum of all priors
is what a picture climbs.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..settings import Amount, Settings

Inputs = Float[Tensor, "picture channel row column"]
Penalty = Float[Tensor, "picture"]


@dataclass(frozen=True)
class Prior(Settings, ABC):
    """A number for each picture, the larger the less natural; `weight` says how much of it is subtracted."""

    weight: Amount

    @abstractmethod
    def __call__(self, inputs: Inputs) -> Penalty:
        """The penalty of each picture, before it is weighted."""


@dataclass(frozen=True)
class L2(Prior):
    """The squared length ‖x‖²: pictures stay near the mean colour.

    Reference: Simonyan, Vedaldi and Zisserman 2013, Deep inside convolutional networks, eq. 1.
    """

    def __call__(self, inputs: Inputs) -> Penalty:
        return inputs.square().sum((1, 2, 3))


@dataclass(frozen=True)
class L1(Prior):
    """The sum of all absolute values: most pixels have the mean colour."""

    def __call__(self, inputs: Inputs) -> Penalty:
        return inputs.abs().sum((1, 2, 3))


@dataclass(frozen=True)
class TotalVariation(Prior):
    """The sum of the absolute differences between neighbours in a row and in a column: even areas, few edges.

    Reference: Mahendran and Vedaldi 2015, Understanding deep image representations by inverting them, eq. 5 (β = 1,
    rows and columns apart).
    """

    def __call__(self, inputs: Inputs) -> Penalty:
        down, across = inputs.diff(dim=2).abs(), inputs.diff(dim=3).abs()
        return down.sum((1, 2, 3)) + across.sum((1, 2, 3))


@dataclass(frozen=True)
class EdgeEnergy(Prior):
    """The energy of edges at all scales: what a blur takes away, of the picture and of its smaller and smaller copies.

        h(x) = Σₛ ‖δˢ(x) − g ∗ δˢ(x)‖²

    with g the 5 × 5 Gaussian of deviation 1 and δ the mean over 2 × 2 pixels, for each channel on its own, as long as
    both sides have more than 5 pixels. Outside the picture there is the mean colour: g and δ see a border of zeros.
    Against a class score, a weight of 1 takes the noise away and leaves the forms, of low contrast: `FreePixels` shows
    them by their differences.

    Reference: Fleuret, Deep learning course, lecture 9.4, Optimizing inputs.
    """

    def __call__(self, inputs: Inputs) -> Penalty:
        energy, copy = inputs.new_zeros(len(inputs)), inputs.flatten(0, 1)[:, None]
        kernel = _gaussian(inputs)
        while min(copy.shape[2:]) > 5:
            edges = copy - functional.conv2d(copy, kernel, padding=2)
            energy = energy + edges.square().sum((1, 2, 3)).unflatten(0, inputs.shape[:2]).sum(1)
            copy = functional.avg_pool2d(copy, kernel_size=2, padding=1)
        return energy


def _gaussian(like: Tensor) -> Float[Tensor, "1 1 5 5"]:
    line = torch.exp(-torch.arange(-2.0, 3.0, dtype=like.dtype, device=like.device).square() / 2)
    kernel = torch.outer(line, line)
    return (kernel / kernel.sum())[None, None]
