"""A network that rounds otherwise for a batch than for one image, as networks do on many processors."""

import torch
from torch import Tensor, nn


class Rounding(nn.Module):
    """Scores that are off by 16 units in the last place of 1, class by class up and down; of one image the other way.

    It is what changes with the order of a sum of some hundred terms.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        scores = self.inner(x)
        signs = 1 - 2 * (torch.arange(scores.shape[1]) % 2)
        return scores + 16 * torch.finfo(scores.dtype).eps * (signs if len(x) > 1 else -signs)
