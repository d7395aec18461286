"""Pictures that no gradient reaches: how they are led to where the objective begins to answer."""

import torch
from torch import Tensor

from ..modules.relu_rules import ReluRules


class Rescue(ReluRules):
    """Within the block a ReLU through which nothing of a picture's gradient would pass lets it through in part.

    For the incoming gradient g of one picture at one ReLU:

        g · [open]    if that is not zero everywhere
        max(g, 0)     else: what would raise the units, so that they may open

    A unit that answers to nothing in the first noise would otherwise leave the picture as it is for ever.

    Reference: Lucid, redirected ReLU gradients, which are on for the first 16 steps.
    """

    def backward(self, gradient: Tensor, opened: Tensor) -> Tensor:
        """The gradient that goes on."""
        passed = super().backward(gradient, opened)
        pictures = passed.shape[:1]  # of a single number for the whole batch, none
        alive = passed.reshape(pictures.numel(), -1).abs().amax(1) > 0
        if bool(alive.all()):
            return passed
        return torch.where(alive.view([*pictures, *[1] * (passed.dim() - 1)]), passed, gradient.clamp_min(0))
