"""What happens to the score when a part of the image is covered."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..errors import SettingError
from ..network.batching import in_batches
from ..network.network import Network
from ..objectives import Objective
from ..progress import steps
from ..scoring import score
from .method import About, Images, Maps, Method

Pixels = int | tuple[int, int]
Box = tuple[slice, slice]


@dataclass(frozen=True)
class Occlusion(Method):
    """How much the score drops when a window over each pixel is covered.

    Positive where the covered part spoke for the answer, negative where it spoke against.

        values(p) = mean over the windows W that cover p of  s(x) − s(x with W filled)

    Reference: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2. The
    values are in units of the objective. The last window of a row or column is cut off at the border, so every
    pixel is covered.

    Args:
        window: side of the window in pixels of the network's input, or (rows, columns); by default a seventh
            of the shorter side.
        stride: step from window to window; by default half the window. Not larger than the window.
        fill: what covers the window: "mean" (the image's mean colour), "blur" (the image blurred until nothing
            of the window's size is left), a grey value in 0–1, or a colour with one value per channel.
        batch_size: images in one pass; None for what fits.
    """

    about = About(
        title="Occlusion",
        reference="Zeiler and Fergus 2014",
        cost="1 forward pass per window",
        needs="nothing: any network",
    )

    window: Pixels | None = None
    stride: Pixels | None = None
    fill: str | float | tuple[float, ...] = "mean"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("window", "stride"):
            value = getattr(self, name)
            if value is not None and min(_pair(value)) < 1:
                raise SettingError(f"{name} is a number of pixels, at least 1; got {value}")
        if isinstance(self.fill, str) and self.fill not in ("mean", "blur"):
            raise SettingError(f'fill is "mean", "blur", a grey value or a colour in 0–1; got {self.fill!r}')

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """The mean drop of the score at each pixel, one channel."""
        window, stride = self._geometry(images)
        boxes = list(_boxes(images.shape[2:], window, stride))
        cover = self._cover(net, images, window)
        clean = score(net, images, objective)
        drops = torch.zeros(len(images), len(boxes), dtype=clean.dtype, device=clean.device)

        def occluded(rows: slice) -> Float[Tensor, "batch"]:
            places = [divmod(place, len(boxes)) for place in range(rows.start, rows.stop)]
            sources = [image for image, _ in places]
            covered = images[sources].clone()
            for row, (image, box) in enumerate(places):
                covered[row, :, *boxes[box]] = cover[image, :, *boxes[box]]
            return score(net, covered, objective.rows(sources))

        size = net.batch_size(images, graph=False, wanted=self.batch_size)
        with steps("covering", drops.numel()) as advance:
            for rows, scores in in_batches(drops.numel(), size, occluded):
                drops.view(-1)[rows] = scores
                advance(len(scores))
        return _spread(clean[:, None] - drops, boxes, images.shape[2:])

    def _geometry(self, images: Images) -> tuple[tuple[int, int], tuple[int, int]]:
        rows, columns = images.shape[2:]
        window = _pair(self.window or max(1, min(rows, columns) // 7))
        stride = _pair(self.stride) if self.stride else (max(1, window[0] // 2), max(1, window[1] // 2))
        if window[0] > rows or window[1] > columns:
            raise SettingError(f"the window {window} must fit into the input of {rows} × {columns} pixels")
        if stride[0] > window[0] or stride[1] > window[1]:
            raise SettingError(f"the stride {stride} must not exceed the window {window}, or pixels stay uncovered")
        return window, stride

    def _cover(self, net: Network, images: Images, window: tuple[int, int]) -> Images:
        if self.fill == "mean":
            return images.mean((2, 3), keepdim=True).expand_as(images)
        if self.fill == "blur":
            return _blurred(images, sigma=max(window) / 2)
        colour = torch.tensor(self.fill, dtype=images.dtype, device=images.device)
        if colour.dim() and len(colour) != images.shape[1]:
            raise SettingError(
                f"a fill colour has one value per channel: {images.shape[1]} for this network; got {len(colour)}"
            )
        return net.preprocess.normalise(colour.expand(images.shape[1])[:, None, None]).expand_as(images)


def _boxes(size: torch.Size, window: tuple[int, int], stride: tuple[int, int]) -> Iterator[Box]:
    """The windows in reading order; the last of each row and column is cut off at the border."""
    rows, columns = (
        [slice(start, min(start + w, length)) for start in range(0, s * math.ceil((length - w) / s) + 1, s)]
        for length, w, s in zip(size, window, stride, strict=True)
    )
    return ((row, column) for row in rows for column in columns)


def _spread(drops: Float[Tensor, "batch box"], boxes: list[Box], size: torch.Size) -> Maps:
    """The mean, at each pixel, of the drops of the windows that cover it."""
    total = drops.new_zeros(len(drops), *size)
    covers = drops.new_zeros(size)
    for number, box in enumerate(boxes):
        total[:, *box] += drops[:, number, None, None]
        covers[box] += 1
    return (total / covers)[:, None]


def _blurred(images: Images, sigma: float) -> Images:
    """A separable Gaussian blur; the border is repeated outwards."""
    reach = math.ceil(3 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).to(images.dtype)
    channels = images.shape[1]
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    down = functional.conv2d(padded, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels)
    return functional.conv2d(down, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels)


def _pair(value: Pixels) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
