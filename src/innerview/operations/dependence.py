"""What the output of a pass was computed from, told below the module level."""

from collections.abc import Iterable, Set
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .tape import leaves

Memory = int
"""Where values lie; tensors that are views of each other share it."""


class DependenceTracer(TorchDispatchMode):
    """Within it, each operation is noted, with the memory it reads and writes."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[Set[Memory], Set[Memory]]] = []
        self._kept: list[Any] = []

    @property
    def steps(self) -> int:
        """How many operations there have been."""
        return len(self._steps)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run the operation and note it."""
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self._kept.append((args, kwargs, output))  # or their memory could come again
        self._steps.append((_memory((args, kwargs)), _memory(output)))
        return output

    def last_reads(self, ends: Iterable[Tensor]) -> dict[Memory, float]:
        """By memory that the ends were computed from, the last step that read it for them; infinite for their own.

        Views, and what is written in place, count as the memory itself: they are read when something else is made
        of them.
        """
        last = dict.fromkeys(_memory(list(ends)), float("inf"))
        for step, (read, written) in reversed(list(enumerate(self._steps))):
            if not last.keys().isdisjoint(written):
                for memory in read - written:
                    last.setdefault(memory, step)
        return last


def memory_of(tensor: Tensor) -> Memory:
    """Where the values of a tensor lie."""
    return tensor.untyped_storage().data_ptr()


def _memory(values: Any) -> frozenset[Memory]:
    return frozenset(memory_of(each) for each in leaves(values) if isinstance(each, Tensor))
