"""What a picture is drawn on: the parameters that are climbed along, and the pixels that they become."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..network.network import Network
from ..settings import Amount, Settings, Sides
from .colour import correlated, decorrelated
from .streams import Streams

Parameters = Float[Tensor, "picture ..."]
Pixels01 = Float[Tensor, "picture channel row column"]
Size = tuple[int, int]

_HALF_A_LEVEL = 0.5 / 255


@dataclass(frozen=True)
class Canvas(Settings, ABC):
    """A way to write pictures down as parameters; a frozen dataclass of its settings.

    To write one, implement `start` and `pixels`; what a picture becomes depends on its own parameters alone.

    Attributes:
        size: rows and columns in pixels, or one number for both; by default those of the network's input.
        image: what to start from, anything that `net.prepare` takes; by default noise.
    """

    size: Sides | None = None
    image: Any = field(default=None, compare=False, repr=False)

    @abstractmethod
    def start(self, net: Network, streams: Streams) -> Parameters:
        """The parameters before the first step."""

    @abstractmethod
    def pixels(self, net: Network, parameters: Parameters) -> Pixels01:
        """The pictures that these parameters stand for, in units in which black is 0 and white is 1."""

    def shown(self, net: Network, parameters: Parameters) -> Pixels01:
        """The same as they are to be looked at, within 0–1."""
        return self.pixels(net, parameters).clamp(0, 1)

    def bounded(self, net: Network, parameters: Parameters) -> Parameters:
        """The nearest parameters that stand for pixels in 0–1."""
        return parameters

    def rows_columns(self, net: Network) -> Size:
        """Its rows and columns for this network."""
        return net.preprocess.rows_columns if self.size is None else self._pair(self.size)

    def given(self, net: Network, pictures: int) -> Pixels01 | None:
        """The image to start from, in the canvas's size, once for each picture; None if there is none."""
        if self.image is None:
            return None
        shown = net.preprocess.display(on(net, net.prepare(self.image)[:1])).clamp(0, 1)
        return resized(shown, self.rows_columns(net)).repeat(pictures, 1, 1, 1)

    @staticmethod
    def _pair(size: Sides) -> Size:
        return (size, size) if isinstance(size, int) else (size[0], size[1])


@dataclass(frozen=True)
class Pixels(Canvas):
    """Each pixel for itself, in the units of the network's input, kept within black and white.

    The plainest canvas: gradients act on pixels as they are, so that what comes out is mostly of high frequency.
    It starts from normal noise around the network's mean colour.

    Attributes:
        noise: standard deviation of that noise, in units of the network's input.
    """

    noise: Amount = 0.01

    def start(self, net: Network, streams: Streams) -> Parameters:
        image = self.given(net, len(streams))
        if image is not None:
            return net.preprocess.normalise(image)
        return self.bounded(net, _noise(net, streams, self.rows_columns(net), self.noise))

    def pixels(self, net: Network, parameters: Parameters) -> Pixels01:
        return net.preprocess.display(parameters)

    def bounded(self, net: Network, parameters: Parameters) -> Parameters:
        return net.preprocess.normalise(net.preprocess.display(parameters).clamp(0, 1))


@dataclass(frozen=True)
class FreePixels(Canvas):
    """Each value of the network's input for itself, also beyond black and white.

    What is climbed along need not be a picture, and is shown by its differences: whatever their size, they have one
    contrast, around grey.

        shown = clip(½ + 0.1 · (x − mean(x)) / std(x), 0, 1)

    with mean and deviation over all values of one picture. It starts from normal noise, or from `image`, of which a
    prepared tensor in the canvas's size is taken value by value.

    Reference: Fleuret, Deep learning course, lecture 9.4, Optimizing inputs.

    Attributes:
        noise: standard deviation of the noise, in units of the network's input.
    """

    noise: Amount = 0.01

    def start(self, net: Network, streams: Streams) -> Parameters:
        size = self.rows_columns(net)
        if self.image is None:
            return _noise(net, streams, size, self.noise)
        return resized(on(net, net.prepare(self.image)[:1]), size).repeat(len(streams), 1, 1, 1)

    def pixels(self, net: Network, parameters: Parameters) -> Pixels01:
        return net.preprocess.display(parameters)

    def shown(self, net: Network, parameters: Parameters) -> Pixels01:
        around = parameters - parameters.mean((1, 2, 3), keepdim=True)
        deviation = parameters.std((1, 2, 3), keepdim=True).clamp_min(torch.finfo(parameters.dtype).tiny)
        return (0.5 + 0.1 * around / deviation).clamp(0, 1)


