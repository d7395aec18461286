"""What every result carries, and how results are written and read without pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from .errors import ResultError
from .files import replacing
from .version import __version__


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

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Provenance":
        """The provenance that `dataclasses.asdict` was written from."""
        return cls(**{**values, "objective": tuple(values["objective"])})


def write(path: str | Path, kind: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a result as one safetensors file with its facts as JSON in the header, atomically."""
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"innerview": json.dumps({"kind": kind, **facts})}
    with replacing(path) as temporary:
        safetensors.torch.save_file(stored, temporary, metadata=header)


def read(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and facts of a result of this `kind`; `ResultError` if the file is anything else."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("innerview", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise ResultError(f"{path} is not a result that innerview wrote, or it is damaged: {error}") from error
    if facts.pop("kind", None) != kind:
        raise ResultError(f"{path} does not hold a saved {kind}")
    return tensors, facts


def as_json(provenance: Provenance) -> dict[str, Any]:
    """The provenance as plain JSON values."""
    return asdict(provenance)
