"""What stands in for a part of an image, or for all of it."""

import math
from typing import Literal

import torch
from torch.nn import functional

from ..errors import SettingError
from ..network.network import Network
from ..settings import Fraction
from .method import Inputs

Colour = Fraction | tuple[Fraction, ...]
"""A grey value, or one value for each channel, in 0–1."""
Fill = Literal["mean", "blur"] | Colour
"""A colour, "mean" for the image's mean colour, or "blur" for the image without detail."""


def filled(net: Network, images: Inputs, fill: Fill, sigma: float = 0.0) -> Inputs:
    """For each prepared image one of the same shape that holds only the fill; `sigma` in pixels is that of a blur."""
    if fill == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if fill == "blur":
        return _blurred(images, sigma)
    colour = torch.tensor(fill, dtype=images.dtype, device=images.device)
    if colour.dim() and len(colour) != images.shape[1]:
        raise SettingError(
            f"a fill colour has one value per channel: {images.shape[1]} for this network; got {len(colour)}"
        )
    if net.preprocess.channels not in (1, images.shape[1]):
        raise SettingError(
            f"a fill colour needs the mean and deviation of each channel: the input has {images.shape[1]} channels, "
            f"the preprocessing of {net.name} {net.preprocess.channels}. Give the network its own Preprocess, or use "
            '"mean"'
        )
    return net.preprocess.normalise(colour.expand(images.shape[1])[:, None, None]).expand_as(images)


def _blurred(images: Inputs, sigma: float) -> Inputs:
    """A separable Gaussian blur; the border is repeated outwards."""
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).to(images.dtype)
    channels = images.shape[1]
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    down = functional.conv2d(padded, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return functional.conv2d(down, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)
