"""The same method asked about different classes: does the map depend on the question?"""

from collections.abc import Sequence
from dataclasses import dataclass

from ....attribution.cam import CAM
from ....attribution.gradcam import GradCAM, HiResCAM
from ....attribution.method import Attribution, Method
from ....attribution.occlusion import Occlusion
from ....errors import MethodError
from ....objectives import Logit, Objective
from ...drawing.colours import Scale
from ..section import Part, Section, Visit
from ..speaking import first_that_speaks
from ..tiles import MapTile
from .prediction import Bar, bars

CLASSES = 2
CANDIDATES = (CAM(), GradCAM(), HiResCAM())
"""Where none of these applies it is occlusion, which is dear."""


@dataclass(frozen=True)
class Rivals:
    """The maps of the two most probable classes on one scale, with their probabilities, and that of their difference.

    Of a network with one class there is no difference.
    """

    method: str
    entries: list[tuple[Bar, MapTile]]
    difference: MapTile | None


def rivals(visit: Visit) -> Rivals:
    """The first method that speaks, on the most probable classes and on what speaks for one rather than the other."""
    top = visit.net.predict(visit.image, CLASSES)[0]
    scores = [Logit(each.index) for each in top]
    result = _first_result(visit, [*scores, *([scores[0] - scores[1]] if len(scores) > 1 else [])])
    scale = Scale.of(list(result.heatmap()[: len(top)]), signed=result.signed)
    tiles = [MapTile.of(result, image, scale=scale) for image in range(len(top))]
    difference = MapTile.of(result, len(top)) if len(top) > 1 else None
    return Rivals(tiles[0].title, list(zip(bars(top), tiles, strict=True)), difference)


def _first_result(visit: Visit, questions: Sequence[Objective]) -> Attribution:
    images = visit.image.expand(len(questions), -1, -1, -1)

    def ask(method: Method) -> Attribution:
        return method(visit.net, images, questions)

    try:
        return first_that_speaks(CANDIDATES, ask, Attribution.heatmap)
    except MethodError:
        return ask(Occlusion())


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("the classes that compete", lambda: rivals(visit))]


SECTION = Section(
    anchor="classes",
    title="Is the map about this class?",
    lead="The same method for the two most probable classes, on one scale. Maps that hardly differ show where "
    "something is, not why it is this. What speaks for the one rather than the other is a question of its own.",
    parts=_parts,
)
