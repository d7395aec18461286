"""The checker that all tests run under, in every process of theirs."""

from collections.abc import Callable

import pytest
import torch
from jaxtyping import TypeCheckError, jaxtyped

import innerview as iv
from innerview.combined.groups import factorized
from runtime_types import check


def test_wrong_types_and_shapes_are_seen() -> None:
    with pytest.raises(TypeCheckError, match="sigma"):
        iv.SmoothGrad(sigma="wide")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeCheckError, match="activations"):
        factorized(torch.ones(4, 3), 1)


def made(kind: type, *, optional: bool = False) -> Callable:
    """A function within a function, which has one name whatever it takes."""
    if optional:

        def inner(given: kind = None) -> None: ...

    else:

        def inner(given: kind) -> None: ...

    return jaxtyped(inner, typechecker=check)


def test_functions_of_one_name_are_checked_for_the_types_of_each() -> None:
    whole, text, again = map(made, (int, str, int))
    for function, right, wrong in ((whole, 1, "one"), (text, "one", 1), (again, 1, "one")):
        function(right)
        with pytest.raises(TypeCheckError):
            function(wrong)


def test_what_may_be_left_out_of_one_is_not_asked_for_by_the_checks_of_another() -> None:
    made(float)(1.0)
    made(float, optional=True)()
