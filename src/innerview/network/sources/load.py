"""A name, with or without a weights file, becomes a network that can be looked at."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ...errors import LoadError, SettingError
from ..network import Network
from ..preprocess import Preprocess
from . import hub, own, zoo
from .wish import Parts, Wish, listed, nearest

_SOURCES: dict[str, Callable[[Wish], Parts]] = {
    "builtin": own.builtin,
    "torchvision": zoo.from_torchvision,
    "timm": zoo.from_timm,
    "hf": hub.from_hub,
}
_NAMES: dict[str, Callable[[], list[str]]] = {
    "builtin": own.builtin_names,
    "torchvision": zoo.torchvision_names,
    "timm": zoo.timm_names,
}
_FACTORY = re.compile(r".+\.py:\w+", re.DOTALL)


def load(
    name: str,
    *,
    weights: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    preprocess: Preprocess | None = None,
    device: str | torch.device | None = None,
) -> Network:
    """A network by its name, in evaluation mode, with its preprocessing and labels.

    ==========================  ====================================================================
    name                        what is loaded
    ==========================  ====================================================================
    ``builtin/NAME``            a small network that comes with this package
    ``torchvision/NAME``        a classifier of torchvision
    ``timm/NAME``               a model of timm (``pip install "innerview[timm]"``)
    ``hf/ORG/NAME``             an image classifier of the Hugging Face hub, or of a local folder
                                (``pip install "innerview[hf]"``)
    ``path/file.py:function``   what your own function returns: an `nn.Module`, or a `Network`, which keeps
                                what it says of itself
    ``NAME``                    the first of builtin, torchvision and timm that knows the name
    ==========================  ====================================================================

    Initial values that no weights replace are drawn from seed 0; the global generator stays as it was.

    Args:
        name: one of the above. The function in your own file is trusted code and is run.
        weights: a safetensors or PyTorch weights file, which is read without running code from it, or
            "random" for an untrained network. By default the pretrained weights, downloaded once.
        options: keyword arguments for the function that builds the network.
        preprocess: replaces the preprocessing that the source knows.
        device: "cpu", "cuda", "cuda:1", "mps", …; by default where the network was built.

    Raises:
        LoadError: the name or an option is unknown, or a library is not installed.
        DownloadError: the pretrained weights could not be fetched.
        CheckpointError: the weights file is broken, unsafe, or does not fit.
        SettingError: the device does not exist here.
    """
    place = None if device is None else _available(device)
    wish = _wish(name, weights, dict(options or {}), preprocess)
    with _seed_zero():
        parts = own.from_file(wish) if wish.source is None else _SOURCES[wish.source](wish)
    return Network(
        parts.module.eval().to(place),
        preprocess or parts.preprocess,
        parts.labels,
        name=parts.name or wish.full_name,
        output=parts.output,
        grid=parts.grid,
        untrained=parts.untrained if wish.pretrained else wish.weights_file is None,
    )


def _wish(name: str, weights: str | Path | None, options: dict[str, Any], preprocess: Preprocess | None) -> Wish:
    if _FACTORY.fullmatch(name):
        return Wish(None, name, weights, options, preprocess)
    source, slash, inner = name.partition("/")
    if not slash:
        source, inner = _source_of(name), name
    if source not in _SOURCES or not inner:
        raise _unknown(name)
    return Wish(source, inner, weights, options, preprocess)


def _source_of(name: str) -> str:
    """The first source that knows a bare name; timm's may carry a tag after a dot."""
    for source, names in _NAMES.items():
        if (name.partition(".")[0] if source == "timm" else name) in names():
            return source
    raise _unknown(name)


def _unknown(name: str) -> LoadError:
    known = [f"{source}/{each}" for source, names in _NAMES.items() for each in names()]
    bare = {each.partition("/")[2]: each for each in reversed(known)}
    near = [bare[each] for each in nearest(name.rpartition("/")[2], bare, likeness=0.5)]
    return LoadError(
        f"no network is called {name!r}{listed('; the nearest are ', near)}; a name is builtin/NAME, "
        "torchvision/NAME, timm/NAME, hf/ORG/NAME or file.py:function"
    )


@contextmanager
def _seed_zero() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def _available(device: str | torch.device) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        here = ["cpu", *(kind for kind, is_here in kinds.items() if is_here)]
        raise SettingError(f"device {str(device)!r} does not exist here; use {' or '.join(here)}") from error
