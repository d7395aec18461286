"""What a setting takes is what its annotation says, and the refusal says it in words."""

import copy
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Protocol

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor, nn

from innerview.errors import SettingError
from innerview.settings import (
    Above,
    Amount,
    AtLeast,
    AtMost,
    Count,
    Fraction,
    NotEmpty,
    Positive,
    Settings,
    Sides,
    Text,
    checked,
    fits,
)

Odd = Annotated[float, Above(0), AtMost(1)]
Colour = Literal["mean", "blur"] | Fraction | tuple[Fraction, ...]
NAN, INF = float("nan"), float("inf")


class Shape:
    """Something that is made."""


def sentence(value: object, kind: Any) -> str:
    with pytest.raises(SettingError) as caught:
        checked("it", value, kind)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "rule"),
    [
        (int, 1.0, "a whole number; got 1.0"),
        (int, True, "a whole number; got True"),
        (int, "3", "a whole number; got '3'"),
        (Count, 0, "a whole number, at least 1; got 0"),
        (Count | None, -3, "a whole number, at least 1, or None; got -3"),
        (float, NAN, "a number; got nan"),
        (float, False, "a number; got False"),
        (float, None, "a number; got None"),
        (Amount, INF, "a number, at least 0; got inf"),
        (Positive, 0, "a number, above 0; got 0"),
        (Odd, 1.5, "a number, above 0 and at most 1; got 1.5"),
        (Odd, 0, "a number, above 0 and at most 1; got 0"),
        (bool, 1, "True or False; got 1"),
        (str, b"a", "a text; got b'a'"),
        (Text, "", "a text, not empty; got ''"),
        (Literal["mean", "max", 2], "min", '"mean", "max" or 2; got \'min\''),
        (Literal[1, 2], True, "1 or 2; got True"),
        (Sides, (4, 0), "a whole number, at least 1, or two whole numbers, at least 1; got (4, 0)"),
        (Sides, (4, 4, 4), "a whole number, at least 1, or two whole numbers, at least 1; got (4, 4, 4)"),
        (
            Colour,
            "grey",
            '"mean" or "blur", or a number, at least 0 and at most 1, or a tuple of numbers, at least 0 and at most 1; '
            "got 'grey'",
        ),
        (Annotated[tuple[Positive, ...], NotEmpty()], [], "a tuple of numbers, above 0, not empty; got []"),
        (tuple[int, str], (1, 2), "(a whole number, a text); got (1, 2)"),
        (tuple[float, float, float], 1, "three numbers; got 1"),
        (Sequence[str], "abc", "a tuple of texts; got 'abc'"),
        (Shape | None, "square", "a Shape or None; got 'square'"),
        (Shape, Shape, "a Shape; got the class itself, Shape; make one of it: Shape()"),
        (Shape, nn.Linear(2, 2), "a Shape; got Linear(in_features=2, out_features=2, bias=True)"),
        (tuple[Shape, ...], (1,), "a tuple of Shapes; got (1,)"),
        (Float[Tensor, "row column"], torch.zeros(3), "a tensor [row column]; got tensor([0., 0., 0.])"),
        (Count, "x" * 100, "a whole number, at least 1; got a str"),
        (Count, object(), "a whole number, at least 1; got an object"),
    ],
)
def test_a_refusal_says_what_is_taken_and_what_came(kind: Any, value: object, rule: str) -> None:
    assert sentence(value, kind) == f"it is {rule}"
    assert not fits(value, kind)


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        (int, np.int64(3), 3),
        (float, 3, 3),
        (float, np.float32(0.5), 0.5),
        (float, torch.tensor(0.5), 0.5),
        (float, 10**400, 10**400),
        (bool, np.bool_(True), True),
        (Sides, [4, 5], (4, 5)),
        (Sides, np.array([4, 5]), (4, 5)),
        (tuple[int, ...], range(3), (0, 1, 2)),
        (tuple[tuple[int, int], ...], [[1, 2], (3, 4)], ((1, 2), (3, 4))),
        (Sequence[str] | None, ["a"], ("a",)),
        (None, None, None),
    ],
)
def test_numbers_and_arrays_of_others_become_plain_ones(kind: Any, value: object, taken: object) -> None:
    found = checked("it", value, kind)
    assert found == taken
    assert type(found) is type(taken)


class Speaks(Protocol):
    def speak(self) -> str: ...


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Any, object()),
        (Speaks, 3),
        (Mapping[str, int], {"a": 1}),
        (Callable[[int], int], abs),
        (Annotated[str, "a remark"], "text"),
        (Shape, Shape()),
    ],
)
def test_what_cannot_be_told_and_what_fits_is_taken_as_it_is(kind: Any, value: object) -> None:
    assert checked("it", value, kind) is value


@given(value=st.floats() | st.integers(), low=st.integers(-9, 9), high=st.integers(-9, 9))
def test_bounds_are_those_of_arithmetic(value: float, low: int, high: int) -> None:
    finite = -INF < value < INF
    assert fits(value, Annotated[float, AtLeast(low), AtMost(high)]) == (finite and low <= value <= high)
    assert fits(value, Annotated[float, Above(low)]) == (finite and low < value)


# ------------------------------------------------------------------------------------------- dataclasses


@dataclass(frozen=True)
class Plain(Settings):
    """One setting of each sort."""

    count: Count = 3
    sides: Sides = 4


@dataclass(frozen=True)
class Ordered(Plain):
    """A rule about two settings."""

    most: Count = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most < self.count:
            raise SettingError("most is at least count")


@pytest.mark.usefixtures("unchecked_types")
def test_settings_are_checked_when_they_are_made() -> None:
    assert Plain(np.int64(5), [1, 2]) == Plain(5, (1, 2))
    for wrong in (lambda: Plain(count=0), lambda: replace(Plain(), count=0), lambda: Ordered(count=0)):
        with pytest.raises(SettingError) as caught:
            wrong()
        assert str(caught.value) == "count is a whole number, at least 1; got 0"
    with pytest.raises(SettingError, match="most is at least count"):
        Ordered(5, most=4)


def test_they_stay_plain_dataclasses() -> None:
    made = Plain(sides=[1, 2])
    assert hash(made) == hash(Plain(3, (1, 2)))
    assert copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == made


def test_annotations_that_name_what_is_not_there_say_nothing() -> None:
    """As in a notebook's own method, under `from __future__ import annotations`."""

    class Local:
        pass

    @dataclass(frozen=True)
    class Own(Settings):
        what: "Local"
        count: "Count" = 3

    assert Own(what=3, count=0).count == 0
