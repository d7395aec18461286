"""Write docs/methods.md from the catalogue: `python docs/methods_page.py`."""

import inspect
from dataclasses import MISSING, Field, fields
from pathlib import Path

import innerview as iv

PAGE = Path(__file__).with_name("methods.md")
OPENING = """# Methods of attribution

Where in the image does the answer come from? Every method below takes any objective, one image or a batch, and gives
raw, signed `values`, and `heatmap()`, one number for each pixel of the input. This page is written from the catalogue
by `python docs/methods_page.py`; `innerview methods` prints the same.

| name | method | reference | cost | needs |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{name}` | [{about.title}](#{name}) | {about.reference} | {about.cost} | {about.needs} |\n"
        for name, about in ((name, kind.about) for name, kind in iv.METHODS.items())
    ]
    return OPENING + "".join(rows) + "".join(section(name, kind) for name, kind in iv.METHODS.items())


def section(name: str, kind: type[iv.Method]) -> str:
    """One method: its call with the default settings, and its docstring."""
    settings = ", ".join(f"{field.name}={default(field)}" for field in fields(kind))
    text = inspect.cleandoc(kind.__doc__ or "")
    return f"\n## {name}\n\n`iv.{kind.__name__}({settings})`\n\n```text\n{text}\n```\n"


def default(field: Field) -> str:
    """The default of a setting, as it is written in Python."""
    return repr(field.default if field.default is not MISSING else field.default_factory())  # type: ignore[misc]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
