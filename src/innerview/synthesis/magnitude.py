"""The canvas whose pictures have the spectrum of natural images, whatever they show."""

from dataclasses import dataclass, field
from functools import lru_cache
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import SettingError
from ..network.network import Network
from .canvas import Canvas, Parameters, Pixels01, Size, on, unsquashed
from .colour import correlated, decorrelated
from .spectrum import natural_spectrum
from .streams import Streams


@dataclass(frozen=True)
class MagnitudeConstrained(Canvas):
    """Waves of fixed size, of which only the phases are climbed along: pictures cannot become noise.

        x = sigmoid(C · standardised(irfft2(M e^{iφ})))

    with M the mean spectrum of natural images in independent colours, standardised to mean 0 and deviation 1 over a
    picture. The phases start uniformly between −π and π, so that no pixel stands out, and are never rescaled. At the
    four frequencies that are their own mirror image only M cos φ is seen.

    Reference: Fel, Boissin, Boutin et al. 2023, Unlocking feature visualization for deeper networks with
    magnitude constrained optimization (MACO), eq. 4.

    Attributes:
        spectrum: M [channel, row, column // 2 + 1], as `spectrum_of` measures it in the canvas's size; by default
            `natural_spectrum`.
    """

    spectrum: Float[Tensor, "channel row half"] | None = field(default=None, compare=False, repr=False)

    def start(self, net: Network, streams: Streams) -> Parameters:
        self._magnitude(net)
        size, image = self.rows_columns(net), self.given(net, len(streams))
        if image is not None:
            return torch.fft.rfft2(decorrelated(unsquashed(image))).angle()
        phases = streams.uniform(net.preprocess.channels, size[0], size[1] // 2 + 1)
        return on(net, pi * (2 * phases - 1))

    def pixels(self, net: Network, parameters: Parameters) -> Pixels01:
        return correlated(self.waves(net, parameters)).sigmoid()

    def waves(self, net: Network, parameters: Parameters) -> Pixels01:
        """The standardised picture before its colours are mixed and squashed into 0–1."""
        size = self.rows_columns(net)
        magnitude = self._magnitude(net).to(parameters)
        spectrum = magnitude * torch.exp(1j * mirrored(parameters, columns=size[1]))
        waves = torch.fft.irfft2(spectrum, s=size)
        centred = waves - waves.mean((1, 2, 3), keepdim=True)
        return centred / (waves.std((1, 2, 3), correction=0, keepdim=True) + 1e-5)

    def _magnitude(self, net: Network) -> Float[Tensor, "channel row half"]:
        (rows, columns), channels = self.rows_columns(net), net.preprocess.channels
        if self.spectrum is None:
            return _natural((rows, columns), channels)
        shape = (channels, rows, columns // 2 + 1)
        if self.spectrum.shape != shape:
            raise SettingError(
                f"the spectrum of a canvas of {rows} × {columns} is {list(shape)}; got {list(self.spectrum.shape)}. "
                f"Measure it in this size: spectrum_of(images, ({rows}, {columns}))"
            )
        return self.spectrum


@lru_cache(maxsize=4)
def _natural(size: Size, channels: int) -> Float[Tensor, "channel row half"]:
    return natural_spectrum(size, channels=channels)


def mirrored(
    phases: Float[Tensor, "picture channel row half"], *, columns: int
) -> Float[Tensor, "picture channel row half"]:
    """The phases with opposite ones at opposite frequencies, where both are entries: in the first and last column.

    The spectrum of a real picture is so; the inverse transform would average entries that are not, and thereby
    change their size.
    """
    rows = phases.shape[2]
    first = rows // 2 + 1
    opposite = -phases[:, :, 1 : rows - first + 1].flip(2)
    paired = torch.zeros(phases.shape[3], dtype=torch.bool, device=phases.device)
    paired[0] = True
    paired[-1] = paired[-1] | (columns % 2 == 0)
    return torch.where(paired, torch.cat([phases[:, :, :first], opposite], 2), phases)
