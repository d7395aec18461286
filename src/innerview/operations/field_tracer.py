"""Receptive fields, followed through any forward pass.

The tensors of a pass carry along, below the module level, where the rows and columns of the image have gone and what
is seen there, so functional calls, reused modules, residual connections and permuted axes need nothing special.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .call import Call, Passage, Shape
from .reach import How, Link, Reach, Window
from .receptive_field import ReceptiveField, Span
from .table import description
from .tape import leaves


@dataclass(frozen=True)
class Side:
    """Where the positions along one side of the image lie in a tensor, and what is seen there.

    Attributes:
        axes: of the tensor; who reads all along them sees the whole side. None if nobody does, or everybody.
        span: what is seen, if it is a span that moves on along the one axis; or the whole side. None if it is neither.
        count: how many positions there are.
        step: from one to the next along the axis, more than 1 if another axis is merged with it.
    """

    axes: tuple[int, ...] = ()
    span: Span | None = None
    count: int = 1
    step: int = 1

    @property
    def whole(self) -> bool:
        """Whether every unit sees all of it."""
        return self.span is not None and not self.axes

    def fills(self, shape: Shape) -> bool:
        """Whether the positions are in order, and are all there is along one axis."""
        return self.span is not None and len(self.axes) == self.step == 1 and shape[self.axes[0]] == self.count

    def through(self, reach: Reach | None, source: Shape, result: Shape, length: int) -> "Side":
        """The same side in what an operation gives; `length` is that of the image."""
        if not self.axes:
            return self
        if reach is None:
            return LOST
        links = [reach.of(axis) for axis in self.axes]
        if all(_reads_all(link, source, result) for link in links):
            return Side(span=Span(length, 0, 0))
        placed = self._placed(self.span, links[0], source, result) if self.span else None
        if placed is not None:
            return placed
        if any(link.how is not How.ALL and not link.result for link in links):
            return LOST
        return spread(axis for link in links for axis in link.result if result[axis] > 1)

    def _placed(self, span: Span, link: Link, source: Shape, result: Shape) -> "Side | None":
        """Where the positions lie in order, if they do."""
        if link.how is How.SAME and len(link.source) == len(link.result) == 1:
            return self if link.result == self.axes else replace(self, axes=link.result)
        if link.how is How.SAME:
            inner = self.step * prod(source[axis] for axis in link.source if axis > self.axes[0])
            for axis in link.result:
                behind = prod(result[each] for each in link.result if each > axis)
                if inner % behind == 0 and (behind * result[axis]) % (inner * self.count) == 0:
                    return Side((axis,), span, self.count, inner // behind)
        if isinstance(link.how, Window) and self.fills(source):
            return Side(link.result, span.through(link.how), result[link.result[0]])
        return None

    def joined(self, other: "Side") -> "Side":
        """The side in what is computed from both."""
        if self.whole or other.whole:
            return self if self.whole else other
        placed = (self.axes, self.count, self.step) == (other.axes, other.count, other.step)
        span = self.span.joined(other.span) if placed and self.span and other.span else None
        return spread((*self.axes, *other.axes)) if span is None else Side(self.axes, span, self.count, self.step)


LOST = Side()


def spread(axes: Iterable[int]) -> Side:
    """A side whose positions lie along these axes, in whatever order."""
    return Side(tuple(sorted({*axes})))


Sides = tuple[Side, Side]
"""Rows and columns."""


def _reads_all(link: Link, source: Shape, result: Shape) -> bool:
    """Whether each value that comes out depends on all positions that went in: also where there is only one."""
    if isinstance(link.how, Window):
        before, after = source[link.source[0]], result[link.result[0]]
        return after == 1 < before and {*range(before)} <= {*link.how.positions(0)}
    return link.how is How.ALL


class FieldTracer(TorchDispatchMode):
    """Within it, the receptive field of every tensor computed from `image` is known to `field`.

    `image` is [batch, channel, row, column]. A tensor has a field if rows and columns are two axes of it, one after
    the other, and each unit sees a rectangle that moves on from unit to unit; or if every unit sees the whole image.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self._size = tuple(image.shape[2:])
        self._sides: dict[int, tuple[Tensor, Sides]] = {}
        rows, columns = (Side((axis,), Span(1, 1, 0), image.shape[axis]) for axis in (2, 3))
        self._note(image, (rows, columns))

    def field(self, tensor: Tensor) -> ReceptiveField | None:
        """The field of this very tensor."""
        _, (rows, columns) = self._sides.get(id(tensor), (tensor, (LOST, LOST)))
        shape = tuple(tensor.shape)
        in_place = rows.fills(shape) and columns.fills(shape) and rows.axes[0] + 1 == columns.axes[0]
        if rows.span and columns.span and (in_place or (rows.whole and columns.whole)):
            return ReceptiveField.of(rows.span, columns.span)
        return None

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run the operation and note the fields of what comes out."""
        kwargs = kwargs or {}
        call = Call.of(func, args, kwargs)  # before it changes shapes in place
        output = func(*args, **kwargs)
        if not any(id(each.tensor) in self._sides for each in call.operands):
            return output
        given = (each for each in leaves((output,)) if isinstance(each, Tensor))
        for number, tensor in enumerate(given):
            self._note(tensor, self._through(call, tuple(tensor.shape), number))
        return output

    def _note(self, tensor: Tensor, sides: "Sides | None") -> None:
        if sides is None:
            self._sides.pop(id(tensor), None)
        else:
            self._sides[id(tensor)] = (tensor, sides)  # the tensor is kept, or its id could come again

    def _through(self, call: Call, result: Shape, number: int) -> "Sides | None":
        """The sides in one of the results; None if it does not depend on the image."""
        describe, found = description(call.func, number), []
        for operand in call.operands:
            _, sides = self._sides.get(id(operand.tensor), (None, ()))
            reach = describe(Passage(call.arguments, operand, result, number)) if describe and sides else None
            if sides and (reach or not describe):
                pairs = zip(sides, self._size, strict=True)
                found.append([side.through(reach, operand.shape, result, length) for side, length in pairs])
        if not found:
            return None
        rows, columns = (reduce(Side.joined, sides) for sides in zip(*found, strict=True))
        return rows, columns
