"""`innerview methods`: the catalogue, and each method's manual."""

import inspect

import pytest

import innerview as iv
from innerview.spelling import spelled


def test_the_table_is_the_catalogue(run) -> None:
    rows = run("methods").rows
    assert rows[0] == ["name", "title", "cost", "needs", "reference"]
    assert rows[1:] == [
        [name, kind.about.title, kind.about.cost, kind.about.needs, kind.about.reference]
        for name, kind in iv.METHODS.items()
    ]


@pytest.mark.parametrize("name", iv.METHODS)
def test_the_manual_of_a_method_is_its_docstring_and_its_defaults(run, name) -> None:
    ended = run("methods", name)
    assert inspect.getdoc(iv.METHODS[name]) in ended.out
    defaults = ended.out.splitlines()[-1].removeprefix("With its defaults: --method ")
    assert spelled(defaults, iv.METHODS, "method") == iv.METHODS[name]()


def test_a_name_with_a_slip_is_helped(run) -> None:
    assert run("methods", "gradcm").err == (
        f"innerview: no method 'gradcm'; did you mean 'gradcam'? The methods are {', '.join(iv.METHODS)}\n"
    )


def test_the_table_fits_into_80_columns_without_losing_words(in_terminal) -> None:
    shown = in_terminal("methods").out
    assert max(map(len, shown.splitlines())) <= 80
    for kind in iv.METHODS.values():
        assert set(kind.about.reference.split()) <= set(shown.split())
