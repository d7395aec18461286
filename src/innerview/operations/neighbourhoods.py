"""What operations read that look at neighbourhoods: convolution, pooling, padding and resampling."""

from collections.abc import Callable, Iterable, Sequence

from .call import Passage
from .reach import How, Link, Reach, Window, every, kept


def convolution(way: Passage) -> Reach:
    """A window along each axis behind the channels; of the channels all, those of a group, or each its own."""
    if way.operand.name == "bias":
        return Reach(tuple(kept([0], by=1)))
    transposed = way.arguments["transposed"]
    if way.operand.name == "weight" and transposed:
        return Reach((Link(tuple(range(way.rank)), tuple(range(1, len(way.result))), How.SOME),))
    if way.operand.name == "weight":
        return Reach((*kept([0], by=1), *every(range(1, way.rank))))
    if transposed:
        return Reach((*kept([0]), *_channels(way), *_linked(range(2, way.rank), How.SOME)))
    given = (_sides(way.arguments[name], way.rank - 2) for name in ("stride", "padding", "dilation"))
    sides = zip(way.arguments["weight"].shape[2:], *given, strict=True)
    return Reach((*kept([0]), *_channels(way), *_windows(2, (Window(*side) for side in sides))))


def _channels(way: Passage) -> Sequence[Link]:
    groups, before, after = way.arguments["groups"], way.operand.shape[1], way.result[1]
    if groups == 1:
        return every([1])
    return kept([1]) if groups == before == after else [Link((1,), (1,), How.SOME)]


def pooling(axes: int, outside: float = 0.0) -> Callable[[Passage], Reach]:
    """A window along each of so many last axes, beyond whose ends there is this value."""

    def describe(way: Passage) -> Reach:
        given, first = way.arguments, way.rank - axes
        named = {name: _sides(given.get(name, 1), axes) for name in ("kernel_size", "stride", "padding", "dilation")}
        named["stride"] = named["stride"] or named["kernel_size"]
        average = "count_include_pad" in given
        even = not average or not (given["ceil_mode"] or (any(named["padding"]) and not given["count_include_pad"]))
        windows = (Window(*side, outside=outside, even=even) for side in zip(*named.values(), strict=True))
        return Reach((*kept(range(first)), *_windows(first, windows)))

    return describe


def patches(way: Passage) -> Reach:
    """Windows laid out as channels, one position for each."""
    first = way.rank - 3
    return Reach((*kept(range(first)), Link((first, first + 1, first + 2), (first, first + 1), How.SOME)))


def padded(way: Passage) -> Reach:
    """Along the last axes the positions are moved on by those that are added before them."""
    first, outside = way.rank - len(way.arguments["pad"]) // 2, way.arguments["value"]
    windows = (Window(padding=before, outside=outside) for before in reversed(way.arguments["pad"][::2]))
    return Reach((*kept(range(first)), *_windows(first, windows)))


def bordered(way: Passage) -> Reach:
    """Along the last axes, positions are repeated beyond the ends."""
    first = way.rank - len(way.arguments["padding"]) // 2
    return Reach((*kept(range(first)), *_linked(range(first, way.rank), How.SOME)))


def resampling(way: Passage) -> Reach:
    """Weighted sums along each axis behind the channels."""
    return Reach((*kept([0, 1]), *_linked(range(2, way.rank), How.MATRIX)))


def adaptive(how: How) -> Callable[[Passage], Reach]:
    """As many parts of each of the last axes as are wanted."""

    def describe(way: Passage) -> Reach:
        last = range(way.rank - len(way.arguments["output_size"]), way.rank)
        parts = [axis for axis in last if 1 < way.result[axis] != way.operand.shape[axis]]
        whole = [axis for axis in last if 1 == way.result[axis] != way.operand.shape[axis]]
        same = (axis for axis in range(way.rank) if axis not in parts + whole)
        return Reach((*kept(same), *every(whole), *_linked(parts, how)))

    return describe


def _windows(first: int, windows: Iterable[Window]) -> list[Link]:
    """Along the axes from one on."""
    return [Link((axis,), (axis,), window) for axis, window in enumerate(windows, first)]


def _linked(axes: Iterable[int], how: How) -> list[Link]:
    return [Link((axis,), (axis,), how) for axis in axes]


def _sides(value: int | Sequence[int], axes: int) -> Sequence[int]:
    """One number for each axis, from one or several."""
    listed = [value] if isinstance(value, int) else list(value)
    return listed * axes if len(listed) == 1 else listed
