"""The gradient, gathered on the way from an image without content to the image."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..modules.batching import in_batches
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import input_gradient, score
from ..progress import steps
from ..settings import Count
from .baselines import Baseline, baseline_of
from .method import About, Inputs, Maps, Method

Quadrature = Literal["gauss-legendre", "riemann"]


@dataclass(frozen=True)
class IntegratedGradients(Method):
    """How much each pixel contributes to the score's rise from an image without content to this one.

    The values add up to that rise; `gap` of the result says by how much they miss it.

        values = (x − x′) ⊙ ∫₀¹ ∂s / ∂x (x′ + t (x − x′)) dt

    Reference: Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017, eq. 1; completeness
    is proposition 1. The values are in units of the objective.

    Args:
        baseline: the image x′ in which nothing is there: "mean" (the image's mean colour), "blur" (the image without
            detail), a grey value in 0–1, 0 for black as in the paper, or a colour with one value per channel. Pixels
            that are equal in both get no value.
        points: the number of points at which the gradient is taken.
        rule: "gauss-legendre", or "riemann" for the equally spaced points of eq. 3, which need to be many more.
        batch_size: images in one pass; None for what fits.
    """

    about = About(
        title="Integrated gradients",
        reference="Sundararajan et al. 2017",
        cost="1 forward and 1 backward pass per point",
        needs="a differentiable network",
    )

    baseline: Baseline = "mean"
    points: Count = 32
    rule: Quadrature = "gauss-legendre"
    batch_size: Count | None = None

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The values for each image, summed up in small batches of points."""
        start = baseline_of(net, images, self.baseline)
        way = images - start
        places, weights = (each.to(images) for each in self._quadrature())

        def part(rows: slice) -> Maps:
            on_way = start + places[rows, None, None, None, None] * way
            repeated = objective.rows([*range(len(images))] * len(on_way))
            gradients = input_gradient(net, on_way.flatten(0, 1), repeated).gradient
            return torch.einsum("p,p...->...", weights[rows], gradients.unflatten(0, on_way.shape[:2]))

        integral = torch.zeros_like(images)
        size = max(1, net.batch_size(images, graph=True, wanted=self.batch_size) // len(images))
        with steps("integrating", self.points) as advance:
            for rows, gradients in in_batches(self.points, size, part):
                integral += gradients
                advance(rows.stop - rows.start)
        return way * integral

    def total(self, net: Network, images: Inputs, objective: Objective) -> Float[Tensor, "batch"]:
        """The score's rise from the baseline to the image."""
        return score(net, images, objective) - score(net, baseline_of(net, images, self.baseline), objective)

    def _quadrature(self) -> tuple[Float[Tensor, "point"], Float[Tensor, "point"]]:
        """Places in 0–1 and their weights, which add up to 1."""
        if self.rule == "riemann":
            weights = torch.full((self.points,), 1 / self.points, dtype=torch.float64)
            return weights.cumsum(0), weights
        places, weights = np.polynomial.legendre.leggauss(self.points)
        return torch.from_numpy(places + 1) / 2, torch.from_numpy(weights) / 2
