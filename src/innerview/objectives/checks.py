"""What an objective is made of, checked when it is made and kept in one form, so that equal questions are equal."""

import operator
from collections.abc import Iterable
from math import isfinite
from typing import Any

from ..errors import SettingError

Position = tuple[int, int] | int
"""A row and a column, or the number of a token in its sequence."""


def address(value: Any) -> str:
    """A layer's address."""
    if isinstance(value, str) and value:
        return value
    raise SettingError(f"a layer is given by its address, as in 'layer3.1'; got {value!r}")


def whole(name: str, value: Any) -> int:
    """A number that counts from 0."""
    number = _index(value)
    if number is None or number < 0:
        raise SettingError(f"{name} is a whole number, at least 0; got {value!r}")
    return number


def label(value: Any) -> int | str:
    """A class by its index or its name."""
    if isinstance(value, str):
        return value
    number = _index(value)
    if number is None or number < 0:
        raise SettingError(f"a class is given by its index, at least 0, or by its name; got {value!r}")
    return number


def position(value: Any) -> Position | None:
    """A row and a column, the number of a token, or None."""
    if value is None:
        return None
    if (token := _index(value)) is not None and token >= 0:
        return token
    pair = [_index(each) for each in value] if isinstance(value, Iterable) and not isinstance(value, str) else []
    if len(pair) != 2 or any(each is None or each < 0 for each in pair):
        raise SettingError(f"a position is (row, column), or the number of a token, at least 0; got {value!r}")
    return pair[0], pair[1]  # pyright: ignore[reportReturnType] - neither is None


def finite(name: str, value: Any) -> float:
    """A number that is neither infinite nor NaN."""
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    raise SettingError(f"{name} is a finite number; got {value!r}")


def vector(name: str, values: Any) -> tuple[float, ...]:
    """Numbers that are neither infinite nor NaN, at least one."""
    try:
        found = tuple(map(float, values))
    except (TypeError, ValueError):
        found = ()
    if not found or not all(map(isfinite, found)):
        raise SettingError(f"{name} has one finite number for each channel; got {short(values)}")
    return found


def _index(value: Any) -> int | None:
    """A whole number of any library as Python's; None for anything else, and for True and False."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def short(value: Any) -> str:
    """A value as a message shows it."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:99]}…"
