"""Weights from files that are not trusted: tensors are read, code is never run."""

import pickle
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...errors import CheckpointError, UnsafeCheckpointError

_INNER_KEYS = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "params",
    "weights",
    "module",
    "ema",
    "model_ema",
    "state_dict_ema",
)
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.")
# How torchvision's own weights files spell names that its networks spell otherwise today.
_OLD_NAMES = (
    (re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)"), r"\1\2"),
    (re.compile(r"\.mlp\.linear_1\."), ".mlp.0."),
    (re.compile(r"\.mlp\.linear_2\."), ".mlp.3."),
)
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # how checkpoints began before PyTorch 1.6
_PYTORCH = (_ZIP, _PICKLE)
_LOAD = "torch.load({}, 'cpu', weights_only=False)"
_UNPICKLE = "__import__('pickle').load(open({}, 'rb'))"
_COUNTER = "num_batches_tracked"  # a training statistic that no prediction depends on


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The named tensors in a safetensors file or a PyTorch checkpoint, on the CPU.

    The kind of file is told by its content, whatever its name. A checkpoint may hold its tensors under one of
    the usual keys ("state_dict", "model", "ema", …); what else it holds is left out. Nothing in the file is
    executed.

    Raises:
        UnsafeCheckpointError: the file holds Python objects that only come to life by running code; the
            message says how to convert it.
        CheckpointError: the file is missing, broken, or holds no named tensors.
    """
    path = Path(path)
    start = _first_bytes(path)
    if start[8:9] == b"{" or (path.suffix == ".safetensors" and not start.startswith(_PYTORCH)):
        return _read_safetensors(path)
    _refuse_programs(path, start)
    return _named_tensors(_read_pickle(path, start), path)


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Copy the weights in a file into a module, which keeps its parameters, its precision and its device.

    Usual prefixes that all names share ("module.", "model.", …) are dropped. The module changes only if all
    names and shapes fit; BatchNorm's `num_batches_tracked` may be absent.

    Raises:
        CheckpointError: names are missing or unexpected, or shapes differ; it lists the first ones.
    """
    path = Path(path)
    target = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    saved = _today(_without_prefixes(read_weights(path), target), target)
    _require_fit(saved, target, path)
    with torch.no_grad():
        for name, tensor in target.items():
            if name in saved:
                tensor.copy_(saved[name])


def _first_bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise CheckpointError(f"weights come from one file; {str(path)!r} is no regular file")
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weights file {str(path)!r}; check the path") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"the weights file {str(path)!r} cannot be read: {_reason(error)}") from error
    if not start:
        raise CheckpointError(f"the weights file {str(path)!r} is empty; copy or download it again")
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{str(path)!r} only points to weights in Git LFS; run: git lfs pull")
    return start


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise _broken(path, "safetensors file", error) from error


