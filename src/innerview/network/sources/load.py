"""A name, with or without a weights file, becomes a network that can be looked at."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...errors import CheckpointError, LoadError, SettingError
from ..fingerprints import sha256
from ..labels import Labels, as_labels
from ..network import Network
from ..preprocess import Preprocess
from ..source import Source
from . import hub, own, zoo
from .wish import Parts, Wish, listed, nearest

_ORIGINS: dict[str, Callable[[Wish], Parts]] = {
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


def load(  # noqa: PLR0913 - all but the name are optional
    name: str | Source = "default",
    *,
    weights: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    preprocess: Preprocess | Callable[[Preprocess], Preprocess] | None = None,
    labels: Labels | Sequence[str] | Path | None = None,
    device: str | torch.device | None = None,
) -> Network:
    """A network by its name, in evaluation mode, with its preprocessing and labels.

    ==========================  ====================================================================
    name                        what is loaded
    ==========================  ====================================================================
    ``default``                 ``builtin/efficientnet-lite0``, ImageNet's 1,000 classes; where the package with its
                                weights is absent ``builtin/tiny-resnet``, with a warning
    ``builtin/NAME``            a network that comes with this package
    ``torchvision/NAME``        a classifier of torchvision
    ``timm/NAME``               a model of timm (``pip install "innerview[timm]"``)
    ``hf/ORG/NAME``             an image classifier of the Hugging Face hub, or of a local folder
                                (``pip install "innerview[hf]"``)
    ``path/file.py:function``   what your own function returns: an `nn.Module`, or a `Network`, which keeps
                                what it says of itself
    ``NAME``                    the first of builtin, torchvision and timm that knows the name
    a `Source`                  the network whose `net.source` it is, or what differs is said
    ==========================  ====================================================================

    Initial values that no weights replace are drawn from seed 0; the global generator stays as it was.

    Args:
        name: one of the above. The function in your own file is trusted code and is run.
        weights: a safetensors or PyTorch weights file, which is read without running code from it, or
            "random" for an untrained network. By default the pretrained weights, downloaded once.
        options: keyword arguments for the function that builds the network.
        preprocess: replaces the preprocessing that comes with the name; a function is given that one and returns
            another, as in ``lambda own: dataclasses.replace(own, mean=(0.5,) * 3)``.
        labels: replaces the class names that come with the name: a list in the order of the outputs, or a text file
            with one a line; empty for none.
        device: "cpu", "cuda", "cuda:1", "mps", …; by default where the network was built.

    Raises:
        LoadError: the name or an option is unknown, or a library is not installed; a source gives another network.
        DownloadError: the pretrained weights could not be fetched.
        CheckpointError: the weights file is broken, unsafe, or does not fit; it is not the source's.
        SettingError: the device does not exist here; labels cannot be read; a source is not all that is said.
    """
    name = own.default_name(weights) if name == "default" else name
    if isinstance(name, Source):
        _require_nothing_else(weights=weights, options=options, preprocess=preprocess, labels=labels)
        return _again(name, device)
    if not isinstance(name, str):
        raise LoadError(
            f"a network is loaded by its name or its source; got {name!r}. A Network that was made by hand has no "
            "source: return it from a function of a file, and load that: iv.load('file.py:function')"
        )
    whole, change = (preprocess, None) if isinstance(preprocess, Preprocess) else (None, preprocess)
    names = None if labels is None else as_labels(labels) or Labels(())
    file = None if weights is None else str(weights)
    return _made(Source(name, file, options=dict(options or {}), preprocess=whole, labels=names), change, device)


def _require_nothing_else(**given: object) -> None:
    if extra := [name for name, value in given.items() if value is not None]:
        raise SettingError(
            f"a source says all but the device; got {' and '.join(extra)}, too. Change the source: "
            f"dataclasses.replace(source, {extra[0]}=…)"
        )


def _again(source: Source, device: str | torch.device | None) -> Network:
    """The same network, or the reason why it is another one."""
    if source.weights and source.sha256 and (found := sha256(source.weights)) != source.sha256:
        raise CheckpointError(
            f"a source names its weights file by its SHA-256, {source.sha256}; that of {source.weights!r} is {found}: "
            "it has changed or is another file. Bring the old one back, or load the new one by its name"
        )
    net = _made(source, None, device)
    if source.digest and net.digest() != source.digest:
        raise LoadError(
            f"a source loads the same weights again, with the digest {source.digest}; {source.name} has {net.digest()} "
            "here: the weights were changed after it was loaded, or come from another release. Save those of the first "
            'with torch.save(net.module.state_dict(), "weights.pth"), and name that file: weights="weights.pth"'
        )
    return net


def _made(
    source: Source, change: Callable[[Preprocess], Preprocess] | None, device: str | torch.device | None
) -> Network:
    place = None if device is None else _available(device)
    wish = _wish(source)
    with _seed_zero():
        parts = own.from_file(wish) if wish.origin is None else _ORIGINS[wish.origin](wish)
    preprocess = source.preprocess or parts.preprocess or Preprocess(size=224)
    return Network(
        parts.module.eval().to(place),
        preprocess if change is None else change(preprocess),
        parts.labels if source.labels is None else source.labels,
        name=source.called or parts.name or wish.full_name,
        output=parts.output,
        grid=parts.grid,
        untrained=parts.untrained if wish.pretrained else wish.weights_file is None,
        source=replace(source, name=_lasting(wish), weights=_whole_path(wish)),
    )


def _wish(source: Source) -> Wish:
    name, rest = source.name, (source.weights, dict(source.options), source.preprocess)
    if _FACTORY.fullmatch(name):
        return Wish(None, name, *rest)
    origin, slash, inner = name.partition("/")
    if not slash:
        origin, inner = _origin_of(name), name
    if origin not in _ORIGINS or not inner:
        raise _unknown(name)
    return Wish(origin, inner, *rest)


def _lasting(wish: Wish) -> str:
    """The whole name, with the whole path of what is a file or a folder."""
    if wish.origin is None:
        file, _, function = wish.name.rpartition(":")
        return f"{Path(file).expanduser().resolve()}:{function}"
    folder = Path(wish.name).expanduser()
    return f"hf/{folder.resolve()}" if wish.origin == "hf" and folder.is_dir() else wish.full_name


def _whole_path(wish: Wish) -> str | None:
    """Of the weights file, if there is one."""
    return str(wish.weights_file.resolve()) if wish.weights_file else wish.weights and str(wish.weights)


def _origin_of(name: str) -> str:
    """The first that knows a bare name; timm's may carry a tag after a dot."""
    for origin, names in _NAMES.items():
        if (name.partition(".")[0] if origin == "timm" else name) in names():
            return origin
    raise _unknown(name)


def _unknown(name: str) -> LoadError:
    known = [f"{origin}/{each}" for origin, names in _NAMES.items() for each in names()]
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
