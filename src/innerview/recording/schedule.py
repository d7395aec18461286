"""At which iterations a snapshot is taken."""

from collections.abc import Callable, Iterable
from math import log10

from ..errors import SettingError
from ..settings import Count, checked

Schedule = Callable[[int], bool]
"""Whether a snapshot is due after so many iterations."""

LECTURE = (1, 4, 7, 10, 16, 34, 77, 100)
"""Iterations at which the lines of a perceptron on a toy data set are seen to fall into place."""

LATER = (272, 556, 703, 1407, 2222, 2789, 9999)
"""Iterations at which the slides show what takes longer."""


def every(count: int) -> Schedule:
    """A snapshot after each `count` iterations."""
    count = checked("count", count, Count)
    return lambda iteration: iteration % count == 0


def logarithmic(per_decade: int = 10) -> Schedule:
    """So many snapshots between 1 and 10, 10 and 100, …, evenly spaced on a logarithmic scale: early ones are close.

    iteration = round(10 ^ (k / per_decade)) for k = 0, 1, 2, …
    """
    per_decade = checked("per_decade", per_decade, Count)

    def due(iteration: int) -> bool:
        nearest = round(per_decade * log10(iteration))
        return any(round(10 ** (k / per_decade)) == iteration for k in range(nearest - 1, nearest + 2))

    return due


def lecture(iteration: int) -> bool:
    """The lecture's iterations 1, 4, 7, 10, 16, 34, 77, 100, and behind them ten in each decade besides its later ones.

    Those are 272, 556, 703, 1407, 2222, 2789 and 9999.
    """
    return iteration in LECTURE or iteration in LATER or (iteration > LECTURE[-1] and _onward(iteration))


_onward = logarithmic()


def schedule(at: Schedule | Iterable[int]) -> Schedule:
    """The function itself, or of a collection of iterations whether one is among them."""
    if callable(at):
        return at
    iterations = frozenset(at)
    if not all(isinstance(each, int) and each >= 0 for each in iterations):
        raise SettingError(f"at names iterations, whole numbers from 0, or is a function of one; got {at!r}")
    return iterations.__contains__