def _refuse_programs(path: Path, start: bytes) -> None:
    """Refuse archives that hold a program beside the weights, or whose very layout needs code to be read."""
    if not start.startswith(_ZIP):
        if tarfile.is_tarfile(path):
            raise _unsafe(path, "is a checkpoint of PyTorch 0.1, which only code can read", _LOAD)
        if start.startswith(_PICKLE) and not start.startswith(_LEGACY):
            raise _unsafe(path, "is a Python pickle, which only code can read", _UNPICKLE)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {name.partition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _broken(path, "checkpoint", error) from error
    if any(part.startswith("code/") for part in parts):
        raise _unsafe(path, "is a TorchScript program, not a file of weights", "torch.jit.load({}, 'cpu')")
    if any(part == "archive_format" or part.startswith("models/") for part in parts):
        raise _unsafe(path, "is an exported program, not a file of weights", "torch.export.load({})")


def _read_pickle(path: Path, start: bytes) -> object:
    try:
        with path.open("rb") as file:  # of a path, the name would matter
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        forbidden = re.search(r"GLOBAL ([\w.]+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if forbidden:
            held = f"holds the Python object {forbidden[1]}, as a pickled module or training state does"
            raise _unsafe(path, f"{held}, and reading that would run code from the file", _LOAD) from error
        if not start.startswith(_PYTORCH):
            raise CheckpointError(
                f"{str(path)!r} is neither a safetensors file nor a PyTorch checkpoint; "
                "pass the weights as .safetensors or .pth"
            ) from error
        if isinstance(error, pickle.UnpicklingError):
            raise _unsafe(path, "holds Python objects that only running code can read", _LOAD) from error
        raise _broken(path, "checkpoint", error) from error


def _unsafe(path: Path, what: str, load: str) -> UnsafeCheckpointError:
    """The refusal, with the line that turns a file that can run code into one that cannot."""
    safe = path.with_name(f"{path.stem}-tensors.safetensors")
    return UnsafeCheckpointError(
        f"{str(path)!r} {what}; if you trust it, convert it once with: "
        f"import torch; from safetensors.torch import save_file; x = {load.format(repr(str(path)))}; "
        "x = x.get('state_dict', x) if isinstance(x, dict) else x.state_dict(); save_file("
        f"{{k: v.contiguous().clone() for k, v in x.items() if torch.is_tensor(v)}}, {str(safe)!r})"
    )


def _broken(path: Path, what: str, error: Exception) -> CheckpointError:
    return CheckpointError(f"{str(path)!r} is a broken {what} ({_reason(error)}); copy or download it again")


def _named_tensors(content: object, path: Path) -> dict[str, Tensor]:
    tensors = _innermost(content)
    if not tensors:
        held = "none" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        raise CheckpointError(
            f"a weights file holds named tensors, {str(path)!r} holds {held}; save module.state_dict()"
        )
    return tensors


def _innermost(content: object, depth: int = 3) -> dict[str, Tensor]:
    """The tensors under the usual keys, or else those at the top."""
    if not isinstance(content, Mapping) or depth == 0:
        return {}
    inner = (_innermost(content.get(key), depth - 1) for key in _INNER_KEYS)
    top = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    return next(filter(None, inner), top)


def _without_prefixes(saved: dict[str, Tensor], target: Iterable[str]) -> dict[str, Tensor]:
    """Drop, as often as it takes, a usual prefix that all saved names have and no name of the target has."""
    for prefix in _PREFIXES:
        wrapped = saved and all(name.startswith(prefix) for name in saved)
        if wrapped and not any(name.startswith(prefix) for name in target):
            shorter = {name.removeprefix(prefix): value for name, value in saved.items()}
            return _without_prefixes(shorter, target)
    return saved


def _today(saved: dict[str, Tensor], target: Iterable[str]) -> dict[str, Tensor]:
    """Spell names as the target does, where the file is from an older release."""
    known = set(target)
    return {name if name in known else _respelled(name): value for name, value in saved.items()}


def _respelled(name: str) -> str:
    for old, new in _OLD_NAMES:
        name = old.sub(new, name)
    return name


def _require_fit(saved: Mapping[str, Tensor], target: Mapping[str, Tensor], path: Path) -> None:
    missing = [name for name in target if name not in saved and not name.endswith(_COUNTER)]
    unexpected = [name for name in saved if name not in target and not name.endswith(_COUNTER)]
    misfits = [
        f"{name} {_form(saved[name])} instead of {_form(target[name])}"
        for name in target
        if name in saved and _form(saved[name]) != _form(target[name])
    ]
    faults = [_few("missing", missing), _few("unexpected", unexpected), _few("of another shape", misfits)]
    if any(faults):
        raise CheckpointError(
            f"the weights in {str(path)!r} do not fit the network, which is unchanged: "
            f"{'; '.join(filter(None, faults))}; use the architecture and options that they were trained with"
        )


def _form(tensor: Tensor) -> str:
    numbers = "" if tensor.is_floating_point() else f" {tensor.dtype}".replace("torch.", "")
    return f"{list(tensor.shape)}{numbers}"


def _few(what: str, names: list[str], count: int = 5) -> str:
    if not names:
        return ""
    shown = ", ".join(name[:120] for name in names[:count])
    return f"{len(names)} {what} ({shown}{', …' if len(names) > count else ''})"


def _reason(error: Exception) -> str:
    """The first line of an error, short enough for a sentence."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0][:200]
