"""What is asked of an origin of networks, what it hands over, and how it says that it cannot."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from ...errors import DownloadError, LoadError
from ..labels import Labels
from ..preprocess import Preprocess
from .weights import load_weights

_LOCAL_FILE = 'pass a local file with weights="file.safetensors", on the command line --weights FILE'


@dataclass(frozen=True)
class Wish:
    """A network that someone wants.

    Attributes:
        origin: the part of the name before the first slash, or None for a user's own function.
        name: the rest of the name.
        weights: None for the pretrained ones, "random", or a file.
        options: keyword arguments for the function that builds the module.
        preprocess: what to use instead of what comes with the name.
    """

    origin: str | None
    name: str
    weights: str | Path | None = None
    options: dict[str, Any] = field(default_factory=dict)
    preprocess: Preprocess | None = None

    @property
    def full_name(self) -> str:
        """The name with its origin."""
        return f"{self.origin}/{self.name}" if self.origin else self.name

    @property
    def pretrained(self) -> bool:
        """Whether the origin's own weights are wanted."""
        return self.weights is None

    @property
    def weights_file(self) -> Path | None:
        """The file that the weights come from, if they come from one."""
        return None if self.weights in (None, "random") else Path(self.weights)


@dataclass(frozen=True)
class Parts:
    """A module with the wished weights, and what its origin knows about it; None is what it does not know.

    Attributes:
        untrained: whether the weights that the origin itself gives are random.
    """

    module: nn.Module
    preprocess: Preprocess | None = None
    labels: Sequence[str] | Labels | None = None
    output: Callable[[Any], Tensor] | None = None
    grid: Callable[[Tensor], Tensor] | None = None
    name: str | None = None
    untrained: bool = False


def filled(module: nn.Module, wish: Wish) -> nn.Module:
    """The module with the weights from the wished file, if one was wished."""
    if wish.weights_file is not None:
        load_weights(module, wish.weights_file)
    return module


def build(wish: Wish, builder: Callable[..., Any], **settings: Any) -> Any:
    """What a library's function makes of the wish; an option that it does not know is a `LoadError`."""
    try:
        return builder(**settings, **wish.options)
    except TypeError as error:
        foreign = next((option for option in wish.options if f"'{option}'" in str(error)), None)
        if foreign is None or "argument" not in str(error):
            raise
        raise LoadError(
            f"{wish.full_name} does not take the option {foreign!r}; the options given are {', '.join(wish.options)}"
        ) from error


def library(wish: Wish, name: str) -> ModuleType:
    """An optional library; a `LoadError` says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise LoadError(
            f'{wish.full_name} needs the library {name}; install it with: pip install "innerview[{wish.origin}]"'
        ) from error


def unknown(wish: Wish, names: Iterable[str]) -> LoadError:
    """The error for a name that an origin does not know."""
    near = [f"{wish.origin}/{name}" for name in nearest(wish.name, names)]
    return LoadError(f"no network is called {wish.full_name!r}{listed('; the nearest are ', near)}")


def not_fetched(wish: Wish, reason: object, remedy: str = _LOCAL_FILE) -> DownloadError:
    """The error for pretrained weights that are not on this machine."""
    return DownloadError(
        f"{wish.full_name} needs its pretrained weights, which could not be fetched ({reason}); {remedy}"
    )


def nearest(name: str, names: Iterable[str], likeness: float = 0.0) -> list[str]:
    """Up to five known names that look most like this one, above a likeness in 0-1; the most similar first."""
    return get_close_matches(name.lower(), list(names), n=5, cutoff=likeness)


def listed(opening: str, names: Sequence[str]) -> str:
    """An opening and the names, or nothing if there are none."""
    return f"{opening}{', '.join(names)}" if names else ""
