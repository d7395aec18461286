"""What was found out about a module, for as long as it is true."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from operator import is_
from typing import Any, TypeVar
from weakref import ref

from torch import nn

from ..modules.scope import members, version

Value = TypeVar("Value")


@dataclass(frozen=True)
class _State:
    """The names of the modules, the modules themselves and their tensors, and how often these were written to."""

    names: list[str]
    objects: list[ref[Any]]
    versions: list[int]

    @classmethod
    def of(cls, module: nn.Module, weights: bool) -> "_State":
        held = members(module)
        names, modules = [name for name, _ in held], [each for _, each in held]
        if not weights:
            return cls(names, list(map(ref, modules)), [])
        own = [values for each in modules for values in (each._parameters, each._buffers) if values]
        tensors = [each for values in own for each in values.values() if each is not None]
        return cls(names, [*map(ref, modules), *map(ref, tensors)], list(map(version, tensors)))

    def is_still(self, now: "_State") -> bool:
        """References to one object are one reference, and a dead one is none of another object's."""
        return (
            self.versions == now.versions
            and self.names == now.names
            and len(self.objects) == len(now.objects)
            and all(map(is_, self.objects, now.objects))
        )


@dataclass
class _Known:
    state: _State
    values: dict[Hashable, Any] = field(default_factory=dict)


class Memory:
    """Values that were computed of a module; they are forgotten when it changes, and a copy begins with none."""

    def __init__(self) -> None:
        self._known: dict[bool, _Known] = {}  # what depends on the structure alone, and what on the weights as well

    def recall(self, key: Hashable, compute: Callable[[], Value], module: nn.Module, *, weights: bool = False) -> Value:
        """What `compute` gives; it runs again only when modules were added, removed or exchanged.

        With `weights`, also when a parameter or buffer was replaced or written to; writing through `tensor.data`
        goes unnoticed.
        """
        state = _State.of(module, weights)
        known = self._known.get(weights)
        if known is None or not known.state.is_still(state):
            known = self._known[weights] = _Known(state)
        if key not in known.values:
            known.values[key] = compute()
        return known.values[key]

    def __reduce__(self) -> tuple[type["Memory"], tuple[()]]:
        """Neither copied nor pickled: the copy is of another module, which may change by itself."""
        return Memory, ()
