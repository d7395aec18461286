"""Where a result comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import Any

from ..version import __version__


@cache
def versions() -> dict[str, str]:
    """The versions of the libraries that a number depends on."""
    return {"innerview": __version__} | {name: metadata.version(name) for name in ("torch", "torchvision")}


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from: enough to compute it again.

    `weights` is a digest of all parameters and buffers; `objective` has one entry for all images or one
    per image; `settings` are the method's own, seed included.
    """

    network: str
    weights: str
    objective: tuple[str, ...]
    method: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=versions)
