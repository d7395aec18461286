"""Settings that are checked when they are made: the annotation of a field says which values it takes.

    @dataclass(frozen=True)
    class Smoothing(Settings):
        samples: Count = 32
        keep: Annotated[float, Above(0), AtMost(1)] = 0.5
        heads: Literal["mean", "max"] = "mean"

`Smoothing(samples=0)` is a `SettingError`: samples is a whole number, at least 1; got 0. Numbers are finite; a whole
number is a number, too, and True is none. Numbers and arrays of NumPy and PyTorch become plain ones, lists tuples.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import SettingError


class Bound(ABC):
    """What is asked of a value besides its type."""

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether the value keeps to it."""

    @abstractmethod
    def __str__(self) -> str:
        """It, as it stands behind what the value is: a whole number, …"""


@dataclass(frozen=True)
class AtLeast(Bound):
    """Not below."""

    least: float

    def holds(self, value: float) -> bool:
        return value >= self.least

    def __str__(self) -> str:
        return f"at least {self.least}"


@dataclass(frozen=True)
class Above(Bound):
    """Not below, and not equal."""

    limit: float

    def holds(self, value: float) -> bool:
        return value > self.limit

    def __str__(self) -> str:
        return f"above {self.limit}"


@dataclass(frozen=True)
class AtMost(Bound):
    """Not above."""

    most: float

    def holds(self, value: float) -> bool:
        return value <= self.most

    def __str__(self) -> str:
        return f"at most {self.most}"


@dataclass(frozen=True)
class NotEmpty(Bound):
    """One element or more."""

    def holds(self, value: Sequence[Any]) -> bool:
        return len(value) > 0

    def __str__(self) -> str:
        return "not empty"


Count = Annotated[int, AtLeast(1)]
Whole = Annotated[int, AtLeast(0)]
Seed = Annotated[int, AtLeast(0), AtMost(2**63 - 1)]
Amount = Annotated[float, AtLeast(0)]
Positive = Annotated[float, Above(0)]
Fraction = Annotated[float, AtLeast(0), AtMost(1)]
Text = Annotated[str, NotEmpty()]
Sides = Count | tuple[Count, Count]
"""Rows and columns, or one number for both."""


class Settings:
    """Extend it as `@dataclass(frozen=True)`: its fields are checked when it is made.

    A rule about several fields goes into a `__post_init__` of one's own, behind `super().__post_init__()`.
    """

    def __post_init__(self) -> None:
        for name, kind in kinds_of(type(self)).items():
            object.__setattr__(self, name, checked(name, getattr(self, name), kind))


def checked(name: str, value: Any, kind: Any) -> Any:
    """The value as this annotation takes it; `SettingError` says what a setting of this name is."""
    try:
        return _taken(value, kind)
    except _MisfitError:
        raise SettingError(f"{name} is {_words(kind)}; got {_shown(value)}") from None


def fits(value: Any, kind: Any) -> bool:
    """Whether this annotation takes the value."""
    try:
        _taken(value, kind)
    except _MisfitError:
        return False
    return True


@cache
def kinds_of(settings: type) -> Mapping[str, Any]:
    """The annotation of each field; none where they name what only a function knows."""
    try:
        hints = get_type_hints(settings, include_extras=True)
    except NameError:
        return {}
    return {field.name: hints[field.name] for field in fields(settings)}


class _MisfitError(Exception):
    """The value is none of this kind."""


def _taken(value: Any, kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bounded(_taken(value, inner[0]), inner[1:])
    if origin in (Union, UnionType):
        return _first(value, inner)
    if origin is Literal:
        return _required(any(type(value) is type(each) and value == each for each in inner), value)
    if origin in (tuple, Sequence):
        return _tuple(_plain(value), inner)
    if kind in (bool, int, float):
        return _number(_plain(value), kind)
    return _required(_is_one(value, NoneType if kind is None else origin or kind), value)


def _bounded(value: Any, bounds: Sequence[Any]) -> Any:
    return _required(all(bound.holds(value) for bound in bounds if isinstance(bound, Bound)), value)


def _first(value: Any, kinds: Sequence[Any]) -> Any:
    """As the first of these kinds takes it."""
    return _taken(value, next((kind for kind in kinds if fits(value, kind)), kinds[-1]))


def _number(value: Any, kind: type) -> Any:
    number = type(value) is kind or (kind is float and type(value) is int)
    return _required(number and -math.inf < value < math.inf, value)


def _tuple(value: Any, kinds: Sequence[Any]) -> tuple:
    """Of so many kinds, or any number of one: `tuple[int, ...]`, `Sequence[int]`."""
    _required(isinstance(value, tuple | list | range), value)
    each = kinds if len(kinds) > 1 and kinds[-1] is not ... else [kinds[0]] * len(value)
    _required(len(value) == len(each), value)
    return tuple(_taken(one, kind) for one, kind in zip(value, each, strict=True))


def _is_one(value: Any, kind: Any) -> bool:
    """Whether it is of this type; yes where nothing can tell, as with `Any` and type variables."""
    try:
        return kind is Any or isinstance(value, kind)
    except TypeError:
        return True


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") and not isinstance(value, type) else value


def _required(fine: bool, value: Any) -> Any:
    if not fine:
        raise _MisfitError
    return value


_NOUNS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("True or False", "True or False"),
    NoneType: ("None", "None"),
}
_SEVERAL = {2: "two", 3: "three", 4: "four"}


def _words(kind: Any, *, several: bool = False) -> str:
    """What a value of this kind is, or what several values are."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        bounds = " and ".join(str(each) for each in inner[1:] if isinstance(each, Bound))
        return ", ".join(filter(None, (_words(inner[0], several=several), bounds)))
    if origin in (Union, UnionType):
        return _or([_words(each, several=several) for each in inner])
    if origin is Literal:
        return _or([f'"{each}"' if isinstance(each, str) else repr(each) for each in inner])
    return _elements(inner) if origin in (tuple, Sequence) else _noun(origin or kind, several)


def _noun(kind: Any, several: bool) -> str:
    """What is called by its type."""
    if kind in _NOUNS:
        return _NOUNS[kind][several]
    if hasattr(kind, "dim_str"):
        return f"a tensor [{kind.dim_str}]"
    name = getattr(kind, "__name__", str(kind))
    return f"{name}s" if several else _a(name)


def _elements(kinds: Sequence[Any]) -> str:
    """Of a tuple: how many of what."""
    if kinds[-1] is ... or len(kinds) == 1:
        return f"a tuple of {_words(kinds[0], several=True)}"
    if len(set(kinds)) == 1:
        return f"{_SEVERAL.get(len(kinds), len(kinds))} {_words(kinds[0], several=True)}"
    return f"({', '.join(map(_words, kinds))})"


def _or(words: Sequence[str]) -> str:
    *most, last = words
    if any("," in each for each in words):
        return ", or ".join(words)
    return f"{', '.join(most)} or {last}" if most else last


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _shown(value: Any) -> str:
    """The value as it is written, or what it is where that is long or says nothing."""
    if isinstance(value, type):
        return f"the class itself, {value.__name__}; make one of it: {value.__name__}()"
    text = repr(value)
    return text if len(text) <= 80 and not text.startswith("<") else _a(type(value).__name__)
