"""Pixels in 0–1, where an attack moves and is measured, and the network's input that they become."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ImageError
from ..network.network import Network

Inputs = Float[Tensor, "batch channel row column"]
Pixels01 = Float[Tensor, "batch channel row column"]

_ROUNDING = 0.01  # a network in bfloat16 keeps the pixels of its input to about a thousandth


def pixels(net: Network, images: Inputs) -> Pixels01:
    """The pixels in 0–1 that prepared images were made of, in single precision at least.

    Raises:
        ImageError: the preprocessing does not say how pixels become this input, or they are not in 0–1.
    """
    channels = net.preprocess.channels
    if images.shape[1] != channels:
        raise ImageError(
            f"an attack moves pixels, so the input has the channels of the preprocessing, {channels}; got "
            f"{images.shape[1]}. Say what a pixel of 0 and of 1 becomes: Network(module, Preprocess(…, mean=…, std=…)) "
            "with a number for each channel",
            kind="channels",
        )
    shown = net.preprocess.display(images if images.dtype == torch.float64 else images.float())
    low, high = shown.min().item(), shown.max().item()
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ImageError(
            f"an attack starts from pixels in 0–1; this input was made of pixels from {low:.3g} to {high:.3g}. Prepare "
            "it with net.prepare, or say how it was made: Network(module, Preprocess(…, mean=…, std=…))",
            kind="range",
        )
    return shown.clamp(0, 1)


def prepared(
    net: Network,
    images: Float[Tensor, "_ channel row column"],
    before: Float[Tensor, "_ channel row column"],
    after: Pixels01,
) -> Inputs:
    """The network's input made of changed pixels; exactly what it was where they are unchanged."""
    change = net.preprocess.normalise(after) - net.preprocess.normalise(before)
    return (images + change).to(images.dtype)


def input_unit(net: Network, like: Tensor) -> Float[Tensor, "channel 1 1"]:
    """What a change of the network's input by 1 is in pixels of 0–1: the deviation of its preprocessing."""
    zero = like.new_zeros(net.preprocess.channels, 1, 1)
    return net.preprocess.display(zero + 1) - net.preprocess.display(zero)


def length(change: Pixels01) -> Float[Tensor, "batch 1 1 1"]:
    """‖change‖₂ of each image, over all its channels and pixels."""
    return torch.linalg.vector_norm(change, dim=(1, 2, 3), keepdim=True)


def direction(gradient: Pixels01) -> Pixels01:
    """The gradient of each image scaled to length 1; where it is zero it stays zero."""
    tiny = torch.finfo(gradient.dtype).tiny
    # Of a network that is very sure the gradient is so small that its square is zero.
    scaled = gradient / gradient.abs().amax((1, 2, 3), keepdim=True).clamp_min(tiny)
    return scaled / length(scaled).clamp_min(tiny)
