"""An operation as it is called: its arguments by their names, and the tensors among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor

from .tape import named

Shape = tuple[int, ...]


class Operand(NamedTuple):
    """A tensor among the arguments, with the shape it has before the operation.

    Attributes:
        tensor: itself.
        name: of the argument that it is, or is in.
        place: among the tensors of that argument.
        shape: of the tensor.
        in_order: whether its values lie in memory row by row.
    """

    tensor: Tensor
    name: str
    place: int
    shape: Shape
    in_order: bool


@dataclass(frozen=True)
class Call:
    """One ATen operation and what it is given."""

    func: Any
    arguments: Mapping[str, Any]
    operands: tuple[Operand, ...]

    @classmethod
    def of(cls, func: Any, args: tuple, kwargs: dict[str, Any]) -> "Call":
        """The call with these arguments; those not given have their defaults."""
        arguments = named(func, args, kwargs)
        return cls(func, arguments, tuple(_operands(arguments)))


def _operands(given: Mapping[str, Any]) -> Iterator[Operand]:
    for name, value in given.items():
        if isinstance(value, Tensor):
            yield Operand(value, name, 0, value.shape, value.is_contiguous())
        elif isinstance(value, list | tuple):
            tensors = (each for each in value if isinstance(each, Tensor))
            yield from (Operand(each, name, at, each.shape, each.is_contiguous()) for at, each in enumerate(tensors))


@dataclass(frozen=True)
class Passage:
    """One tensor's way through an operation into one of its results.

    Attributes:
        arguments: of the operation, by name.
        operand: the tensor that is read.
        result: the shape of what is given.
        number: which of the results that is, from 0 on.
    """

    arguments: Mapping[str, Any]
    operand: Operand
    result: Shape
    number: int

    @property
    def rank(self) -> int:
        """How many axes the tensor has that is read."""
        return len(self.operand.shape)

    @cached_property
    def axis(self) -> int:
        """The axis that `dim` names; 0 where there is none."""
        return self.arguments["dim"] % max(self.rank, 1)

    def axes(self, name: str) -> tuple[int, ...]:
        """The axes that an argument names; all if it names none."""
        named = self.arguments.get(name)
        listed = [named] if isinstance(named, int) else named
        axes = range(self.rank)
        return tuple(sorted(axes[each] for each in listed)) if listed and axes else tuple(axes)
