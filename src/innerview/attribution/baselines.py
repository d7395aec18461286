"""The image in which nothing is there: what takes the place of a part of an image, or of all of it.

Every method that removes something has it as its setting `baseline`, with the same default.
"""

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
Baseline = Literal["mean", "blur"] | Colour
"""A colour, 0 for black; "mean", each image's own mean colour; or "blur", each image without detail."""
BLUR = 1 / 8
"""The blur's standard deviation as a part of the image's shorter side; of waves of twice that length 0.7 % is left."""


def baseline_of(net: Network, images: Inputs, baseline: Baseline) -> Inputs:
    """For each prepared image the one of the same shape in which nothing is there.

    Raises:
        SettingError: the colour has not one value for each channel, or cannot be normalised as the network's input is.
    """
    if baseline == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if baseline == "blur":
        return _blurred(images, BLUR * min(images.shape[2:]))
    colour = torch.tensor(baseline, dtype=images.dtype, device=images.device)
    if colour.dim() and len(colour) != images.shape[1]:
        raise SettingError(
            f"a baseline's colour has one value per channel: {images.shape[1]} for this network; got {len(colour)}"
        )
    if net.preprocess.channels not in (1, images.shape[1]):
        raise SettingError(
            "a baseline's colour needs the mean and deviation of each channel: the input has "
            f"{images.shape[1]} channels, the preprocessing of {net.name} {net.preprocess.channels}. Give the network "
            'its own Preprocess, or use "mean"'
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