@dataclass(frozen=True)
class Fourier(Canvas):
    """Waves with as much energy as natural images give each frequency, in colours that vary independently.

        x = sigmoid(C · irfft2(s(f) z) / 4),   s(f) = k √(rows · columns) / max(f, 1 / max(rows, columns))^decay

    with z normal noise of standard deviation 0.01 and C the colours of `colour.correlated`; f in cycles per pixel.
    Steps of equal size in z change the low frequencies most, so that pictures have large forms. The factor k is 1 for
    a decay of 1, and for others such that Σ s² is the same: all begin with the same contrast, and one learning rate
    does for all.

    Reference: Olah, Mordvintsev and Schubert 2017, Feature visualization, on preconditioning; numbers of Lucid, which
    has no k.

    Attributes:
        decay: how fast the size of a wave falls with its frequency; 0 is a canvas of pixels in independent colours, 1
            that of Lucid. The larger, the larger the forms.
    """

    decay: Amount = 1.0

    def start(self, net: Network, streams: Streams) -> Parameters:
        size, image = self.rows_columns(net), self.given(net, len(streams))
        if image is None:
            return on(net, 0.01 * streams.normal(net.preprocess.channels, size[0], size[1] // 2 + 1, 2))
        waves = torch.fft.rfft2(4 * decorrelated(unsquashed(image)))
        return torch.view_as_real(waves / self._scale(size, image)).contiguous()

    def pixels(self, net: Network, parameters: Parameters) -> Pixels01:
        return correlated(self.waves(net, parameters)).sigmoid()

    def waves(self, net: Network, parameters: Parameters) -> Pixels01:
        """The picture before its colours are mixed and squashed into 0–1."""
        size = self.rows_columns(net)
        spectrum = torch.view_as_complex(parameters) * self._scale(size, parameters)
        return torch.fft.irfft2(spectrum, s=size) / 4

    def _scale(self, size: Size, like: Tensor) -> Float[Tensor, "row half"]:
        return _natural_scale(size, self.decay).to(like)


@lru_cache(maxsize=8)
def _natural_scale(size: Size, decay: float) -> Float[Tensor, "row half"]:
    rows, columns = size
    f = frequencies(size).clamp_min(1 / max(rows, columns))
    each = torch.cat([f, f[:, 1 : (columns + 1) // 2]], 1)  # as often as it is a wave of the picture
    contrast = (each**-2).sum().sqrt() / (each ** (-2 * decay)).sum().sqrt()
    return (rows * columns) ** 0.5 * contrast / f**decay


def frequencies(size: Size) -> Float[Tensor, "row half"]:
    """The frequency of each entry of `rfft2`, in cycles per pixel."""
    rows = torch.fft.fftfreq(size[0], dtype=torch.float64)
    columns = torch.fft.rfftfreq(size[1], dtype=torch.float64)
    return torch.hypot(rows[:, None], columns[None, :])


def _noise(net: Network, streams: Streams, size: Size, deviation: float) -> Parameters:
    return on(net, deviation * streams.normal(net.preprocess.channels, *size))


def unsquashed(image: Pixels01) -> Pixels01:
    """What the sigmoid makes these pixels of; black and white stay half a level of 255 away from the ends."""
    return image.clamp(_HALF_A_LEVEL, 1 - _HALF_A_LEVEL).logit()


def resized(pictures: Pixels01, size: Size) -> Float[Tensor, "picture channel _ _"]:
    """All of each picture in another size, without the patterns that skipped pixels would make."""
    if pictures.shape[2:] == size:
        return pictures
    return functional.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=True)


def on(net: Network, numbers: Tensor) -> Tensor:
    """These numbers on the network's device, in its precision but at least in single precision."""
    return numbers.to(net.device, torch.promote_types(net.dtype, torch.float32))
