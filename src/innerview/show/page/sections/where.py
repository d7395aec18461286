"""The methods of attribution, asked the page's question."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ....attribution.method import About, Method
from ....errors import MethodError
from ...drawing.titles import plain, reading, silence
from ..section import Part, Section, Visit
from ..tiles import MapTile


@dataclass(frozen=True)
class Look:
    """One method: its map, or the reason why it cannot be applied here."""

    about: About
    shows: str
    hint: str
    call: str
    tile: MapTile | None
    refusal: str
    silence: str


def look(visit: Visit, kind: type[Method]) -> Look:
    """The method with its default settings on the visit's image and question."""
    method, tile, refusal, silent = kind(), None, "", ""
    try:
        found = method(visit.net, visit.image, visit.question)
        tile, silent = MapTile.of(found), silence([found], [0])
    except MethodError as error:
        refusal = plain(str(error), 600)
    shows, hint = reading(kind)
    return Look(kind.about, shows, hint, repr(method), tile, refusal, silent)


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part(kind.about.title, partial(look, visit, kind)) for kind in visit.methods]


SECTION = Section(
    anchor="where",
    title="Where does the answer come from?",
    lead="Several methods, one question: which parts of the image speak for the answer? They measure "
    "different things, so where they agree they can be believed more. Left, the map over the image; right, the "
    "map alone.",
    parts=_parts,
)
