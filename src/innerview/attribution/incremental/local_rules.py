"""How each operation is run on the windows that can have changed, and what comes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...operations.folding import NORMS, scale_and_shift_of
from ...operations.tape import Ref, Step, Tape, leaves, replaced
from .resampling import Resampling
from .windows import Area, Positions, Region, Window

aten = torch.ops.aten


@dataclass(frozen=True)
class Rule:
    """How an operation is run on windows: the area that changes, and the values there, one tensor per output."""

    area: Callable[[Sequence[Area]], Area]
    window: Callable[[Sequence[Region], Area], Sequence[Tensor]]


@dataclass(frozen=True)
class Operation:
    """A step with the clean values it reads and gives.

    `own` says that nothing else will read its first input, `extra` that more than the first of its outputs is read.
    """

    step: Step
    reads: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]
    own: bool
    extra: bool

    @classmethod
    def of(cls, step: Step, tape: Tape, own: set[int], read: set[int]) -> "Operation":
        """The step with its values on the tape; `read` are the values that any step reads, `own` that only one does."""
        reads, gives = (tuple(tape.values[each] for each in numbers) for numbers in (step.inputs, step.outputs))
        return cls(step, reads, gives, own=step.inputs[0] in own, extra=not read.isdisjoint(step.outputs[1:]))

    @property
    def work(self) -> int:
        """The multiplications of a convolution or of a matrix product."""
        if self.packet is aten.convolution and not isinstance(self.step.args[1], Ref):
            return self.gives[0].numel() * self.step.args[1][0].numel()
        return self.gives[0].numel() * self.reads[0].shape[-1] if self.packet in (aten.addmm, aten.mm, aten.bmm) else 0

    @property
    def packet(self) -> Any:
        """The operation without its overload."""
        return self.step.func.overloadpacket

    def arg(self, position: int, default: Any = None) -> Any:
        """An argument, or its default where it was not given."""
        return self.step.args[position] if len(self.step.args) > position else default


def local_rule(operation: Operation) -> Rule | None:
    """How it is run on windows; None if its values depend on the whole map, or it is not known how."""
    several = operation.packet in DIMENSION
    if any(each.dim() != 4 for each in (*operation.reads, operation.gives[0])) or (operation.extra and not several):
        return None
    if operation.packet in RULES:
        return RULES[operation.packet](operation)
    return _pointwise(operation) if torch.Tag.pointwise in operation.step.func.tags else None


def collapse_of(operation: Operation) -> Callable[[Region], Tensor] | None:
    """Of a mean over all positions: the clean mean and what the windows add to it; None for anything else."""
    source, clean = operation.reads[0], operation.gives[0]
    if operation.packet is not aten.mean or source.dim() != 4:
        return None
    if sorted(each % 4 for each in operation.arg(1) or ()) != [2, 3]:
        return None

    def collapse(region: Region) -> Tensor:
        change = (region.window - region.unchanged()).sum((2, 3), keepdim=clean.dim() == 4)
        return clean + change / source.shape[2:].numel()

    return collapse


def _convolution(operation: Operation) -> Rule | None:
    _, weight, bias, stride, padding, dilation, transposed, _, groups = operation.step.args
    if transposed or isinstance(weight, Ref) or isinstance(bias, Ref):
        return None
    weight = weight.contiguous(memory_format=torch.channels_last)

    def compute(maps: Tensor) -> Tensor:
        return functional.conv2d(maps, weight, bias, stride, 0, dilation, groups)

    return _windowed(operation, Window.of(weight.shape[2:], stride, padding, dilation), compute)


def _max_pool(operation: Operation) -> Rule:
    kernel, stride, dilation = operation.arg(1), operation.arg(2) or operation.arg(1), operation.arg(4, 1)

    def compute(maps: Tensor) -> Tensor:
        return functional.max_pool2d(maps, kernel, stride, 0, dilation)

    return _windowed(operation, Window.of(kernel, stride, operation.arg(3, 0), dilation), compute, -torch.inf)


def _average_pool(operation: Operation) -> Rule | None:
    kernel, stride, padding = operation.arg(1), operation.arg(2) or operation.arg(1), operation.arg(3, 0)
    window = Window.of(kernel, stride, padding, 1)
    border = any(side[2] for side in window.sides)
    if operation.arg(4, False) or (border and not operation.arg(5, True)):  # a divisor that depends on the position
        return None
    divisor = operation.arg(6)

    def compute(maps: Tensor) -> Tensor:
        return functional.avg_pool2d(maps, kernel, stride, 0, divisor_override=divisor)

    return _windowed(operation, window, compute)


def _windowed(operation: Operation, window: Window, compute: Callable[[Tensor], Tensor], padding: float = 0.0) -> Rule:
    size = operation.gives[0].shape[2:]
    return Rule(
        area=lambda areas: areas[0].through(window, size),
        window=lambda regions, area: [compute(regions[0].at(window.reads(area), padding))],
    )


def _resample(operation: Operation) -> Rule:
    """Interpolation or adaptive pooling: along each axis a matrix, that the operation itself tells of."""
    down, across = _matrices(operation)

    def area(areas: Sequence[Area]) -> Area:
        return Area(down.extent(areas[0].rows), across.extent(areas[0].columns))

    def window(regions: Sequence[Region], area: Area) -> list[Tensor]:
        needed = Positions(down.sources(area.rows), across.sources(area.columns))
        left, right = down.weights(area.rows, needed.rows), across.weights(area.columns, needed.columns)
        return [_channels_last(torch.einsum("mij,mcjl,mkl->mcik", left, regions[0].at(needed), right))]

    return Rule(area, window)


def _matrices(operation: Operation) -> tuple[Resampling, Resampling]:
    """Both matrices, read off by resampling unit vectors that are constant along the other axis."""
    source, func, args = operation.reads[0], operation.step.func, operation.step.args[1:]
    rows, columns = source.shape[2:]
    one = torch.eye(rows, dtype=source.dtype)[None, :, :, None].repeat(1, 1, 1, columns)
    other = torch.eye(columns, dtype=source.dtype)[None, :, None, :].repeat(1, 1, rows, 1)
    return Resampling.of(func(one, *args)[0, :, :, 0].T), Resampling.of(func(other, *args)[0, :, 0, :].T)


def _pad(operation: Operation) -> Rule | None:
    border = [*operation.arg(1), 0, 0][: max(4, len(operation.arg(1)))]
    if min(border) < 0 or any(border[4:]):
        return None
    return Rule(area=lambda areas: areas[0].moved(border[:4]), window=lambda regions, _: [regions[0].window])


def _batch_norm(operation: Operation) -> Rule:
    scale, shift = (each[:, None, None] for each in scale_and_shift_of(operation.step))
    return _on_each(lambda window: [torch.addcmul(shift, window, scale)])


def _slice_of_channels(operation: Operation) -> Rule | None:
    """Splitting or slicing along the channels; None along any other axis."""
    if operation.arg(DIMENSION[operation.packet], 0) % 4 != 1:
        return None

    def parts(window: Tensor) -> Sequence[Tensor]:
        found = operation.step.func(window, *operation.step.args[1:])
        return [found] if isinstance(found, Tensor) else found

    return _on_each(parts)


def _on_each(compute: Callable[[Tensor], Sequence[Tensor]]) -> Rule:
    return Rule(area=lambda areas: areas[0], window=lambda regions, _: compute(regions[0].window))


def _concatenation(operation: Operation) -> Rule | None:
    if operation.arg(1, 0) % 4 != 1 or len(operation.reads) != len(operation.arg(0)):
        return None
    return Rule(
        area=_joined,
        window=lambda regions, area: [_channels_last(torch.cat([each.over(area) for each in regions], 1))],
    )


def _pointwise(operation: Operation) -> Rule | None:
    """An operation on each value, of one or several maps of one size and of constants per channel."""
    step, size = operation.step, operation.gives[0].shape[2:]
    constants = [each for each in leaves((*step.args, *step.kwargs.values())) if isinstance(each, Tensor)]
    if any(each.shape[2:] != size for each in operation.reads) or any(map(_varies_in_space, constants)):
        return None
    func = IN_PLACE.get(operation.packet, step.func) if operation.own else step.func

    def window(regions: Sequence[Region], area: Area) -> list[Tensor]:
        windows = iter([each.over(area) for each in regions])
        args, kwargs = replaced((step.args, step.kwargs), lambda arg: next(windows) if isinstance(arg, Ref) else arg)
        return [func(*args, **kwargs)]

    return Rule(_joined, window)


def _joined(areas: Sequence[Area]) -> Area:
    return reduce(Area.joined, areas)


def _varies_in_space(constant: Tensor) -> bool:
    return constant.dim() > 4 or any(size > 1 for size in constant.shape[-2:])


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


RULES: Mapping[Any, Callable[[Operation], Rule | None]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _max_pool,
    aten.avg_pool2d: _average_pool,
    aten.constant_pad_nd: _pad,
    aten.upsample_nearest2d: _resample,
    aten.upsample_bilinear2d: _resample,
    aten.upsample_bicubic2d: _resample,
    aten._adaptive_avg_pool2d: _resample,
    aten.cat: _concatenation,
    aten.split: _slice_of_channels,
    aten.split_with_sizes: _slice_of_channels,
    aten.slice: _slice_of_channels,
} | dict.fromkeys(NORMS, _batch_norm)
DIMENSION: Mapping[Any, int] = {aten.split: 2, aten.split_with_sizes: 2, aten.slice: 1}
IN_PLACE: Mapping[Any, Any] = {
    aten.relu: aten.relu_,
    aten.hardtanh: aten.hardtanh_,
    aten.silu: aten.silu_,
    aten.hardswish: aten.hardswish_,
}
