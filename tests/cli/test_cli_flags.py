"""One flag, one meaning: what a flag takes and what its help says is the same in every command that has it."""

from collections import defaultdict
from types import NoneType
from typing import Annotated, get_args, get_origin

import pytest
from cyclopts import Parameter
from cyclopts.argument import Argument

from innerview.cli.main import app

VERBS = [
    *("tour", "explain", "filters", "activations", "synthesize", "dream", "dictionary"),
    *("groups", "grid", "attack", "predict", "demo", "layers"),
]
TOLD_APART = {
    "--layer": "what each command looks at without it",
    "--method": "explain and attack have a catalogue each",
    "--objective": "once, or several times; what an attack lowers",
    "--out": "the default names, and what else but a figure can be written",
    "--target": "once, or several times; the class that an attack reaches",
    "--units": "of a layer, or of a perceptron that is trained",
}
"""The flags whose sentences of help differ, and why; what they take is the same all the same."""


def flags_of(verb: str) -> dict[str, Argument]:
    """The flags of a command by their first name."""
    arguments = app()[verb].assemble_argument_collection(parse_docstring=True)
    shown = [each for each in arguments if each.parameter.help and each.names]
    return {each.names[0]: each for each in shown if each.names[0].startswith("--")}


def shared() -> dict[str, dict[str, Argument]]:
    """The flags of more than one command, and what each is there."""
    found: dict[str, dict[str, Argument]] = defaultdict(dict)
    for verb in VERBS:
        for flag, argument in flags_of(verb).items():
            found[flag][verb] = argument
    return {flag: by_verb for flag, by_verb in found.items() if len(by_verb) > 1}


SHARED = shared()


def one_value(hint: object) -> object:
    """The type of one value, whether it may be left out or repeated."""
    if get_origin(hint) is Annotated:
        return one_value(get_args(hint)[0])
    kinds = {each for each in get_args(hint) if each not in (NoneType, Ellipsis)}
    return one_value(kinds.pop()) if len(kinds) == 1 and isinstance(hint, type(int | None) | type(tuple[str])) else hint


def test_the_flags_are_found() -> None:
    assert SHARED["--layer"].keys() == {"filters", "activations", "dictionary", "groups", "grid"}
    assert SHARED["--steps"].keys() == SHARED["--recipe"].keys() == {"synthesize", "dictionary", "groups", "grid"}
    assert SHARED["--network"].keys() == set(VERBS) - {"demo"}
    assert SHARED["--scale"].keys() == SHARED["--page"].keys() == {"filters", "activations"}


@pytest.mark.parametrize("flag", SHARED)
def test_a_flag_takes_the_same_in_every_command(flag: str) -> None:
    assert len({(each.parameter.metavar, one_value(each.hint)) for each in SHARED[flag].values()}) == 1


@pytest.mark.parametrize("flag", sorted(SHARED.keys() - TOLD_APART.keys()))
def test_its_sentence_is_the_same_in_every_command(flag: str) -> None:
    assert len({each.parameter.help for each in SHARED[flag].values()}) == 1


@pytest.mark.parametrize("flag", sorted(SHARED.keys() - TOLD_APART.keys()))
def test_its_default_is_the_same_in_every_command(flag: str) -> None:
    assert len({repr(each.field_info.default) for each in SHARED[flag].values()}) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_a_flag_has_a_word_for_its_value_or_choices(verb: str) -> None:
    for flag, argument in flags_of(verb).items():
        assert one_value(argument.hint) is bool or argument.parameter.metavar or argument.get_choices(), flag


def test_the_type_of_one_value() -> None:
    assert one_value(Annotated[tuple[str, ...] | None, Parameter()]) is one_value(str) is str
    assert one_value(tuple[int, int] | None) is one_value(int | None) is int
    assert one_value(int | str) == int | str
