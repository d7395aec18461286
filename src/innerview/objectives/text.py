"""Objectives as text: `logit:ox - logit:bison`, `2 * channel:layer3,42 + max:features`; what `str` prints is read here.

    question = product { (" + " | " - ") product }
    product  = factor { " * " factor }
    factor   = number | KIND:ARGUMENTS | "(" question ")" | "-" factor | "[" question { " | " question } "]"

KIND is a name of the catalogue, ARGUMENTS are its fields; they end at an operator, which has blanks around it, or at a
bracket that closes one from before. Brackets of the last kind hold one question for each image. A range, as in
`channel:layer3,0-8`, stands for several questions.
"""

import difflib
import operator
import re
from collections.abc import Callable, Sequence
from itertools import product
from math import prod

from ..errors import ObjectiveError
from .arguments import MOST, outside, read, short
from .catalogue import OBJECTIVES
from .objective import Constant, Objective
from .per_image import PerImage

TERMS, NESTED = 200, 30
"""A text has at most so many terms, and at most so many brackets and signs around one."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?=[\s)\]]|$)", re.ASCII)
_OPERATOR = re.compile(r"(?<=\s)[-+*|](?=\s|$)")


def parse_objective(text: str) -> Objective:
    """The objective that a text spells; what `str(objective)` gives is read as an equal one.

        parse_objective("logit:ox - logit:bison")  →  Logit("ox") - Logit("bison")

    A class given in digits is meant by its index; `logit:"7"` is the class called 7.

    Raises:
        ObjectiveError: the text spells no objective, or several.
        SettingError: a number is outside its range.
    """
    found = parse_objectives(text)
    if len(found) > 1:
        raise ObjectiveError(f"one objective is asked for; got {short(text)}, whose ranges spell {len(found)}")
    return found[0]


def parse_objectives(text: str) -> list[Objective]:
    """The objectives that a text spells: several if it holds a range, as in `channel:layer3,0-8`.

    Raises:
        ObjectiveError: the text spells no objective.
        SettingError: a number is outside its range.
    """
    try:
        return _Reader(text).whole()
    except ValueError as error:
        raise ObjectiveError(f"{short(text)} is no objective: {error}") from error


class _Reader:
    """A text, and how far it has been read; every part is read as all the objectives that it may be."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = self.terms = self.nested = 0

    def whole(self) -> list[Objective]:
        found = self.sum()
        self.skip()
        if self.at < len(self.text):
            raise ValueError(f"{self.text[self.at]!r} closes nothing")
        return found

    def sum(self) -> list[Objective]:
        found = self.product()
        while sign := self.operator("+-"):
            found = _combined(operator.add if sign == "+" else operator.sub, found, self.product())
        return found

    def product(self) -> list[Objective]:
        found = self.factor()
        while self.operator("*"):
            found = _combined(operator.mul, found, self.factor())
        return found

    def factor(self) -> list[Objective]:
        self.skip()
        self.terms += 1
        if self.terms > TERMS:
            raise ValueError(f"it has more than {TERMS} terms")
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return [Constant(float(number[0]))]
        match self.text[self.at : self.at + 1]:
            case "-":
                return [-each for each in self.inside(self.factor)]
            case "(":
                return self.inside(self.sum, ")")
            case "[":
                return self.inside(self.images, "]")
        return self.term()

    def inside(self, part: Callable[[], list[Objective]], end: str = "") -> list[Objective]:
        """What stands behind a sign, or between two brackets."""
        self.at += 1
        self.nested += 1
        if self.nested > NESTED:
            raise ValueError(f"it has more than {NESTED} brackets in one another")
        found = part()
        self.nested -= 1
        if end:
            self.skip()
            if not self.text.startswith(end, self.at):
                raise ValueError(f"a {end!r} is missing")
            self.at += 1
        return found

    def images(self) -> list[Objective]:
        """One question for each image; there may be none."""
        self.skip()
        if self.text.startswith("]", self.at):
            return [PerImage(())]
        columns = [self.sum()]
        while self.operator("|"):
            columns.append(self.sum())
        return _combined(lambda *each: PerImage(each), *columns)

    def term(self) -> list[Objective]:
        ends = (at for at, sign in outside(self.text, self.at) if sign in ")]" or _OPERATOR.match(self.text, at))
        start, self.at = self.at, next(ends, len(self.text))
        return _spelled(self.text[start : self.at].strip())

    def operator(self, signs: str) -> str:
        """The operator that comes next, if it is one of these; it is read."""
        self.skip()
        found = _OPERATOR.match(self.text, self.at)
        if not found or found[0] not in signs:
            return ""
        self.at = found.end()
        return found[0]

    def skip(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1


def _combined(join: Callable[..., Objective], *columns: Sequence[Objective]) -> list[Objective]:
    if prod(map(len, columns)) > MOST:
        raise ValueError(f"its ranges spell more than {MOST} objectives")
    return [join(*each) for each in product(*columns)]


def _spelled(term: str) -> list[Objective]:
    """The objectives that a text without operators spells."""
    name, _, arguments = term.partition(":")
    kind = OBJECTIVES.get(name.strip().lower())
    if kind is None:
        raise ValueError(_unknown(name.strip()))
    try:
        return list(read(kind, arguments))
    except ValueError as error:
        raise ValueError(f"{error}. It is written {kind.form}") from error


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), OBJECTIVES, n=1)
    hint = f"did you mean {near[0]!r}? The kinds" if near else "a class is written logit:CLASS, the kinds"
    return f"there is no kind {short(name)}; {hint} are {', '.join(OBJECTIVES)}"
