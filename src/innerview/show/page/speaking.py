"""Which map is shown where several would do: the first that is not zero everywhere."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ...attribution.method import Method
from ...errors import MethodError
from ..drawing.colours import Heatmap, flaw

Made = TypeVar("Made")


def first_that_speaks(
    methods: Sequence[Method], ask: Callable[[Method], Made], maps: Callable[[Made], Iterable[Heatmap]]
) -> Made:
    """What the first of these methods gives that can be drawn; if none can, what the first gives that applies.

    Raises:
        MethodError: none of them applies; it is the last one's.
    """
    silent: list[Made] = []
    for method in methods:
        try:
            made = ask(method)
        except MethodError:
            if method is methods[-1] and not silent:
                raise
            continue
        if not any(map(flaw, maps(made))):
            return made
        silent.append(made)
    return silent[0]
