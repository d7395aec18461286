"""The operations of one forward pass, recorded below the module level, with the value of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ..modules.scope import version

Arg = TypeVar("Arg")


class CannotRecordError(Exception):
    """The pass does something that a list of operations does not describe."""


@dataclass(frozen=True)
class Ref:
    """Stands, among the arguments of a step, for the value with this number."""

    number: int


@dataclass(frozen=True)
class Step:
    """One ATen operation that reads values of the tape; `outputs` has the number of each tensor it gave."""

    func: Any
    args: tuple
    kwargs: dict[str, Any]
    outputs: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """The numbers of the values it reads."""
        return tuple(each.number for each in leaves((*self.args, *self.kwargs.values())) if isinstance(each, Ref))

    @property
    def arguments(self) -> dict[str, Any]:
        """What the operation is given, by name; what is not given has its default."""
        return named(self.func, self.args, self.kwargs)

    @property
    def name(self) -> str:
        """What the operation is called, `aten.convolution`."""
        return str(self.func.overloadpacket)


@dataclass(frozen=True)
class Tape:
    """What was computed from an image, in order: value 0 is the image, `output` the number of the result.

    Operations that write in place are recorded as what they compute, so each value is written once. Parameters
    and other tensors that do not depend on the image stand among the arguments as they are.
    """

    steps: tuple[Step, ...]
    values: tuple[Tensor, ...]
    output: int

    def given(self, step: Step) -> tuple[tuple, dict[str, Any]]:
        """The arguments of one of the steps, with the values themselves."""
        return replaced((step.args, step.kwargs), lambda arg: self.values[arg.number] if isinstance(arg, Ref) else arg)


def record(run: Callable[[Tensor], Tensor], image: Tensor) -> Tape:
    """The tape of `run(image)`.

    Raises:
        CannotRecordError: a tensor is written to that shares memory with another one or was not computed from the
            image, or that an operation has read before; an operation has no form that does not write in place; a
            value leaves the tensors (`item`, `numpy`, an `if`), so what follows cannot be seen; or the result does
            not depend on the image.
    """
    with torch.inference_mode(False), torch.no_grad():
        image = image.clone()
        with _NumbersRefused() as exits, _Recorder(image) as recorder:
            output = run(image)
    for refusal in (*exits.refusals, *recorder.refusals):  # the network may have caught what was raised
        raise refusal
    if any(version(constant) != before for constant, before in recorder.constants):
        raise CannotRecordError("a tensor that an operation has read is written to later")
    if id(output) not in recorder.numbers:
        raise CannotRecordError("the result does not depend on the image")
    return Tape(tuple(recorder.steps), tuple(recorder.values), recorder.numbers[id(output)])


class _NumbersRefused(TorchFunctionMode):
    """Notices tensors that become arrays or lists, which no operation shows."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[CannotRecordError] = []

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func in (Tensor.numpy, Tensor.tolist, Tensor.__array__):
            self.refusals.append(CannotRecordError("a tensor becomes an array or a list"))
        return func(*args, **(kwargs or {}))


class _Recorder(TorchDispatchMode):
    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.values: list[Tensor] = []
        self.numbers: dict[int, int] = {}
        self.constants: list[tuple[Tensor, int]] = []
        self.refusals: list[CannotRecordError] = []
        self._add(image)

    def _add(self, tensor: Tensor) -> int:
        self.values.append(tensor)
        self.numbers[id(tensor)] = len(self.values) - 1
        return len(self.values) - 1

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        tensors = [each for each in leaves((*args, *kwargs.values())) if isinstance(each, Tensor)]
        if not any(id(each) in self.numbers for each in tensors):
            return func(*args, **kwargs)
        read_args, read_kwargs = replaced((args, kwargs), self._ref)
        self.constants += [(each, version(each)) for each in tensors if id(each) not in self.numbers]
        if func._schema.is_mutable:
            self._before_write(func, args[0])
        output = func(*args, **kwargs)
        numbers = tuple(self._add(each) for each in leaves((output,)) if isinstance(each, Tensor))
        if not numbers:
            raise self._refusal(f"{func} takes a value out of the tensors")
        self.steps.append(Step(self._without_write(func), read_args, read_kwargs, numbers))
        return output

    def _ref(self, value: object) -> object:
        return Ref(self.numbers[id(value)]) if id(value) in self.numbers else value

    def _before_write(self, func: Any, target: Any) -> None:
        """What was known by this tensor keeps its value, in a copy; the tensor gets a new number."""
        if id(target) not in self.numbers:
            raise self._refusal(f"{func} writes to what is not a tensor computed from the image")
        memory = target.untyped_storage().data_ptr()
        if any(each is not target and each.untyped_storage().data_ptr() == memory for each in self.values):
            raise self._refusal(f"{func} writes to a tensor that shares memory with another")
        self.values[self.numbers[id(target)]] = target.clone()

    def _without_write(self, func: Any) -> Any:
        """The operation that gives the same without writing in place."""
        if not func._schema.is_mutable:
            return func
        packet = getattr(torch.ops.aten, func.overloadpacket.__name__.removesuffix("_"), None)
        found = getattr(packet, func._overloadname, None)
        if found is None or found._schema.is_mutable:
            raise self._refusal(f"{func} writes in place and has no other form")
        return found

    def _refusal(self, reason: str) -> CannotRecordError:
        self.refusals.append(CannotRecordError(reason))
        return self.refusals[-1]


def named(func: Any, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operation by their names; those not given have their defaults."""
    defaults = _defaults(func)
    given = dict(zip(defaults, args, strict=False)) | kwargs
    return given | {name: defaults[name] for name in defaults if name not in given}


@cache
def _defaults(func: Any) -> dict[str, Any]:
    """The arguments of an operation in order, each with its default; None where there is none."""
    return {each.name: each.default_value for each in func._schema.arguments}


def leaves(values: Any) -> Iterator[Any]:
    """All things in nested tuples, lists and dictionaries."""
    if isinstance(values, dict):
        values = tuple(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            yield from leaves(value)
    else:
        yield values


def replaced(values: Arg, change: Callable[[Any], Any]) -> Arg:
    """The same nesting with `change` applied to all things in it."""
    if isinstance(values, dict):
        return {key: replaced(value, change) for key, value in values.items()}  # type: ignore[return-value]
    if isinstance(values, list | tuple):
        return type(values)(replaced(value, change) for value in values)  # type: ignore[return-value]
    return change(values)
