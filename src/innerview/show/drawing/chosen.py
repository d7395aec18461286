"""Which images or pictures of a result are drawn."""

from collections.abc import Sequence

from ...errors import SettingError

MOST_IMAGES = 32
"""So many rows of images has a sheet."""


def chosen(given: Sequence[int] | None, count: int, *, kind: str = "images", most: int = MOST_IMAGES) -> list[int]:
    """The numbers given, or all where there are none.

    Raises:
        SettingError: there is no such number, or there are too many for one sheet.
    """
    numbers = numbered(given, count, kind=kind)
    if not 1 <= len(numbers) <= most:
        raise SettingError(
            f"a sheet holds 1 to {most} {kind}; got {len(numbers)}. "
            f"Draw some at a time: figure(result, {kind}=range({most}))"
        )
    return numbers


def numbered(given: Sequence[int] | None, count: int, *, kind: str = "images") -> list[int]:
    """The numbers given, or all of so many; `SettingError` if one of them does not exist."""
    numbers = list(range(count) if given is None else given)
    if not all(0 <= number < count for number in numbers):
        raise SettingError(f"{kind} are numbered 0 to {count - 1}; got {numbers}")
    return numbers
