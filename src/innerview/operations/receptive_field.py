"""Which pixels of the input a unit can see, followed through any forward pass.

The tensors of a pass carry their field along below the module level, so functional calls, reused modules and
residual connections need nothing special. For a kernel of size k, stride s, padding p and dilation d:

    size'   = size + (k - 1) · d · stride
    start'  = start - p · stride
    stride' = stride · s

Reference: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Pair = tuple[int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a unit can see, each pair as (vertical, horizontal), in pixels of the network's input.

    `start` is the first pixel that the unit at position (0, 0) sees; it is negative where padding is seen.
    A stride of 0 says that every unit sees the same pixels: the whole image.
    """

    size: Pair
    stride: Pair
    start: Pair

    @property
    def is_whole_image(self) -> bool:
        """Whether every unit sees everything."""
        return self.stride == (0, 0)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """First row, first column, end row, end column (exclusive) seen by the unit there; not clipped."""
        top, left = (start + at * step for start, at, step in zip(self.start, (row, column), self.stride, strict=True))
        return top, left, top + self.size[0], left + self.size[1]

    def nearest(self, pixel: Pair, grid: Sequence[int]) -> Pair:
        """Of a grid of so many rows and columns, the unit whose field's middle is nearest to a pixel of the input."""
        return _pair(
            min(max(round((at - start - (size - 1) / 2) / (step or 1)), 0), units - 1)
            for at, start, size, step, units in zip(pixel, self.start, self.size, self.stride, grid, strict=True)
        )

    def through_window(self, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)) -> "ReceptiveField":
        """The field behind a convolution or pooling layer."""
        return ReceptiveField(
            _pair(
                size + (k - 1) * d * step
                for size, k, d, step in zip(self.size, kernel, dilation, self.stride, strict=True)
            ),
            _pair(step * s for step, s in zip(self.stride, stride, strict=True)),
            _pair(start - p * step for start, p, step in zip(self.start, padding, self.stride, strict=True)),
        )

    def joined(self, other: "ReceptiveField") -> "ReceptiveField | None":
        """What a unit sees that reads both: the smallest rectangle around the two; None if they do not align."""
        if self.is_whole_image or other.is_whole_image:
            return self if self.is_whole_image else other
        if self.stride != other.stride:
            return None
        start = _pair(map(min, self.start, other.start))
        end = map(max, *([a + s for a, s in zip(each.start, each.size, strict=True)] for each in (self, other)))
        return ReceptiveField(_pair(e - s for e, s in zip(end, start, strict=True)), self.stride, start)


class FieldTracer(TorchDispatchMode):
    """Within it, the receptive field of every tensor computed from `image` is known to `field`.

    `image` is [batch, channel, row, column], and rows and columns stay the last two axes of what has a field. A tensor
    whose field is not a rectangle per unit, or goes through an operation of unknown reach, has the field None.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        rows, columns = image.shape[2:]
        self.whole = ReceptiveField((rows, columns), (0, 0), (0, 0))
        self._fields: dict[int, tuple[Tensor, ReceptiveField | None]] = {}
        self._set(image, ReceptiveField((1, 1), (1, 1), (0, 0)))

    def field(self, tensor: Tensor) -> ReceptiveField | None:
        """The field of this very tensor."""
        return self._fields.get(id(tensor), (tensor, None))[1]

    def _set(self, tensor: Tensor, field: ReceptiveField | None) -> None:
        self._fields[id(tensor)] = (tensor, field)  # the tensor is kept, or its id could come again

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run the operation and note the field of what comes out."""
        output = func(*args, **(kwargs or {}))
        sources = [each for each in _tensors(args) if id(each) in self._fields]
        if sources:
            field = self._through(func, args, sources, output)
            for tensor in _tensors((output,)):
                self._set(tensor, field)
        return output

    def _through(self, func: Any, args: tuple, sources: list[Tensor], output: Any) -> ReceptiveField | None:
        fields = [self.field(each) for each in sources]
        known = [field for field in fields if field is not None]
        if any(field.is_whole_image for field in known):
            return self.whole
        result = output if isinstance(output, Tensor) else output[0]
        if _mixes_everything(func, args, sources[0], result):
            return self.whole
        if len(known) < len(fields):
            return None
        if func.overloadpacket in WINDOWS:
            return WINDOWS[func.overloadpacket](known[0], args)
        return _join(known) if _keeps_positions(func, args, sources[0], result) else None


