"""The fields of an objective as text and back: the `layer3,42` of `channel:layer3,42`.

The fields stand in their order, with commas between them. The first one, if it is a text, stands as it is, or quoted as
in JSON where it would be misread; the others are JSON, and a pair of numbers is two. A field that has its default is
left out, and those behind it have their names: `direction:layer3,[0.5,1.0],power=2.0`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import product
from math import prod
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")

MOST = 10_000
"""So many objectives may the ranges of one text spell."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_MISREAD = re.compile(r'^$|^\s|\s$|["()\[\]]|(?:^|\s)[-+*|](?:\s|$)')
_INDEX = re.compile(r"-?[0-9]+")
_RANGE = re.compile(r"\s*([0-9]{1,9})-([0-9]{1,9})\s*")
_NAMED = re.compile(r"\s*([^\W\d]\w*)=(.*)", re.DOTALL)


def spelled(objective: Any) -> str:
    """The fields of a dataclass as text."""
    parts, skipped = [], False
    for slot in _slots(type(objective)):
        value = getattr(objective, slot.name)
        if value == slot.default:
            skipped = True
        else:
            parts.append(f"{slot.name}={_json(value)}" if skipped else slot.written(value))
            skipped |= slot.pair and not isinstance(value, tuple)  # one number where two may be: the next is no second
    return ",".join(parts)


def read(kind: type[Kind], text: str) -> list[Kind]:
    """What a text says: one dataclass of this kind, or one for each number of its ranges, as in `layer3,0-8`.

    Raises:
        ValueError: the text is not that of such fields.
        InnerviewError: the kind refuses their values.
    """
    slots = _slots(kind)
    whole = slots and slots[0].alone and (text or slots[0].needed)
    pieces = [text] if whole else _pieces(text)
    given: dict[str, Sequence[Any]] = {}
    for slot in slots:
        if pieces and not slot.named(pieces[0]):
            given[slot.name] = slot.taken(pieces)
    given |= _by_name(pieces, {slot.name: slot for slot in slots if slot.name not in given})
    if missing := [slot.name for slot in slots if slot.needed and slot.name not in given]:
        raise ValueError(f"it needs a {missing[0]}")
    if prod(map(len, given.values())) > MOST:
        raise ValueError(f"its ranges spell more than {MOST} objectives")
    return [kind(**dict(zip(given, values, strict=True))) for values in product(*given.values())]


