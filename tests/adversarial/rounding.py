"""A network that rounds otherwise for a batch than for one image, as many do, and what must not change by that."""

from typing import Any

import torch
from torch import Tensor, nn

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.method import AttackMethod
from innerview.adversarial.result import Attack


class Rounding(nn.Module):
    """Scores that are off by 4 units in the last place of 1, class by class up and down; of one image the other way.

    That is what the scores of common networks differ by between a batch and single images, up to 5 units.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        scores = self.inner(x)
        signs = 1 - 2 * (torch.arange(scores.shape[1]) % 2)
        return scores + 4 * torch.finfo(scores.dtype).eps * (signs if len(x) > 1 else -signs)


def same_alone(net: iv.Network, x: Tensor, method: AttackMethod, **goal: Any) -> Attack:
    """The attack of a batch by a network that rounds; each image is seen to become the same alone."""
    net = iv.Network(Rounding(net.module), net.preprocess)
    together = attack(net, x, method, **goal)
    for image in range(len(x)):
        own = {name: value[image] if isinstance(value, list) else value for name, value in goal.items()}
        alone = attack(net, x[[image]], method, **own)
        for name in ("steps", "success"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[image]), (name, image)
        # Each step of an attack multiplies rounding by the network's curvature; half of the digits of a pixel are left.
        tolerance = torch.finfo(alone.after.dtype).eps ** 0.5
        torch.testing.assert_close(alone.after[0], together.after[image], rtol=0, atol=tolerance)
        if together.success[image]:
            assert alone.history(0)[-1].index == together.history(image)[-1].index
    return together
