"""The same method asked about different classes: does the map depend on the question?"""

from collections.abc import Sequence
from dataclasses import dataclass

from ....attribution.cam import CAM
from ....attribution.gradcam import GradCAM
from ....attribution.method import Attribution
from ....attribution.occlusion import Occlusion
from ....errors import MethodError
from ....objectives import Logit
from ...drawing.colours import Scale
from ..section import Part, Section, Visit
from ..tiles import MapTile
from .prediction import Bar, bars

CLASSES = 3
CANDIDATES = (CAM(), GradCAM(), Occlusion())


@dataclass(frozen=True)
class Rivals:
    """The maps of the most probable classes, on one scale, with their probabilities."""

    method: str
    entries: list[tuple[Bar, MapTile]]


def rivals(visit: Visit) -> Rivals:
    """The first method that applies, on the most probable classes."""
    top = visit.net.predict(visit.image, CLASSES)[0]
    result = _first_result(visit, [Logit(each.index) for each in top])
    heatmaps = result.heatmap()
    scale = Scale.of(list(heatmaps), signed=result.signed)
    tiles = [MapTile.of(result, image, scale=scale) for image in range(len(result))]
    return Rivals(tiles[0].title, list(zip(bars(top), tiles, strict=True)))


def _first_result(visit: Visit, questions: Sequence[Logit]) -> Attribution:
    images = visit.image.expand(len(questions), -1, -1, -1)
    for method in CANDIDATES[:-1]:
        try:
            return method(visit.net, images, questions)
        except MethodError:
            continue
    return CANDIDATES[-1](visit.net, images, questions)


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("the classes that compete", lambda: rivals(visit))]


SECTION = Section(
    anchor="classes",
    title="Is the map about this class?",
    lead="The same method for the most probable classes, all on one scale. A map that hardly changes with the class "
    "shows where something is, not why it is this.",
    parts=_parts,
)
