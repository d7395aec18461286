"""Where a result comes from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..version import __version__


@cache
def versions() -> dict[str, str]:
    """The versions of the libraries that a number depends on."""
    return {"innerview": __version__} | {name: metadata.version(name) for name in ("torch", "torchvision")}


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from: enough to compute it again.

    `weights` is a digest of all parameters and buffers; `objective` has the question in words, one for all images or
    one per image, and `asked` the same as text that `parse_objective` reads, where it is one of an objective;
    `settings` are the method's own, seed included.
    """

    network: str
    weights: str
    objective: tuple[str, ...]
    method: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=versions)
    asked: tuple[str, ...] = ()

    @property
    def how(self) -> dict[str, Any]:
        """The method and its settings in one, as part of the provenance of what is made of this result."""
        return {"name": self.method, **self.settings}


def settings_of(given: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON knows them.

    A dataclass among them has its own name and fields, and of arrays there are the shape and a digest.
    """
    return {each.name: plain(getattr(given, each.name)) for each in fields(given)}


def plain(value: Any) -> Any:
    """A setting as JSON knows it; of what JSON has no form for, the kind."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"name": type(value).__name__, **settings_of(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | range):
        return list(map(plain, value))
    if isinstance(value, Tensor | np.ndarray):
        return _fingerprint(torch.as_tensor(value))
    if isinstance(value, Path | torch.dtype):
        return str(value)
    return value if isinstance(value, int | float | str | None) else type(value).__name__


def _fingerprint(values: Tensor) -> dict[str, Any]:
    content = values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return {"shape": list(values.shape), "digest": hashlib.blake2b(content.data, digest_size=8).hexdigest()}
