"""Runs the recorded operations of a network again."""

from collections.abc import Sequence

from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from innerview.operations.tape import Ref, Step


def replayed(steps: Sequence[Step], image: Tensor) -> dict[int, Tensor]:
    """The value of each number, from this image."""
    values = {0: image}

    def value(arg: object) -> object:
        return values[arg.number] if isinstance(arg, Ref) else arg

    for step in steps:
        args, kwargs = tree_map(value, (step.args, step.kwargs))
        tensors = [each for each in tree_leaves(step.func(*args, **kwargs)) if isinstance(each, Tensor)]
        values.update(zip(step.outputs, tensors, strict=False))
    return values
