"""Dataclasses as files: the tensors of all fields in one safetensors file, everything else as JSON in its header.

Nothing is pickled. What is read back is what the types of the fields say, or it is refused.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import safetensors
import safetensors.torch
from jaxtyping import AbstractArray
from torch import Tensor

from ..errors import ResultError
from ..files import replacing

FORMAT = 1
"""The number of this way to write results; a file with another one is refused."""
Kind = TypeVar("Kind")


def write(path: str | Path, result: Any) -> None:
    """Write a dataclass as one safetensors file, atomically."""
    tensors: dict[str, Tensor] = {}
    header = {"format": FORMAT, "kind": type(result).__name__, "fields": _encoded(result, "", tensors)}
    stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        safetensors.torch.save_file(stored, temporary, metadata={"innerview": json.dumps(header)})


def read(path: str | Path, kinds: Mapping[str, type[Kind]]) -> Kind:
    """The dataclass in a file, which is one of these kinds by the names of their classes.

    Raises:
        FileNotFoundError: there is no such file.
        ResultError: the file holds something else, is damaged, or was written by another version of this format.
    """
    tensors, header = _opened(path)
    kind, number = str(header.get("kind", "")), header.get("format")
    if kind not in kinds:
        wanted = " or ".join(kinds) if len(kinds) < 3 else "result that innerview knows"
        raise ResultError(f"{path} does not hold a saved {wanted}" + (f"; it holds a {kind}" if kind else ""))
    if number != FORMAT:
        raise ResultError(f"{path} has format {number} of saved results, and this version reads {FORMAT}: update it")
    try:
        return _decoded(kinds[kind], header["fields"], tensors)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultError(f"the {kind} in {path} has missing or unknown parts: {error}") from error


def read_as(path: str | Path, kind: type[Kind]) -> Kind:
    """The dataclass of this kind in a file; `ResultError` if it holds anything else."""
    return read(path, {kind.__name__: kind})


def to_json(value: Any) -> dict[str, Any]:
    """A dataclass that holds no tensors, as JSON."""
    return _encoded(value, "", {})


def from_json(kind: type[Kind], written: Any) -> Kind:
    """The dataclass of this kind that `to_json` was of; `KeyError`, `TypeError` or `ValueError` if it is none."""
    return _decoded(kind, written, {})


def _opened(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("innerview", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise ResultError(f"{path} is not a result that innerview wrote, or it is damaged: {error}") from error
    if not isinstance(header, dict):
        raise ResultError(f"{path} is not a result that innerview wrote, or it is damaged: its header is no object")
    return tensors, header


def _encoded(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON; tensors are put aside under the name of their place, each one once."""

    def inside(name: object, each: Any) -> Any:
        return _encoded(each, f"{place}/{name}" if place else str(name), tensors)

    if isinstance(value, Tensor):
        known = next((name for name, tensor in tensors.items() if tensor is value), None)
        name = known or (place if place not in tensors else f"{place}:{len(tensors)}")
        tensors[name] = value
        return name
    if is_dataclass(value):
        return {each.name: inside(each.name, getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): inside(key, each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [inside(number, each) for number, each in enumerate(value)]
    return value


def _decoded(kind: Any, value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What was encoded of a field of this type; `ValueError` if the value is no such thing."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _alternative(inner, value, tensors)
    if origin is tuple:
        return _tuple(inner, value, tensors)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {inner[0](key): _decoded(inner[1], each, tensors) for key, each in value.items()}
    if is_dataclass(kind):
        return _dataclass(kind, value, tensors)
    if isinstance(kind, type) and issubclass(kind, Tensor | AbstractArray):
        return _required(isinstance(tensors[value], kind), kind, tensors[value])
    return _plain(kind, value)


def _plain(kind: Any, value: Any) -> Any:
    """A number, a text, one of some values, or anything that JSON knows."""
    if kind is float:
        return float(_required(type(value) in (float, int), kind, value))
    if get_origin(kind) is Literal:
        return _required(value in get_args(kind), kind, value)
    return _required(kind is Any or type(value) is kind, kind, value)


def _alternative(kinds: Sequence[Any], value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The first of several types that the value fits."""
    if value is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return _decoded(kind, value, tensors)
    return _decoded(last, value, tensors)


def _tuple(kinds: Sequence[Any], value: Any, tensors: Mapping[str, Tensor]) -> tuple:
    """Of so many types, or of any number of one: `tuple[int, ...]`."""
    _required(isinstance(value, list), tuple, value)
    each = [kinds[0]] * len(value) if kinds[-1:] == (...,) else kinds
    return tuple(_decoded(kind, one, tensors) for kind, one in zip(each, value, strict=True))


def _dataclass(kind: Any, value: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    types = get_type_hints(kind)
    own = {each.name: _decoded(types[each.name], value[each.name], tensors) for each in fields(kind)}
    if unknown := value.keys() - own.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return kind(**own)


def _required(fits: bool, kind: Any, value: Any) -> Any:
    if not fits:
        got = f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise ValueError(f"{getattr(kind, '__name__', kind)} is expected; got {got}")
    return value
