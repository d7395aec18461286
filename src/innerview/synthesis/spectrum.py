"""How much of each frequency natural images have."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import SettingError
from ..network.images import PictureSource, to_picture
from ..network.preprocess import Preprocess
from .canvas import Size, frequencies
from .colour import decorrelated

_MEASURED_AT = 512
_KNEES = (1e-4, 0.02, 0.1, 0.4)
_SLOPES = (-1.2, -1.4, -2.65)
_AT, _THERE = 0.009, 1.4e4
_NYQUIST = 0.04
_ENERGIES = (1.0, 1.07, 0.67)
_CONSTANT = 2.5e5
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")

Spectrum = Float[Tensor, "channel row half"]


def natural_spectrum(size: Size, *, channels: int = 3) -> Spectrum:
    """The mean size of each wave in natural images, by a fit to published slopes; not measured on images here.

    In independent colours, over the frequency f in cycles per pixel of pictures of 512 × 512: 1.4·10⁴ at f = 0.009,
    falling as f^−1.2 below 0.02, f^−1.4 up to 0.1, f^−2.65 up to 0.4, and to 0.04 at f = 0.5; the three colours have
    energies of 1 : 1.07 : 0.67, the constant wave has 2.5·10⁵. A smaller picture is taken as one made smaller, which
    has the low frequencies of the large one. To have the spectrum of images of your own, use `spectrum_of`.
    """
    f = frequencies(size).clamp_min(_KNEES[0]).numpy() * min(1.0, max(size) / _MEASURED_AT)
    profile = torch.from_numpy(np.exp(np.interp(np.log(f), *_knees())))
    profile[0, 0] = _CONSTANT
    energies = torch.tensor(_ENERGIES if channels == 3 else (1.0,) * channels, dtype=torch.float64)
    return energies.sqrt()[:, None, None] * profile


def spectrum_of(
    images: str | Path | Sequence[PictureSource], size: int | tuple[int, int], *, channels: int = 3
) -> Spectrum:
    """The mean size of each wave in these images, for `MagnitudeConstrained(size, spectrum=…)`.

        M = mean over images of |rfft2(C⁻¹ rgb)|

    Each image is resized and its centre cut out; colours are made independent first (`colour.decorrelated`).

    Args:
        images: a folder, or a list of files, PIL images and uint8 arrays.
        size: rows and columns of the canvas in pixels, or one number for both.
        channels: 3 for colours, 1 for grey.

    Raises:
        SettingError: the folder holds no images, or the list is empty.
        ImageError: a file is not a usable image.
    """
    sources = _files(Path(images)) if isinstance(images, str | Path) else list(images)
    if not sources:
        raise SettingError(f"a spectrum is measured on at least one image; got none in {str(images)!r}")
    prepare = Preprocess(size, mean=(0.0,) * channels, std=(1.0,) * channels)
    spectra = (torch.fft.rfft2(decorrelated(prepare(to_picture(each)).double()[None]))[0].abs() for each in sources)
    return sum(spectra, torch.zeros(())) / len(sources)


def _knees() -> tuple[list[float], list[float]]:
    """Where the slope changes: log frequency and log size."""
    places, sizes = [np.log(_AT)], [np.log(_THERE)]
    low, *knees = np.log(_KNEES)
    sizes.insert(0, sizes[0] + _SLOPES[0] * (low - places[0]))
    places.insert(0, low)
    for knee, slope in zip(knees, _SLOPES, strict=True):
        sizes.append(sizes[-1] + slope * (knee - places[-1]))
        places.append(knee)
    return [*places, float(np.log(0.5))], [*sizes, float(np.log(_NYQUIST))]


def _files(folder: Path) -> list[PictureSource]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _ENDINGS]
