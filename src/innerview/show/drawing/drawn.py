"""Pictures with pixels in 0–1, ready to be drawn."""

import torch
from jaxtyping import Float
from torch import Tensor

from .colours import Pixels, photograph


def drawn(image: Float[Tensor, "channel row column"]) -> Pixels:
    """As [row, column, 3]; what is neither grey nor RGB becomes grey."""
    shown = image if image.shape[0] in (1, 3) else image.mean(0, keepdim=True)
    return photograph((shown.detach().clamp(0, 1) * 255).round().to(torch.uint8))
