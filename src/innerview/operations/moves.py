"""What operations read that give values as they are: views, permutations, parts, and what is put together of parts."""

from collections.abc import Callable, Sequence
from math import prod

import torch

from .call import Passage
from .reach import How, Link, Reach, Window, everything, kept, regrouped


def view(way: Passage) -> Reach:
    """The values in the same order, in another shape; the bits, as numbers of another kind, are others."""
    return everything(way.rank) if "dtype" in way.arguments else regrouped(way.operand.shape, way.result)


def strided(way: Passage) -> Reach:
    """A view, where the memory is read row by row; otherwise anything."""
    step, in_order = 1, way.operand.in_order and way.arguments["storage_offset"] is None
    for length, stride in zip(reversed(way.result), reversed(way.arguments["stride"]), strict=True):
        in_order &= length == 1 or stride == step
        step *= length
    return view(way) if in_order and step == prod(way.operand.shape) else everything(way.rank)


def permuted(order: Callable[[Passage], Sequence[int]]) -> Callable[[Passage], Reach]:
    """The axes in another order, which says of each axis of the result where it was."""

    def describe(way: Passage) -> Reach:
        return Reach(tuple(Link((axis % way.rank,), (place,), How.SAME) for place, axis in enumerate(order(way))))

    return describe


def swapped(way: Passage) -> Sequence[int]:
    """The order of a transposition."""
    order, pair = [*range(way.rank)], [way.arguments[name] % way.rank for name in ("dim0", "dim1")]
    order[pair[0]], order[pair[1]] = pair[1], pair[0]
    return order


def inserted(way: Passage) -> Reach:
    """There is an axis more; along it lie several tensors, or one."""
    axis = way.arguments["dim"] % (way.rank + 1)
    return Reach((*kept(range(axis)), *kept(range(axis, way.rank), by=1)))


def removed(way: Passage) -> Reach:
    """Axes of one position are left out."""
    gone = [axis for axis in way.axes("dim") if way.operand.shape[axis] == 1]
    return without(way, gone, How.ALL)


def one_of(way: Passage) -> Reach:
    """One position along an axis."""
    return without(way, [way.axis], How.SOME)


def without(way: Passage, gone: Sequence[int], how: How) -> Reach:
    """Some axes are read as said, and gone."""
    rest = [axis for axis in range(way.rank) if axis not in gone]
    moved = [Link((axis,), (place,), How.SAME) for place, axis in enumerate(rest)]
    return Reach((*(Link((axis,), (), how) for axis in gone), *moved))


def sliced(way: Passage) -> Reach:
    """Positions along an axis, from one on."""
    length, start = way.operand.shape[way.axis], way.arguments["start"] or 0
    start = min(max(start + length if start < 0 else start, 0), length)
    return shifted(way, -start, way.arguments["step"])


def split(way: Passage) -> Reach:
    """Parts of an axis, one after the other."""
    sizes = next(way.arguments[name] for name in ("split_size", "split_sizes") if name in way.arguments)
    return shifted(way, -(way.number * sizes if isinstance(sizes, int) else sum(sizes[: way.number])))


def joined(way: Passage) -> Reach:
    """Several tensors one after the other along an axis."""
    before = way.arguments["tensors"][: way.operand.place]
    return shifted(way, sum(each.shape[way.axis] for each in before))


def shifted(way: Passage, by: int, step: int = 1) -> Reach:
    """Along one axis positions move by so many, and only some of them may stay."""
    link = Link((way.axis,), (way.axis,), Window(stride=step, padding=by))
    return Reach((*kept(axis for axis in range(way.rank) if axis != way.axis), link))


def repeated(way: Passage) -> Reach:
    """Everything again and again along some axes."""
    times = way.arguments["repeats"]
    by = len(times) - way.rank
    hows = (How.SAME if each == 1 else How.SOME for each in times[by:])
    return Reach(tuple(Link((axis,), (axis + by,), how) for axis, how in enumerate(hows)))


def shuffled(name: str) -> Callable[[Passage], Reach]:
    """Positions are moved about along each axis that this argument names; along all, as if they were one, if none."""

    def describe(way: Passage) -> Reach:
        axes = way.axes(name)
        together = [axes] if way.arguments[name] == [] else [(axis,) for axis in axes]
        moved = (Link(each, each, How.SOME) for each in together)
        return Reach((*kept(axis for axis in range(way.rank) if axis not in axes), *moved))

    return describe


def picked(way: Passage) -> Reach:
    """Positions along an axis, as a tensor numbers them."""
    return everything(way.rank) if way.operand.name == "index" else shuffled("dim")(way)


def indexed(way: Passage) -> Reach:
    """Positions as tensors number them: they lie where the axes were that are numbered, or in front if apart."""
    indices = way.arguments["indices"]
    if way.operand.name == "indices" or any(each is not None and each.dtype in MASKS for each in indices):
        return everything(way.rank)
    axes = tuple(axis for axis, index in enumerate(indices) if index is not None)
    found = len(torch.broadcast_shapes(*(indices[axis].shape for axis in axes)))
    first = axes[0] if len(axes) == axes[-1] + 1 - axes[0] else 0
    places = tuple(range(first, first + found))
    others = [axis for axis in range(way.rank) if axis not in axes]
    free = [place for place in range(len(way.result)) if place not in places]
    moved = (Link((axis,), (place,), How.SAME) for axis, place in zip(others, free, strict=True))
    return Reach((Link(axes, places, How.SOME), *moved))


MASKS = {torch.bool, torch.uint8}
