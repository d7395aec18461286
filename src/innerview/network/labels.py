"""Class names and class indices, one for the other."""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path

from ..errors import LabelError, SettingError
from ..settings import Settings


@dataclass(frozen=True)
class Labels(Settings):
    """The class names of a network, in the order of its outputs.

    A name may consist of synonyms that are separated by commas, as ImageNet's do. Several classes may have
    the same name.
    """

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        """The name of a class by its index, from 0 on; `LabelError` if there is no such class.

        It is the first of its synonyms, or the whole label where that is another class's first, too.
        """
        label = self.names[self._checked(index)]
        first = _first(label)
        return first if first and self._by_name[_folded(first)] == [index] else label

    def index(self, name: str | int) -> int:
        """The index of a class by its name, or by the index itself.

        A name matches, whatever its case, a whole label or the first of its synonyms; where there is none such, any
        synonym. Digits are an index only where no class has that name.

        Raises:
            LabelError: there is no such class, or more than one; it lists the candidates with their indices.
        """
        if not isinstance(name, str):
            return self._checked(operator.index(name))
        matches = self._by_name.get(_folded(name)) or self._by_synonym.get(_folded(name), [])
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise LabelError(f"{len(matches)} classes are called {name!r}: {self._listed(matches)}; give the index")
        if name.strip().isdecimal():
            return self._checked(int(name))
        raise LabelError(f"no class is called {name!r}; the nearest are {self._listed(self._nearest(name))}")

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        return _indices({_folded(label), _folded(_first(label))} for label in self.names)

    @cached_property
    def _by_synonym(self) -> dict[str, list[int]]:
        return _indices(map(_synonyms, self.names))

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self.names):
            raise LabelError(f"class indices are 0 to {len(self.names) - 1}; got {index}")
        return index

    def _nearest(self, name: str, count: int = 5) -> list[int]:
        likeness = [_likeness(_folded(name), label) for label in self.names]
        return sorted(range(len(self.names)), key=lambda index: -likeness[index])[:count]

    def _listed(self, indices: list[int]) -> str:
        return ", ".join(f"{index} ({self.names[index]!r})" for index in indices)


def as_labels(given: Labels | Sequence[str] | Path | None) -> Labels | None:
    """Labels, a list of names, or the path of a text file with one name a line; None, or no names, for none."""
    if isinstance(given, str | Path):
        given = _lines(Path(given))
    labels = given if given is None or isinstance(given, Labels) else Labels(tuple(given))
    return labels or None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise SettingError(
            f"labels are a list of names, or a text file with one a line; {str(path)!r} cannot be read: {reason}"
        ) from error


def _indices(of_each: Iterable[set[str]]) -> dict[str, list[int]]:
    """For each text the labels that it belongs to."""
    found: dict[str, list[int]] = {}
    for index, texts in enumerate(of_each):
        for text in texts:
            found.setdefault(text, []).append(index)
    return found


def _first(label: str) -> str:
    return label.split(",", maxsplit=1)[0].strip()


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _synonyms(label: str) -> set[str]:
    return {_folded(part) for part in (label, *label.split(","))}


def _likeness(name: str, label: str) -> float:
    return max(SequenceMatcher(None, synonym, name).ratio() for synonym in _synonyms(label))
