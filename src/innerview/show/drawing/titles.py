"""Short texts for titles and captions: what a method is called, what it was asked, how it is read."""

import inspect
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ...attribution.catalogue import METHODS
from ...attribution.method import Attribution

_KINDS = {kind.__name__: kind for kind in METHODS.values()}


def plain(text: str, length: int = 200) -> str:
    """The text as one line of printable characters, with an ellipsis where it is longer than `length`.

    Control characters, lone surrogates and marks that turn the reading direction become spaces: labels and file
    names come from outside and must not break a drawing or a page.
    """
    visible = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in text)
    line = " ".join(visible.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def wrapped(text: str, width: int, lines: int) -> str:
    """The text in at most `lines` lines of `width` characters, ellipsised where it is longer."""
    parts = textwrap.wrap(plain(text), width) or [""]
    if len(parts) > lines:
        parts[lines - 1 :] = [plain(" ".join(parts[lines - 1 :]), width - 1).rstrip("…") + "…"]
    return "\n".join(parts)


def method_title(result: Attribution) -> str:
    """What the method is called, such as "SmoothGrad of LRP"; for one's own methods the class name."""
    return _title(result.provenance.method, result.provenance.settings)


def _title(method: str, settings: Mapping[str, Any]) -> str:
    title = _KINDS[method].about.title if method in _KINDS else method
    inner = [value for value in settings.values() if isinstance(value, Mapping) and "name" in value]
    titles = [_title(each["name"], each) for each in inner if each["name"] != "Gradient"]  # that goes without saying
    return " of ".join([title, *titles])


def silence(results: Sequence[Attribution], images: Sequence[int]) -> str:
    """Why maps of these images are zero everywhere, in sentences; "" if there is nothing to say."""
    silent = (each for each in results if not bool(each.values[list(images)].flatten(1).any(1).all()))
    kinds = (_KINDS[each.provenance.method] for each in silent if each.provenance.method in _KINDS)
    return " ".join(dict.fromkeys(f"{kind.about.silence}." for kind in kinds if kind.about.silence))


def distinctions(results: Sequence[Attribution]) -> list[str]:
    """For each result the settings that tell it from the other results of the same method, if there are any."""
    return [_distinction(each, [other for other in results if _same_method(each, other)]) for each in results]


def _same_method(one: Attribution, other: Attribution) -> bool:
    return one.provenance.method == other.provenance.method


def _distinction(result: Attribution, alike: Sequence[Attribution]) -> str:
    settings = result.provenance.settings
    differing = [
        f"default {name}" if value is None else f"{name} {value}"
        for name, value in settings.items()
        if not isinstance(value, Mapping) and any(other.provenance.settings.get(name) != value for other in alike)
    ]
    return ", ".join(differing)


def reading(kind: type) -> tuple[str, str]:
    """What a method or a result shows, and how to read it: the paragraphs of its docstring up to the equation."""
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split("\n\n")
    prose = []
    for paragraph in paragraphs:
        if paragraph.startswith((" ", "Reference:", "Args:", "Raises:", "Attributes:")):
            break
        prose.append(plain(paragraph.replace("`", ""), 600))
    return prose[0], " ".join(prose[1:])


def colour_key(signed: bool) -> str:
    """What the colours say."""
    return "red speaks for the answer, blue against it" if signed else "the brighter, the more it counts"
