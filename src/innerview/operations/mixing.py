"""What operations read that compute with values: each by itself, sums along axes, norms, products and attention."""

from collections.abc import Callable, Collection, Mapping, Sequence

from .call import Passage
from .moves import without
from .reach import How, Link, Reach, every, everything, kept


def pointwise(way: Passage, full: Collection[int] = ()) -> Reach:
    """Values in the same place, counted from the last axis; an axis of one position is read by all, as are some."""
    by = len(way.result) - way.rank
    same = [axis for axis, each in enumerate(way.operand.shape) if axis not in full and each == way.result[axis + by]]
    return Reach((*kept(same, by), *every(axis for axis in range(way.rank) if axis not in same)))


def overwritten(way: Passage) -> Reach | None:
    """Not what was there, but what takes its place."""
    return None if way.operand.name == "self" else pointwise(way)


def reduction(way: Passage) -> Reach:
    """All positions along some axes, which stay with one position or are left out."""
    axes = way.axes("dim")
    if len(way.result) == way.rank:
        return mixed(way, axes)
    return without(way, axes, How.ALL)


def mixture(way: Passage) -> Reach:
    """All positions along an axis, which stays as long as it is."""
    return mixed(way, [way.axis])


def halves(way: Passage) -> Reach:
    """Some positions along an axis, of which half are left."""
    rest = kept(axis for axis in range(way.rank) if axis != way.axis)
    return Reach((*rest, Link((way.axis,), (way.axis,), How.SOME)))


def batch_norm(way: Passage) -> Reach:
    """Values in the same place, and in training all of a channel."""
    if way.operand.name != "input":
        return per_channel(way)
    return mixed(way, [axis for axis in range(way.rank) if axis != 1] if way.arguments.get("training") else [])


def layer_norm(way: Passage) -> Reach:
    """All positions along the last axes."""
    if way.operand.name != "input":
        return pointwise(way)
    return mixed(way, range(way.rank - len(way.arguments["normalized_shape"]), way.rank))


def group_norm(way: Passage) -> Reach:
    """All positions of a group of channels."""
    if way.operand.name != "input":
        return per_channel(way)
    return Reach((*kept([0]), Link((1,), (1,), How.SOME), *every(range(2, way.rank))))


def per_channel(way: Passage) -> Reach:
    """One value for each channel."""
    return Reach(tuple(kept(range(way.rank), by=1)))


def product(left: str, right: str) -> Callable[[Passage], Reach]:
    """A product of matrices, one or many; something may be added."""

    def describe(way: Passage) -> Reach:
        if way.operand.name == left:
            return mixed(way, [way.rank - 1])
        return mixed(way, [way.rank - 2]) if way.operand.name == right else pointwise(way)

    return describe


def linear(way: Passage) -> Reach:
    """The last axis times a matrix [channel after, channel before]."""
    if way.operand.name == "input":
        return mixed(way, [way.rank - 1])
    last = len(way.result) - 1
    return Reach((*kept([0], last), *every(range(1, way.rank))))


def attention(full: Mapping[str, Sequence[int]]) -> Callable[[Passage], Reach]:
    """Of each argument named, the axes that each value reads all of; of any other argument, everything."""

    def describe(way: Passage) -> Reach:
        axes = full.get(way.operand.name)
        return everything(way.rank) if axes is None else pointwise(way, [axis % way.rank for axis in axes])

    return describe


def mixed(way: Passage, axes: Collection[int]) -> Reach:
    """All positions along some axes, which all the others stay beside."""
    rest = (axis for axis in range(way.rank) if axis not in axes)
    return Reach((*kept(rest), *every(axis for axis in range(way.rank) if axis in axes)))
