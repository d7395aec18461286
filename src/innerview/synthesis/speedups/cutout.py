"""The part of a view that one position of a layer sees: all that a question about that position depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ...network.network import Network
from ...network.recognition import reading
from ...network.seen import Seen
from ...objectives import Objective
from ...objectives.objective import Scores
from ...objectives.scoring import score
from ...operations.receptive_field import ReceptiveField
from ...settings import Count
from ..canvas import Size

Views = Float[Tensor, "view channel row column"]

LEAST = 64
"""Rows and columns: smaller pictures are pooled to nothing by many a network."""
_MOST_OF_IT = 0.8


@dataclass(frozen=True)
class Cutout:
    """A rectangle of the view, in which a layer's units stand as they do in the whole, from one of them on.

    It begins at a multiple of the layer's stride, so that every layer before it meets the same pixels; what lies
    outside is seen by other positions only.

    Attributes:
        top, left: its first row and column.
        size: its rows and columns.
        first: the position in the whole layer that its position (0, 0) is.
    """

    top: int
    left: int
    size: Size
    first: tuple[int, int]

    @classmethod
    def around(cls, position: tuple[int, int], field: ReceptiveField, view: Size, least: int) -> "Cutout":
        """The smallest one that this position can be computed in, with at least so many rows and columns."""
        rows, columns = (_stretch(position[axis], field, axis, view[axis], least) for axis in (0, 1))
        first = tuple(each.start // stride for each, stride in zip((rows, columns), field.stride, strict=True))
        return cls(rows.start, columns.start, (len(rows), len(columns)), (first[0], first[1]))

    def of(self, view: Float[Tensor, "channel row column"]) -> Float[Tensor, "channel _ _"]:
        """What it shows of a view."""
        return view[:, self.top : self.top + self.size[0], self.left : self.left + self.size[1]]


@dataclass(frozen=True)
class OfCutout(Objective):
    """A question about one position of a layer, asked of a cutout: its activation is moved to where it is in the whole.

    Attributes:
        objective: the question about the whole.
        cutout: where the network looks.
        grid: rows and columns of the whole layer.
    """

    objective: Objective
    cutout: Cutout
    grid: tuple[Count, Count]

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer that is asked about."""
        return self.objective.layers

    def __call__(self, seen: Seen) -> Scores:
        (layer,) = self.layers
        maps = seen.maps(layer)
        top, left = self.cutout.first
        below, right = (whole - part for whole, part in zip(self.grid, maps.shape[2:], strict=True))
        return self.objective(Seen({layer: functional.pad(maps, (left, right - left, top, below - top))}, None))

    def describe(self, net: Network) -> str:
        """The question."""
        return self.objective.describe(net)


def cut_out(net: Network, objective: Objective, view: Size, least: int = LEAST) -> OfCutout | None:
    """The question asked of a cutout of such a view; None if it needs most of it, or the cutout does not do.

    Whether it does is tried on noise: the answer has to be that of the whole.
    """
    whole = _field_of(net, objective, view)
    if whole is None:
        return None
    position, field, grid = whole
    cutout = Cutout.around(position, field, view, least)
    if cutout.size[0] * cutout.size[1] > _MOST_OF_IT * view[0] * view[1] or not net.takes(cutout.size):
        return None
    asked = OfCutout(objective, cutout, grid)
    return asked if _agrees(net, asked, view) else None


def shown(views: Views, cutouts: Sequence[Cutout]) -> Float[Tensor, "view channel _ _"]:
    """What each cutout shows of its view."""
    return torch.stack([cutout.of(view) for cutout, view in zip(cutouts, views, strict=True)])


def _field_of(net: Network, objective: Objective, view: Size) -> tuple[tuple[int, int], ReceptiveField, Size] | None:
    """The one position that the question reads, the field there and the layer's grid; None if it is not so simple."""
    if objective.reads_output or len(objective.layers) != 1:
        return None
    (layer,) = objective.layers
    position, blank = objective.part(layer).position, net.blank(view)
    info = {each.name: each for each in net.traced(blank)}.get(layer)
    if info is None or position is None or len(info.finished) > 1 or len(info.output_shape) != 3:
        return None
    field = info.receptive_field
    if field is None or field.is_whole_image:
        return None
    rows, columns = reading(net, blank, layer)(torch.empty(1, *info.output_shape, device="meta")).shape[2:]
    return (position, field, (rows, columns)) if position[0] in range(rows) and position[1] in range(columns) else None


def _stretch(at: int, field: ReceptiveField, axis: int, length: int, least: int) -> range:
    """The rows, or columns, of the smallest cutout; within the view, and from a multiple of the stride on."""
    start, stride = field.start[axis], field.stride[axis]
    before = -(start // stride)  # so many units stand before the first one whose field begins within the picture
    latest = max(0, length - least) // stride
    begin = stride * max(0, min(at - before, latest))
    return range(begin, min(length, max(begin + least, start + at * stride + field.size[axis])))


@torch.no_grad()
def _agrees(net: Network, asked: OfCutout, view: Size) -> bool:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, net.preprocess.channels, *view, generator=generator).to(net.device, net.dtype)
    part = score(net, shown(noise, [asked.cutout]), asked)
    whole = score(net, noise, asked.objective)
    return torch.allclose(part, whole, rtol=1e-2 if net.dtype.itemsize < 4 else 1e-4, atol=1e-6)
