"""A layer as a page shows it: small pictures side by side on one scale, and words about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..drawing.colours import Picture, Scale
from .tiles import data_uri


@dataclass(frozen=True)
class Plate:
    """Some pictures of one layer, with what the page says about them.

    `ends`, `signed`, `flaw` and `key` say how the colours are read, as for a single map; without `ends` the key
    alone does.
    """

    title: str
    shows: str
    pictures: list[tuple[str, str]]
    signed: bool
    ends: tuple[str, ...]
    key: str
    flaw: str | None = None

    @classmethod
    def of(
        cls, title: str, shows: str, pictures: Sequence[tuple[str, Picture]], *, scale: Scale | None, key: str
    ) -> "Plate":
        """A plate of pictures, each with the words for who cannot see it."""
        drawn = [(data_uri(pixels), words) for words, pixels in pictures]
        ends = scale.ends if scale else ()
        return cls(title, shows, drawn, bool(scale and scale.signed), ends, key)
