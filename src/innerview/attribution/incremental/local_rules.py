"""How each operation is run on the windows that can have changed, and what comes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ...operations.folding import is_batch_norm, scale_and_shift_of
from ...operations.reach import EACH, How, Window
from ...operations.tape import Ref, Step, replaced
from .recorded import Recorded
from .resampling import Resampling
from .windows import Area, Positions, Region, Windows

aten = torch.ops.aten


@dataclass(frozen=True)
class LocalRule:
    """How an operation is run on windows: the area that changes, and the values there, one tensor per output."""

    area: Callable[[Sequence[Area]], Area]
    window: Callable[[Sequence[Region], Area], Sequence[Tensor]]


def local_rule(recorded: Recorded) -> LocalRule | None:
    """How it is run on windows; None if its values depend on the whole map, or it is not known how."""
    if not recorded.of_maps:
        return None
    reaches = recorded.reaches
    rows, columns = reaches[0].along(2), reaches[0].along(3)
    if How.MATRIX in (rows, columns):
        return _resampled(recorded) if {rows, columns} <= {How.MATRIX, EACH} else None
    if recorded.fixed:
        return None
    if all(each.keeps(2) and each.keeps(3) for each in reaches):
        return _batch_norm(recorded) if is_batch_norm(recorded.step) else _at_each_position(recorded)
    if isinstance(rows, Window) and isinstance(columns, Window) and len(reaches) == 1:
        return _windowed(recorded, (rows, columns))
    return None


def collapse_of(recorded: Recorded) -> Callable[[Region], Tensor] | None:
    """Of a mean over all positions: the clean mean and what the windows add to it; None for anything else."""
    source, clean = recorded.sources[0], recorded.gives[0]
    if recorded.step.func.overloadpacket is not aten.mean or source.dim() != 4:
        return None
    (reach,) = recorded.reaches
    if not (reach.keeps(0) and reach.keeps(1)) or [reach.of(axis).how for axis in (2, 3)] != [How.ALL, How.ALL]:
        return None

    def collapse(region: Region) -> Tensor:
        change = (region.window - region.unchanged()).sum((2, 3), keepdim=clean.dim() == 4)
        return clean + change / source.shape[2:].numel()

    return collapse


def _windowed(recorded: Recorded, windows: Windows) -> LocalRule | None:
    """Convolution and pooling; or positions that are left out, or added at the ends."""
    if not all(each.even for each in windows):  # a divisor that depends on the position
        return None
    if recorded.moves:
        return _moved(recorded, windows)
    return _through(recorded, windows, _unpadded(recorded.step))


def _through(recorded: Recorded, windows: Windows, compute: Callable[[Tensor], Tensor]) -> LocalRule:
    size, outside = recorded.gives[0].shape[2:], windows[0].outside
    return LocalRule(
        area=lambda areas: areas[0].through(windows, size),
        window=lambda regions, area: [compute(regions[0].at(area.read_by(windows), outside))],
    )


def _unpadded(step: Step) -> Callable[[Tensor], Tensor]:
    """The operation without padding."""
    given = {name: _channels_last(value) if _is_maps(value) else value for name, value in step.arguments.items()}
    given["padding"] = replaced(given["padding"], lambda _: 0)
    (source,) = (name for name, value in given.items() if isinstance(value, Ref))

    def compute(maps: Tensor) -> Tensor:
        found = step.func(**(given | {source: maps}))
        return found if isinstance(found, Tensor) else found[0]

    return compute


def _moved(recorded: Recorded, windows: Windows) -> LocalRule:
    before, lengths = [each.padding for each in windows], (recorded.sources[0].shape[2:], recorded.gives[0].shape[2:])
    after = [given - read - first for read, given, first in zip(*lengths, before, strict=True)]
    if min(*before, *after) < 0 or any(each.stride > 1 for each in windows):
        rows, columns = windows
        return _through(recorded, windows, lambda maps: maps[:, :, :: rows.stride, :: columns.stride])
    border = (before[1], after[1], before[0], after[0])
    return LocalRule(area=lambda areas: areas[0].moved(border), window=lambda regions, _: [regions[0].window])


def _resampled(recorded: Recorded) -> LocalRule:
    """Along each axis a matrix, that the operation itself tells of."""
    down, across = _matrices(recorded)

    def area(areas: Sequence[Area]) -> Area:
        return Area(down.extent(areas[0].rows), across.extent(areas[0].columns))

    def window(regions: Sequence[Region], area: Area) -> list[Tensor]:
        needed = Positions(down.sources(area.rows), across.sources(area.columns))
        left, right = down.weights(area.rows, needed.rows), across.weights(area.columns, needed.columns)
        return [_channels_last(torch.einsum("mij,mcjl,mkl->mcik", left, regions[0].at(needed), right))]

    return LocalRule(area, window)


def _matrices(recorded: Recorded) -> tuple[Resampling, Resampling]:
    """Both matrices, read off by resampling unit vectors that are constant along the other axis."""
    source, func, args = recorded.sources[0], recorded.step.func, recorded.step.args[1:]
    rows, columns = source.shape[2:]
    one = torch.eye(rows, dtype=source.dtype)[None, :, :, None].repeat(1, 1, 1, columns)
    other = torch.eye(columns, dtype=source.dtype)[None, :, None, :].repeat(1, 1, rows, 1)
    return Resampling.of(func(one, *args)[0, :, :, 0].T), Resampling.of(func(other, *args)[0, :, 0, :].T)


def _batch_norm(recorded: Recorded) -> LocalRule:
    scale, shift = (each[:, None, None] for each in scale_and_shift_of(recorded.step))
    return LocalRule(_joined, lambda regions, _: [torch.addcmul(shift, regions[0].window, scale)])


def _at_each_position(recorded: Recorded) -> LocalRule:
    """Whatever is done at each position by itself, with one map or several of one size."""
    step, together = recorded.step, recorded.moves and len(recorded.sources) > 1
    func = IN_PLACE.get(step.func.overloadpacket, step.func) if recorded.own else step.func

    def window(regions: Sequence[Region], area: Area) -> Sequence[Tensor]:
        windows = iter([each.over(area) for each in regions])
        args, kwargs = replaced((step.args, step.kwargs), lambda arg: next(windows) if isinstance(arg, Ref) else arg)
        found = func(*args, **kwargs)
        if not isinstance(found, Tensor):
            return found
        return [_channels_last(found) if together else found]

    return LocalRule(_joined, window)


def _joined(areas: Sequence[Area]) -> Area:
    return reduce(Area.joined, areas)


def _is_maps(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4


def _channels_last(maps: Tensor) -> Tensor:
    return maps.contiguous(memory_format=torch.channels_last)


IN_PLACE: Mapping[Any, Any] = {
    aten.relu: aten.relu_,
    aten.hardtanh: aten.hardtanh_,
    aten.silu: aten.silu_,
    aten.hardswish: aten.hardswish_,
}
