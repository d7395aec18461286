"""What all results have in common."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..notebook import ShownInNotebooks
from .codec import write
from .provenance import Provenance

NAMED = 2
"""So many questions, layers or tensors are named in a line; of more, how many there are."""


class Result(ShownInNotebooks):
    """Extend it as `@dataclass(frozen=True, eq=False, repr=False)`; say what is to be seen first in the first field.

    Attributes:
        provenance: a field of every result.
    """

    provenance: Provenance

    def save(self, path: str | Path) -> None:
        """Write it as one safetensors file, all but tensors as JSON in its header; `innerview.read` gives it back."""
        write(path, self)

    def __repr__(self) -> str:
        """One line: the kind, the method and the network, the question, and the shape and range of what was found."""
        return f"{type(self).__name__}({': '.join(filter(None, (self.origin, _first(self))))})"

    @property
    def origin(self) -> str:
        """In a few words the method, the network and the question."""
        asked = _few(dict.fromkeys(self.provenance.objective))
        return f"{self.provenance.method} of {self.provenance.network}" + (f", {asked}" if asked else "")


def _first(result: Any) -> str:
    """What is to be seen first in a result."""
    values = ((each.name, getattr(result, each.name)) for each in fields(result))
    return next((said for name, value in values if (said := _found(name, value))), "")


def _found(name: str, value: Any) -> str:
    """What a field holds, if it is a tensor, several, or another result."""
    if isinstance(value, Result):
        return f"{name}, {_first(value)}"
    if isinstance(value, Tensor):
        return f"{name} {list(value.shape)}{_range(value)}"
    if isinstance(value, tuple):
        return _few([said for each in value if (said := _found(name, each))])
    if isinstance(value, Mapping):
        return _few({layer: said for layer, each in value.items() if (said := _found(str(layer), each))}.values())
    return ""


def _range(values: Tensor) -> str:
    finite = values[values.isfinite()]
    if values.dtype is torch.bool or not finite.numel():
        return ""
    rest = "" if finite.numel() == values.numel() else ", not all finite"
    return f" from {finite.min().item():.4g} to {finite.max().item():.4g}{rest}"


def _few(texts: Any) -> str:
    texts = list(texts)
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return ", ".join(texts[:NAMED]) + more
