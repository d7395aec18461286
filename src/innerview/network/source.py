"""Where a network was loaded from, so that another process or another machine can load it again."""

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import LoadError, SettingError
from ..results.codec import from_json, to_json
from .labels import Labels
from .preprocess import Preprocess


@dataclass(frozen=True)
class Source:
    """What `iv.load` was told, and what it made of it: `iv.load(source)` gives the same network, or says what differs.

    It is small, is pickled in place of a network, and is written as JSON. Where it runs is not part of it. Where a
    file lies elsewhere on another machine, say so: ``dataclasses.replace(source, weights="there.safetensors")``.

    Attributes:
        name: the name that `iv.load` takes; a file of one's own and a local folder with their whole paths. The
            function in a file of one's own is trusted code and is run.
        weights: the weights file with its whole path, "random", or None for the pretrained ones. Random weights
            are drawn from seed 0, so that they can be drawn again, by the same release of PyTorch.
        sha256: of the weights file, 64 hexadecimal digits; None where there is none, or it does not matter.
        options: keyword arguments for the function that builds the network.
        preprocess: how a picture becomes an input; None for what comes with the name.
        labels: the class names, empty if there are none; None for what comes with the name.
        called: what results call the network; None for the name.
        digest: what `Network.digest` gives; None where any weights will do.
    """

    name: str
    weights: str | None = None
    sha256: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    preprocess: Preprocess | None = None
    labels: Labels | None = None
    called: str | None = None
    digest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON knows it, to be put into a header; `from_dict` makes it a source again.

        Raises:
            SettingError: an option is not a number, a text or the like, but an object.
        """
        options = {name: _literal(name, value) for name, value in self.options.items()}
        return to_json(self) | {"options": options}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> "Source":
        """The source that `as_dict` was of; `LoadError` if it is something else."""
        try:
            options = {name: literal_eval(text) for name, text in written["options"].items()}
            return from_json(cls, {**written, "options": options})
        except (KeyError, TypeError, ValueError, AttributeError, SyntaxError, MemoryError, RecursionError) as error:
            raise LoadError(f"a source is what Source.as_dict gives; this is none: {error}") from error


def _literal(name: str, value: Any) -> str:
    """The value as Python writes it, which tells a tuple from a list."""
    try:
        if literal_eval(text := repr(value)) == value:
            return text
    except (ValueError, SyntaxError):
        pass
    raise SettingError(
        f"a source is written with options that are numbers, texts, True, False, None, or tuples, lists and "
        f"dictionaries of these; {name} is {value!r}. Give it in a function of a file: iv.load('file.py:function')"
    )
