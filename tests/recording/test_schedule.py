"""Which iterations are recorded."""

import pytest

from innerview.errors import SettingError
from innerview.recording.schedule import LECTURE, every, lecture, logarithmic, schedule


def due(at, last: int) -> list[int]:
    return [iteration for iteration in range(1, last + 1) if at(iteration)]


def test_every() -> None:
    assert due(every(7), 30) == [7, 14, 21, 28]


@pytest.mark.parametrize("per_decade", [1, 3, 10, 40])
def test_logarithmic_is_the_rounded_powers(per_decade: int) -> None:
    powers = {round(10 ** (k / per_decade)) for k in range(4 * per_decade + 1)}
    assert due(logarithmic(per_decade), 10_000) == sorted(powers)


def test_the_default_is_the_lectures_iterations_and_ten_in_each_decade_behind_the_first() -> None:
    slides = {1, 4, 7, 10, 16, 34, 77, 100, 272, 556, 703, 1407, 2222, 2789, 9999}
    decades = {126, 158, 200, 251, 316, 398, 501, 631, 794}
    assert due(lecture, 100) == list(LECTURE)
    assert due(lecture, 1100) == sorted(decades | {each for each in slides if each < 1100} | {1000})
    assert slides <= {*due(lecture, 10_000)}


def test_a_collection_is_its_members() -> None:
    assert due(schedule(each for each in (3, 5)), 9) == [3, 5]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: every(0), "count is a whole number, at least 1; got 0"),
        (lambda: logarithmic(0), "per_decade is a whole number, at least 1; got 0"),
        (lambda: schedule([1.5]), "at names iterations, whole numbers from 0, or is a function of one; got [1.5]"),
        (lambda: schedule([-1]), "at names iterations, whole numbers from 0, or is a function of one; got [-1]"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_mistakes(make, sentence) -> None:
    with pytest.raises(SettingError) as caught:
        make()
    assert str(caught.value) == sentence
