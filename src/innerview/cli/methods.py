"""`innerview methods`: the methods that explain can use."""

from dataclasses import MISSING, Field, fields
from inspect import getdoc

import innerview as iv

from ..spelling import spelled
from .flowing import flowing
from .terminal import Column, on_terminal, table, tell


@flowing
def methods(name: str | None = None, /) -> None:
    """The methods that explain can use: what each costs and what it needs of the network.

    Args:
        name: one of them, to read what it shows, how to read it, its equation and its settings.
    """
    if name is None:
        _all()
    else:
        _one(name)


def _all() -> None:
    columns = [
        Column("name", style="bold"),
        Column("title", wraps=True),
        Column("cost", wraps=True),
        Column("needs", wraps=True),
        Column("reference", wraps=True),
    ]
    abouts = {name: kind.about for name, kind in iv.METHODS.items()}
    table(columns, [(name, it.title, it.cost, it.needs, it.reference) for name, it in abouts.items()])
    if on_terminal():
        tell("\ninnerview methods NAME tells how to read it, its equation and its settings.")


def _one(name: str) -> None:
    kind = type(spelled(name, iv.METHODS, "method"))
    settings = [f"{setting.name}={_default(setting)}" for setting in fields(kind)]
    tell(f"{kind.about.title}\n")
    tell(f"{getdoc(kind)}\n")
    tell(f"Cost: {kind.about.cost}. Needs: {kind.about.needs}.")
    tell(f"With its defaults: --method {name.lower()}{':' if settings else ''}{','.join(settings)}")


def _default(setting: Field) -> object:
    """The default as it is written on the command line; a method by its name."""
    value = setting.default if setting.default_factory is MISSING else setting.default_factory()
    return next((name for name, kind in iv.METHODS.items() if type(value) is kind), value)
