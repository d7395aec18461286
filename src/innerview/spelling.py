"""Methods with their settings as they are typed: `occlusion:window=32,stride=8`."""

import ast
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from .errors import SettingError
from .settings import fits, kinds_of

Kind = TypeVar("Kind")


def spelled(text: str, catalogue: Mapping[str, type[Kind]], noun: str) -> Kind:
    """What a line of text names in a catalogue of frozen dataclasses, with settings after a colon.

    Settings are those of the dataclass; `of` is itself a name of the catalogue. `SettingError` names the nearest
    entry, which `noun` is what to call, or lists the settings.
    """
    name, _, given = text.partition(":")
    if name.lower() not in catalogue:
        near = difflib.get_close_matches(name.lower(), catalogue, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise SettingError(f"no {noun} {name!r}; {hint}The {noun}s are {', '.join(catalogue)}")
    kind = catalogue[name.lower()]
    pairs = dict(_pair(name, part) for part in _split(given))
    known = kinds_of(kind)
    if unknown := sorted(pairs.keys() - known.keys()):
        raise SettingError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    values = {
        key: spelled(value, catalogue, noun) if key == "of" else _value(value, known[key])
        for key, value in pairs.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingError(f"{text!r} has a setting of the wrong kind: {error}") from error


def _split(given: str) -> list[str]:
    """At commas that are not inside brackets."""
    parts, depth = [""], 0
    for sign in given:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part for part in parts if part]


def _pair(name: str, part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    if not equals:
        raise SettingError(f"a setting is written name=value, as in {name}:name=value; got {part!r}")
    return key.strip(), value.strip()


def _value(text: str, kind: Any) -> Any:
    """What the text spells; the text itself where the setting takes that only, as a layer that is called 28."""
    spelt = _spelt(text)
    return text if fits(text, kind) and not fits(spelt, kind) else spelt


def _spelt(text: str) -> Any:
    """The Python value that the text spells, a fraction as in 8/255, or else the text itself."""
    above, slash, below = text.partition("/")
    if slash and above.isdecimal() and below.isdecimal() and int(below):
        return int(above) / int(below)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)
