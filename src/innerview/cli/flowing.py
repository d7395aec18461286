"""Docstrings become help texts that are as wide as the terminal."""

import re
from inspect import cleandoc
from typing import TypeVar

Documented = TypeVar("Documented")

_PARAGRAPH = re.compile(r"(?<=\S)\n(?=\S)")
_ARGUMENT = re.compile(r"\n {8,}(?=\S)")


def flowing(documented: Documented) -> Documented:
    """Join the lines of each paragraph, and of each argument, in the docstring of what is decorated."""
    text = cleandoc(documented.__doc__ or "")
    documented.__doc__ = _ARGUMENT.sub(" ", _PARAGRAPH.sub(" ", text))
    return documented