def _join(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    joined: ReceptiveField | None = fields[0]
    for field in fields[1:]:
        joined = joined.joined(field) if joined else None
    return joined


def _mixes_everything(func: Any, args: tuple, source: Tensor, result: Tensor) -> bool:
    """Whether each value that comes out depends on all positions that went in."""
    packet = func.overloadpacket
    if packet in MIXERS:
        return True
    if packet is aten.native_layer_norm:
        return source.dim() == 4 and len(args[1]) > 1
    shrunk_to_one = source.dim() == 4 and (result.dim() < 3 or result.shape[2:].numel() == 1)
    return shrunk_to_one and source.shape[2:].numel() > 1


def _keeps_positions(func: Any, args: tuple, source: Tensor, result: Tensor) -> bool:
    if min(source.dim(), result.dim()) < 3 or source.shape[-2:] != result.shape[-2:]:
        return False
    packet = func.overloadpacket
    if packet in ALONG_AXES:
        rank = max(source.dim(), result.dim())
        return all(axis % rank < rank - 2 for axis in ALONG_AXES[packet](*args[1:]))
    return torch.Tag.pointwise in func.tags or packet in POINTWISE or packet in SAME_IF_SAME_GRID


def _through_convolution(field: ReceptiveField, args: tuple) -> ReceptiveField | None:
    _, weight, _, stride, padding, dilation, transposed, *_ = args
    if transposed or weight.dim() != 4:
        return None
    return field.through_window(_pair(weight.shape[2:]), *map(_pair, (stride, padding, dilation)))


def _through_max_pool(field: ReceptiveField, args: tuple) -> ReceptiveField | None:
    kernel, stride, padding, dilation = _filled(args[1:5], [None, None, 0, 1])
    return field.through_window(_pair(kernel), _pair(stride or kernel), _pair(padding), _pair(dilation))


def _through_average_pool(field: ReceptiveField, args: tuple) -> ReceptiveField | None:
    kernel, stride, padding = _filled(args[1:4], [None, None, 0])
    return field.through_window(_pair(kernel), _pair(stride or kernel), _pair(padding))


def _through_pad(field: ReceptiveField, args: tuple) -> ReceptiveField | None:
    left, _, top, *_ = [*args[1], 0, 0, 0]
    return field.through_window((1, 1), (1, 1), (top, left))


def _filled(given: Iterable[Any], defaults: list[Any]) -> list[Any]:
    given = list(given)
    return given + defaults[len(given) :]


def _pair(values: Any) -> Pair:
    values = [values] if isinstance(values, int) else list(values)
    return (int(values[0]), int(values[-1]))


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found.extend(_tensors(value))
    return found


aten = torch.ops.aten

WINDOWS: dict[Any, Callable[[ReceptiveField, tuple], ReceptiveField | None]] = {
    aten.convolution: _through_convolution,
    aten.max_pool2d_with_indices: _through_max_pool,
    aten.max_pool2d: _through_max_pool,
    aten.avg_pool2d: _through_average_pool,
    aten.constant_pad_nd: _through_pad,
}
POINTWISE = {
    aten.native_batch_norm,
    aten._native_batch_norm_legit_no_training,
    aten.cudnn_batch_norm,
    aten.detach,
    aten.alias,
    aten.clone,
    aten._to_copy,
    aten.cat,
    aten.slice,
    aten.split,
    aten.split_with_sizes,
    aten.chunk,
    aten.expand,
    aten.repeat,
}
ALONG_AXES: dict[Any, Callable[..., Iterable[int]]] = {
    aten.select: lambda axis, _: [axis],
    aten.unbind: lambda axis=0: [axis],
    aten.unsqueeze: lambda axis: [axis],
    aten.stack: lambda axis=0: [axis],
    aten.flip: lambda axes: axes,
    aten.transpose: lambda *axes: axes,
    aten.permute: lambda axes: (axis for place, axis in enumerate(axes) if axis % len(axes) != place),
    aten.index_select: lambda axis, _: [axis],
    aten.index: lambda indices: (axis for axis, index in enumerate(indices) if index is not None),
}
"""Of the operations that go along axes, which these are."""
SAME_IF_SAME_GRID = {aten._adaptive_avg_pool2d, aten.view, aten._unsafe_view}
MIXERS = {
    aten.native_group_norm,
    aten.mm,
    aten.addmm,
    aten.bmm,
    aten._scaled_dot_product_flash_attention_for_cpu,
    aten._scaled_dot_product_flash_attention,
    aten._scaled_dot_product_efficient_attention,
    aten._scaled_dot_product_cudnn_attention,
    aten.scaled_dot_product_attention,
}
