"""What modules give out: tensors, and the containers that tensors come in."""

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ..errors import NetworkError


def first_tensor(output: object) -> Tensor | None:
    """The tensor in a module's output: the output itself, or the first one in its container."""
    if isinstance(output, Tensor):
        return output
    found = (first_tensor(value) for _, value in _items(output))
    return next((tensor for tensor in found if tensor is not None), None)


def with_first_tensor(output: Any, tensor: Tensor) -> Any:
    """The same output with its first tensor replaced; the original container is left as it is."""
    if isinstance(output, Tensor):
        return tensor
    key, value = next((key, value) for key, value in _items(output) if first_tensor(value) is not None)
    changed = with_first_tensor(value, tensor)
    if isinstance(output, dict):
        container = copy.copy(output)
        container[key] = changed
        return container
    if isinstance(output, tuple | list):
        values = [changed if place == key else each for place, each in enumerate(output)]
        return type(output)(*values) if hasattr(output, "_fields") else type(output)(values)
    return dataclasses.replace(output, **{key: changed})


def class_scores(output: object, network: str) -> Tensor:
    """The tensor of class scores in a network's output.

    A tensor is taken as it is; of a container, the entry named `logits`, or else its only tensor.
    `NetworkError` if that leaves a choice.
    """
    found = candidates(output)
    if len(found) == 1:
        return next(iter(found.values()))
    raise NetworkError(
        f"the output of {network} must hold one tensor of class scores; it is {type(output).__name__} with "
        f"{sorted(map(str, found)) or 'no tensor'}. Say which one: "
        "Network(module, output=lambda output: output['scores'])"
    )


def candidates(output: object) -> dict[Any, Tensor]:
    """The tensors in a network's output that may be its class scores, by their keys: one, if that is plain."""
    if isinstance(output, Tensor):
        return {"output": output}
    named = dict(_items(output))
    if isinstance(logits := named.get("logits", getattr(output, "logits", None)), Tensor):
        return {"logits": logits}
    return {key: value for key, value in named.items() if isinstance(value, Tensor)}


def _items(output: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(output, dict):
        yield from output.items()
    elif isinstance(output, tuple | list):
        yield from enumerate(output)
    elif dataclasses.is_dataclass(output):
        yield from ((field.name, getattr(output, field.name)) for field in dataclasses.fields(output))
