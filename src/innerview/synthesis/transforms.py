"""How the network sees a picture at each step: shifted, turned, resized or in parts, so that no single pixel counts."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil, pi
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..errors import SettingError
from ..settings import Above, Amount, AtMost, Count, NotEmpty, Positive, Settings
from .canvas import Pixels01, Size
from .streams import Streams

Placements = Float[Tensor, "view 2 3"]
"""From (row, column, 1) around the middle of what the network sees to (row, column) around that of the picture."""

GREY = 0.5


@dataclass(frozen=True)
class Views(Settings, ABC):
    """What the network is shown of each picture at each step; a frozen dataclass of its settings.

    All that happens to a picture is one affine map, and the picture is resampled once. Beyond its edge it is grey.

    Attributes:
        noise: standard deviation of the normal noise that is added, in pixels of 0–1.
        views: how many such views of each picture are averaged at each step.
    """

    noise: Amount = 0.0
    views: Count = 1

    @abstractmethod
    def seen(self, picture: Size, network: Size) -> Size:
        """The rows and columns that the network sees of a picture of this size; `network` is its input's own size."""

    @abstractmethod
    def placements(self, streams: Streams, picture: Size, seen: Size) -> Placements | None:
        """Where each view comes from, the views of the first picture first; None if they are the pictures."""

    def __call__(self, pictures: Pixels01, streams: Streams, seen: Size) -> Float[Tensor, "view channel _ _"]:
        """The views of these pictures for one step."""
        views = pictures.repeat_interleave(self.views, 0)
        placed = self.placements(streams, (pictures.shape[2], pictures.shape[3]), seen)
        if placed is not None:
            views = resampled(views, placed, seen)
        if self.noise:
            views = views + self.noise * streams.normal(self.views, *views.shape[1:]).flatten(0, 1).to(views)
        return views


@dataclass(frozen=True)
class Transforms(Views):
    """The picture in a grey frame, shifted, resized and turned, and shifted again.

    Lengths are shares of the picture's shorter side, so that a digit of 8 × 8 is moved as far as a photograph.

    Reference: Olah, Mordvintsev and Schubert 2017, Feature visualization; the order and numbers of Lucid are those of
    the recipe `LUCID`.

    Attributes:
        pad: the width of a grey frame around the picture, as a share.
        jitter: shares by which a smaller window is moved at most, before and after turning, in steps of a pixel or
            less; the network sees the framed picture less both.
        scales: factors of which one is drawn.
        angles: degrees of which one is drawn.
        keep: let the network see just as many pixels as the picture has, for networks that take nothing else.
    """

    pad: Amount = 0.0
    jitter: tuple[Amount, Amount] = (0.0, 0.0)
    scales: Annotated[tuple[Positive, ...], NotEmpty()] = (1.0,)
    angles: Annotated[tuple[float, ...], NotEmpty()] = (0.0,)
    keep: bool = False

    def seen(self, picture: Size, network: Size) -> Size:
        if self.keep:
            return picture
        more = round(_pixels(2 * self.pad - sum(self.jitter), picture))
        if min(picture) + more < 1:
            raise SettingError(
                f"jitter {self.jitter} leaves nothing of a picture of {picture[0]} × {picture[1]}; give it less, or "
                "more pad"
            )
        return picture[0] + more, picture[1] + more

    def placements(self, streams: Streams, picture: Size, seen: Size) -> Placements | None:
        if picture == seen and self._still:
            return None
        before, after = (self._shift(streams, _pixels(share, picture)) for share in self.jitter)
        turn = streams.choice(self.angles, self.views).flatten() * pi / 180
        scale = streams.choice(self.scales, self.views).flatten()
        # Streams choose in double precision: rounding that depends on the batch stays below that of any picture.
        straight, across = turn.cos() / scale, turn.sin() / scale
        linear = torch.stack([straight, across, -across, straight], 1).unflatten(1, (2, 2))
        shift = before + torch.einsum("vij,vj->vi", linear, after)
        return torch.cat([linear, shift[:, :, None]], 2)

    @property
    def _still(self) -> bool:
        return not any(self.jitter) and set(self.scales) == {1.0} and set(self.angles) == {0.0}

    def _shift(self, streams: Streams, most: float) -> Float[Tensor, "view 2"]:
        steps = ceil(most)
        places = [most * (step / steps - 0.5) for step in range(steps + 1)] if steps else [0.0]
        return streams.choice(places, self.views, 2).flatten(0, 1)


def _pixels(share: float, picture: Size) -> float:
    """A share of the shorter side, to a millionth of a pixel: 1 / 14 of 224 is 16."""
    return round(share * min(picture), 6)


@dataclass(frozen=True)
class Crops(Views):
    """Parts of the picture, each enlarged to the network's input: what is to be seen must be there at many sizes.

    Reference: Fel, Boissin, Boutin et al. 2023 (MACO), section 3.

    Attributes:
        part: the mean side of a part, as a fraction of the picture's.
        spread: the standard deviation of that fraction; it stays within 0.05–1.
        off: the standard deviation of a part's middle around that of the picture, as a fraction of its side; a part
            stays within the picture.
    """

    part: Annotated[float, Above(0), AtMost(1)] = 0.25
    spread: Amount = 0.1
    off: Amount = 0.15

    def seen(self, picture: Size, network: Size) -> Size:
        return network

    def placements(self, streams: Streams, picture: Size, seen: Size) -> Placements:
        drawn = streams.normal(self.views, 3).flatten(0, 1)
        part = (self.part + self.spread * drawn[:, :1]).clamp(0.05, 1)
        reach = (1 - part) / 2
        middle = torch.maximum(torch.minimum(self.off * drawn[:, 1:], reach), -reach)
        sides = torch.tensor(picture, dtype=torch.float32)
        linear = torch.diag_embed(part * sides / torch.tensor(seen, dtype=torch.float32))
        return torch.cat([linear, (middle * sides)[:, :, None]], 2)


def resampled(
    pictures: Float[Tensor, "view channel row column"], placements: Placements, size: Size
) -> Float[Tensor, "view channel _ _"]:
    """Each picture as its placement shows it, by one bilinear interpolation; grey where there is no picture."""
    placements = placements.to(pictures)
    rows, columns = (torch.arange(each).to(placements) - (each - 1) / 2 for each in size)
    places = torch.stack([*torch.meshgrid(rows, columns, indexing="ij"), placements.new_ones(size)], 2)
    source = torch.einsum("yxk,vjk->vyxj", places, placements)
    half = placements.new_tensor(pictures.shape[2:]) / 2
    grid = (source / half).flip(3)
    shown = functional.grid_sample(pictures - GREY, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return shown + GREY
