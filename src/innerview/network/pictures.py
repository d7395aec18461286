"""What a network saw, as pixels to draw on."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .network import Network


def pictures(
    net: Network, images: Float[Tensor, "batch channel row column"]
) -> UInt8[Tensor, "batch colour height width"]:
    """What the network saw; inputs that are neither grey nor RGB become grey."""
    if images.shape[1] == net.preprocess.channels:
        shown = net.preprocess.display(images.float())
    else:
        low, high = images.float().amin((1, 2, 3), keepdim=True), images.float().amax((1, 2, 3), keepdim=True)
        shown = (images.float() - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny)
    return of_pixels(shown)


def of_pixels(pixels: Float[Tensor, "batch channel row column"]) -> UInt8[Tensor, "batch colour height width"]:
    """Pixels in 0–1 in the levels of an image file; what is neither grey nor RGB becomes grey."""
    shown = pixels if pixels.shape[1] in (1, 3) else pixels.mean(1, keepdim=True)
    return (shown.detach().clamp(0, 1) * 255).round().to(torch.uint8).cpu()