def outside(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    """The signs that stand neither in quotes nor in brackets, up to a bracket that closes one from before `start`.

    Raises:
        ValueError: a quote is not closed.
    """
    depth, at = 0, start
    while at < len(text) and depth >= 0:
        sign, quoted = text[at], _QUOTED.match(text, at)
        if sign == '"' and not quoted:
            raise ValueError("a quote is not closed")
        depth += (sign in "([") - (sign in ")]")
        if depth < 0 or (depth == 0 and sign not in ')]"'):
            yield at, sign
        at = quoted.end() if quoted else at + 1


def short(value: Any) -> str:
    """A value as a message shows it."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:99]}…"


@dataclass(frozen=True)
class _Slot:
    """A field: the types it takes, whether it may be left out, and whether it is a text that may be without quotes."""

    name: str
    kinds: tuple[Any, ...]
    default: Any
    needed: bool
    bare: bool
    alone: bool

    @property
    def pair(self) -> bool:
        """Whether it is two whole numbers."""
        return any(get_args(kind) == (int, int) for kind in self.kinds)

    def named(self, piece: str) -> bool:
        """Whether a piece of text is not for this field, but for the one that it names."""
        return not (self.bare and self.needed) and bool(_NAMED.fullmatch(piece))

    def written(self, value: Any) -> str:
        """A value, where its name need not be said."""
        if self.bare and isinstance(value, str):
            return value if self._is_clear(value) else _json(value)
        return ",".join(map(_json, value)) if self.pair and isinstance(value, tuple) else _json(value)

    def taken(self, pieces: list[str]) -> Sequence[Any]:
        """What the next piece of text says, or the next two; they are taken away."""
        if self.bare:
            return [self._from_text(pieces.pop(0).strip())]
        if self.pair and not (int in self.kinds and self._ends_after_one(pieces)):
            both, pieces[:2] = pieces[:2], []
            return list(product(*map(_numbers, both)))
        piece = pieces.pop(0)
        return _numbers(piece) if int in self.kinds and _RANGE.fullmatch(piece) else [self.typed(_loaded(piece))]

    @staticmethod
    def _ends_after_one(pieces: Sequence[str]) -> bool:
        return len(pieces) == 1 or bool(_NAMED.fullmatch(pieces[1]))

    def typed(self, value: Any) -> Any:
        """What JSON says, as a type of the field; `ValueError` if it is of none."""
        for kind in self.kinds:
            if get_origin(kind) is tuple and isinstance(value, list):
                return tuple(value)
            if type(value) is kind:
                return value
            if kind is float and type(value) is int:
                return float(value)
        raise ValueError(f"{self.name} cannot be {short(value)}")

    def _is_clear(self, text: str) -> bool:
        """Whether it is read as it stands: no number, nothing that ends it, nothing that nobody sees."""
        if (int in self.kinds and _INDEX.fullmatch(text)) or self.named(text):
            return False
        return text.isprintable() and not _MISREAD.search(text) and (self.alone or "," not in text)

    def _from_text(self, piece: str) -> Any:
        if piece.startswith('"'):
            return self.typed(_loaded(piece))
        if not piece or '"' in piece:
            raise ValueError(f"a {self.name} is missing, or quoted in part")
        return int(piece) if int in self.kinds and _INDEX.fullmatch(piece) else piece


@cache
def _slots(kind: Any) -> tuple[_Slot, ...]:
    hints, own = get_type_hints(kind), [field for field in fields(kind) if field.init]
    slots = []
    for number, field in enumerate(own):
        hint = hints[field.name]
        kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        bare = number == 0 and str in kinds
        needed = field.default is MISSING and field.default_factory is MISSING
        slots.append(_Slot(field.name, kinds, field.default, needed, bare, alone=bare and len(own) == 1))
    return tuple(slots)


def _pieces(text: str) -> list[str]:
    """The text cut at its commas."""
    commas = [at for at, sign in outside(text) if sign == ","]
    edges = zip([0, *(at + 1 for at in commas)], [*commas, len(text)], strict=True)
    return [text[start:end] for start, end in edges] if text else []


def _by_name(pieces: Sequence[str], slots: Mapping[str, _Slot]) -> dict[str, Sequence[Any]]:
    """What pieces such as `power=2` say of these fields."""
    named = [_NAMED.fullmatch(piece) for piece in pieces]
    found = {each[1]: each[2] for each in named if each and each[1] in slots}
    if len(found) < len(pieces):
        raise ValueError("there is more than it has fields for")
    return {name: [slots[name].typed(_loaded(value))] for name, value in found.items()}


def _numbers(piece: str) -> Sequence[int]:
    """The whole numbers of `7` or of `0-8`."""
    spread = _RANGE.fullmatch(piece)
    if not spread and not _INDEX.fullmatch(piece.strip()):
        raise ValueError(f"{short(piece)} is no whole number")
    found = range(int(spread[1]), int(spread[2]) + 1) if spread else [int(piece)]
    if not 0 < len(found) <= MOST:
        raise ValueError(f"the range {short(piece)} does not count up to at most {MOST} numbers")
    return found


def _loaded(piece: str) -> Any:
    try:
        return json.loads(piece)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{short(piece)} is neither a number nor quoted") from error


def _json(value: Any) -> str:
    """A value as JSON; signs that can be seen stand as they are."""
    seen = not isinstance(value, str) or value.isprintable()
    return json.dumps(value, ensure_ascii=not seen, separators=(",", ":"))
