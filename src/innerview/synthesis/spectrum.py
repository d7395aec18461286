"""How much of each frequency natural images have."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from ..errors import SettingError
from ..network.images import PictureSource, to_picture
from ..network.preprocess import Preprocess
from .canvas import Pixels01, Size, frequencies
from .colour import decorrelated
from .transforms import GREY

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")

Spectrum = Float[Tensor, "channel row half"]


def natural_spectrum(size: Size, *, channels: int = 3) -> Spectrum:
    """The mean size of each wave in photographs, as `recipes/spectrum.py` measured it on 27 of ImageNet.

        M = N · A(√N |f|) · sinc²(f_row) · sinc²(f_column),   N = rows · columns

    with f in cycles per pixel and A a table over cycles per picture: a canvas of any size stands for a photograph that
    was made as large, as photographs are for a network. A smaller one has the low frequencies of a larger one, and of
    the highest ones what resizing by triangles leaves, sinc².

    The table is a mean over all directions; in photographs upright and level waves are about 1.25 times as large as
    it says, slanted ones 0.9 times. It ends at 128 cycles per picture, as no photograph was enlarged, and goes on with
    the slope that it ends in. The constant wave is what `spectrum_of` says. For 3 channels it is the spectrum of
    independent colours, for any other number that of grey.
    """
    table = _table()
    sizes, constant = (table[name]["colours" if channels == 3 else "grey"] for name in ("sizes", "constant"))
    of_channel = np.stack([_read(table["waves"], each, frequencies(size) * sqrt(size[0] * size[1])) for each in sizes])
    spectrum = torch.from_numpy(of_channel) * _resizing(size)
    spectrum[:, 0, 0] = torch.tensor(constant, dtype=torch.float64)
    spectrum = size[0] * size[1] * spectrum
    return spectrum if channels == 3 else spectrum.repeat(channels, 1, 1)


def spectrum_of(
    images: str | Path | Sequence[PictureSource], size: int | tuple[int, int], *, channels: int = 3
) -> Spectrum:
    """The mean size of each wave in these images, for `MagnitudeConstrained(size, spectrum=…)`.

        M = mean over images of |rfft2(seamless(C⁻¹ (rgb − ½)))|

    Each image is resized and its centre cut out; colours are made independent first (`colour.decorrelated`) and
    counted from middle grey, where a canvas starts. An image's left edge does not go on where its right edge ends;
    the waves that such a step is made of are left out (`waves`), as a canvas has no step there.

    Args:
        images: a folder, or a list of files, PIL images and uint8 arrays.
        size: rows and columns of the canvas in pixels, or one number for both.
        channels: 3 for colours, 1 for grey.

    Raises:
        SettingError: the folder holds no images, or the list is empty.
        ImageError: a file is not a usable image.
    """
    sources = image_files(Path(images)) if isinstance(images, str | Path) else list(images)
    if not sources:
        raise SettingError(f"a spectrum is measured on at least one image; got none in {str(images)!r}")
    prepare = Preprocess(size, mean=(0.0,) * channels, std=(1.0,) * channels)
    half = prepare.rows_columns[1] // 2 + 1
    spectra = (waves(prepare(to_picture(each)).double()[None])[0, :, :, :half].abs() for each in sources)
    return sum(spectra, torch.zeros(())) / len(sources)


def waves(pixels: Pixels01) -> Complex[Tensor, "picture channel row column"]:
    """What each picture is made of without its seams, in independent colours around grey: all entries of `fft2`.

    A picture u is the sum of one that goes on beyond its edges without a step, whose waves are returned, and of a
    smooth one s that has the steps v of its edges: the Laplacian of s, over edges as well, is v.

        fft2(s) = fft2(v) / (2 cos 2πf_row + 2 cos 2πf_column − 4)

    Reference: Moisan 2011, Periodic plus smooth image decomposition, eq. 11.
    """
    colours = decorrelated(pixels - GREY)
    steps = torch.zeros_like(colours)
    for side in (2, 3):
        first, last = colours.narrow(side, 0, 1), colours.narrow(side, -1, 1)
        steps.narrow(side, 0, 1).add_(last - first)
        steps.narrow(side, -1, 1).sub_(last - first)
    rows, columns = (2 * (2 * torch.pi * torch.fft.fftfreq(each).to(colours)).cos() for each in colours.shape[2:])
    laplacian = rows[:, None] + columns[None, :] - 4
    laplacian[0, 0] = 1  # the smooth part has no mean
    smooth = torch.fft.fft2(steps) / laplacian
    smooth[:, :, 0, 0] = 0
    return torch.fft.fft2(colours) - smooth


def ring_means(sizes: Float[Tensor, "*any row column"]) -> Float[Tensor, "*any ring"]:
    """Means over rings of half an octave: around 1, √2, 2, 2√2, … cycles per picture.

    A picture of unequal sides counts as a square of as many pixels. Rings that no wave lies in are left out; those
    beyond half a cycle per pixel hold slanted waves only.
    """
    rows, columns = sizes.shape[-2:]
    places = (torch.fft.fftfreq(each, dtype=torch.float64, device=sizes.device) for each in (rows, columns))
    f = torch.hypot(*torch.meshgrid(*places, indexing="ij"))
    half_octave = (2 * torch.log2(f[f > 0] * sqrt(rows * columns))).round()
    _, ring, members = half_octave.unique(return_inverse=True, return_counts=True)
    sums = sizes.new_zeros(*sizes.shape[:-2], len(members)).index_add_(-1, ring, sizes[..., f > 0])
    return sums / members


@cache
def _table() -> dict[str, Any]:
    return json.loads(files(__package__ or "").joinpath("natural_spectrum.json").read_text("utf-8"))


def _read(places: list[float], sizes: list[float], at: Tensor) -> np.ndarray:
    """The table between its entries, as straight lines over logarithms; below the first entry it is even."""
    x, y = np.log(places), np.log(sizes)
    slope, far = (y[-1] - y[-2]) / (x[-1] - x[-2]), log(1e6)
    line = np.append(x, x[-1] + far), np.append(y, y[-1] + slope * far)
    return np.exp(np.interp(np.log(at.clamp_min(places[0]).numpy()), *line))


def _resizing(size: Size) -> Float[Tensor, "row half"]:
    """What is left of each wave where each pixel is a mean, by a triangle, over the larger picture's."""
    rows, columns = torch.fft.fftfreq(size[0], dtype=torch.float64), torch.fft.rfftfreq(size[1], dtype=torch.float64)
    return (rows.sinc()[:, None] * columns.sinc()[None, :]).square()


def image_files(folder: Path) -> list[Path]:
    """The images of a folder, in the order of their names; other files are left out."""
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _ENDINGS]
