"""What happens to a picture before a network sees it, and the way back to something that can be shown."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from ..errors import ImageError, SettingError
from ..settings import Count, NotEmpty, Positive, Settings, Sides

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Fit = Literal["crop", "squash"]

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_MODES = {1: "L", 3: "RGB"}
_MOST_PIXELS = 40_000_000


@dataclass(frozen=True)
class Preprocess(Settings):
    """Resize, crop and normalise a picture to the input of a network: ``(pixels - mean) / std``.

    The numbers equal those of torchvision's and timm's evaluation transforms on PIL images.

    Attributes:
        size: rows and columns of the input, or one number for both.
        mean, std: one number for each channel, or one for all, in units in which black is 0 and white is 1. One for
            both is of a grey network: ``mean=0.5, std=0.5``; one in colour has ``mean=(0.5,) * 3, std=0.5``.
        resize: length in pixels of the picture's short side before the centre is cut out, at least the short
            side of `size`; by default as small as the crop allows. If `size` is not square, the picture is
            resized until it covers `size` enlarged by the same factor.
        interpolation: how pixels are resampled; "bilinear", "bicubic" and "lanczos" are antialiased.
        fit: "crop" keeps the picture's proportions and cuts its centre out, "squash" distorts it to fit.

    Raises:
        SettingError: a setting is outside its range.
    """

    size: Sides
    mean: float | Annotated[tuple[float, ...], NotEmpty()] = IMAGENET_MEAN
    std: Positive | tuple[Positive, ...] = IMAGENET_STD
    resize: Count | None = None
    interpolation: Interpolation = "bilinear"
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_channels()
        for name in ("mean", "std"):
            object.__setattr__(self, name, _for_each(getattr(self, name), self.channels))
        smallest = min(self.rows_columns)
        if self.resize is not None and self.resize < smallest:
            raise SettingError(f"resize is at least the short side of size, {smallest} pixels; got {self.resize}")

    @property
    def channels(self) -> int:
        """The number of channels of the input."""
        return max(len(_for_each(each, 1)) for each in (self.mean, self.std))

    @property
    def rows_columns(self) -> tuple[int, int]:
        """The rows and columns of the input."""
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])

    def __call__(self, picture: Image.Image) -> Float[Tensor, "channel row column"]:
        """The network's input made of a picture, in float32; grey for one channel, RGB for three.

        Raises:
            ImageError: the network's input has a number of channels that no picture has, or the picture is so
                narrow that it would become enormous.
        """
        if self.channels not in _MODES:
            raise ImageError(
                f"a picture has 1 or 3 channels, this network's input has {self.channels}; "
                "pass a prepared float tensor [batch, channel, row, column]",
                kind="channels",
            )
        cropped = self._cropped(self._resized(picture.convert(_MODES[self.channels])))
        return self.normalise(_unit_pixels(cropped))

    def normalise(self, pixels: Float[Tensor, "*any channel row column"]) -> Float[Tensor, "*any channel row column"]:
        """The network's input made of pixels in 0-1: ``(pixels - mean) / std``."""
        return (pixels - _column(self.mean, pixels)) / _column(self.std, pixels)

    def display(self, prepared: Float[Tensor, "*any channel row column"]) -> Float[Tensor, "*any channel row column"]:
        """The pixels that a network's input was made of: ``prepared * std + mean``, in 0-1, not clamped."""
        return prepared * _column(self.std, prepared) + _column(self.mean, prepared)

    def _require_channels(self) -> None:
        given = [len(each) for each in (self.mean, self.std) if isinstance(each, tuple)]
        if len(set(given)) > 1:
            raise SettingError(
                f"mean and std have one number for each channel, or one for all; got {given[0]} and {given[1]}"
            )

    def _resized(self, picture: Image.Image) -> Image.Image:
        rows, columns = self._before_crop(picture)
        if rows * columns > _MOST_PIXELS:
            raise ImageError(
                f"a picture of {picture.height} rows and {picture.width} columns is too narrow to be cut to "
                f'{self.rows_columns}; crop it, or use Preprocess(…, fit="squash")',
                kind="proportions",
            )
        return picture.resize((columns, rows), _RESAMPLING[self.interpolation])

    def _before_crop(self, picture: Image.Image) -> tuple[int, int]:
        rows, columns = self._enlarged()
        if self.fit == "squash":
            return rows, columns
        if picture.height * columns <= picture.width * rows:  # the picture is wider than the crop
            return rows, picture.width * rows // picture.height
        return picture.height * columns // picture.width, columns

    def _enlarged(self) -> tuple[int, int]:
        rows, columns = self.rows_columns
        short = min(rows, columns)
        resize = self.resize or short
        return rows * resize // short, columns * resize // short

    def _cropped(self, picture: Image.Image) -> Image.Image:
        rows, columns = self.rows_columns
        top, left = round((picture.height - rows) / 2), round((picture.width - columns) / 2)
        return picture.crop((left, top, left + columns, top + rows))


def _for_each(value: float | tuple[float, ...], channels: int) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,) * channels


def _unit_pixels(picture: Image.Image) -> Float[Tensor, "channel row column"]:
    pixels = torch.from_numpy(np.array(picture)).float() / 255
    return pixels[None] if pixels.dim() == 2 else pixels.permute(2, 0, 1).contiguous()


def _column(values: float | tuple[float, ...], like: Tensor) -> Float[Tensor, "channel 1 1"]:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)
