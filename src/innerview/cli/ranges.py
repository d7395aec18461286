"""Numbers of channels as they are typed: `20`, `32-63`, `3,5,8`."""

from ..errors import SettingError


def chosen(text: str | None) -> int | list[int] | None:
    """The first so many, or those in ranges and lists; None for all."""
    if text is None:
        return None
    if text.isdecimal():
        return int(text)
    return [number for part in text.split(",") for number in _range(part.strip(), text)]


def counted(numbers: str) -> list[int]:
    """All numbers in a text such as `7`, `0-8` or `3,5,8`."""
    found = chosen(numbers)
    return [found] if isinstance(found, int) else list(found or [])


def _range(part: str, text: str) -> range:
    first, dash, last = part.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise SettingError(
            f"channels are given as a number of them, 20, a range, 32-63, or a list, 3,5,8; got {text!r}"
        )
    return range(int(first), int(last or first) + 1)
