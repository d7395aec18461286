"""What the network looks for: pictures made to answer a class, or a question, as strongly as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from ....errors import MethodError
from ....modules.scope import untouched
from ....objectives import Logit, Objective, PerImage
from ....objectives.scoring import score
from ....synthesis.canvas import Size, resized
from ....synthesis.recipe import CLEAR, Recipe
from ....synthesis.result import Synthesis
from ....synthesis.synthesize import synthesize
from ...drawing.drawn import drawn
from ...drawing.titles import plain
from ..section import Part, Section, Visit
from ..tiles import COARSE, data_uri

CLASSES = 2
SIDE = 128
"""Rows and columns of a picture for classes, where the network takes them: a smaller one has more steps in its time."""
EFFORT, MOST = 144 * SIDE**2, 192
"""How many pixels the network sees of a picture in all steps together, and in how many steps at most."""


@dataclass(frozen=True)
class Ideal:
    """A picture made for a question, and the score of it and of the photograph."""

    label: str
    picture: str
    score: str
    photograph: str
    alive: bool


@dataclass(frozen=True)
class LookedFor:
    """A picture for the question asked and for each of the most probable classes, or why there are none."""

    ideals: list[Ideal]
    steps: int
    size: Size
    coarse: bool
    refusal: str = ""


def looked_for(visit: Visit) -> LookedFor:
    """Pictures for the question asked and the most probable classes, made together."""
    top = [Logit(each.index) for each in visit.net.predict(visit.image, CLASSES)[0]]
    asked = [visit.asked, *top[:-1]] if visit.asked else top
    size = _size(visit)
    steps = max(1, min(MOST, EFFORT // (size[0] * size[1])))
    shown = LookedFor([], steps, size, max(size) < COARSE)
    try:
        found = _made(visit, asked, replace(CLEAR, canvas=replace(CLEAR.canvas, size=size), steps=steps))
    except MethodError as error:
        return replace(shown, refusal=plain(str(error), 600))
    reached = zip(_scores(visit, asked, _inputs(visit, found)), _scores(visit, asked, visit.image), strict=True)
    return replace(shown, ideals=[_ideal(found, row, *scores) for row, scores in enumerate(reached)])


def _size(visit: Visit) -> Size:
    """Smaller than the image only for class scores: a unit's position is one of the image's own size."""
    own = (visit.image.shape[2], visit.image.shape[3])
    within_a_layer = visit.asked is not None and visit.asked.layers
    smaller = min(own) > SIDE and not within_a_layer and visit.net.takes((SIDE, SIDE))
    return (SIDE, SIDE) if smaller else own


def _inputs(visit: Visit, found: Synthesis) -> Float[Tensor, "picture channel row column"]:
    """The pictures as large as the image."""
    pixels = resized(found.pixels, (visit.image.shape[2], visit.image.shape[3]))
    return visit.net.preprocess.normalise(pixels).to(visit.image)


def _scores(visit: Visit, asked: Sequence[Objective], images: Float[Tensor, "_ channel row column"]) -> list[float]:
    with untouched(visit.net.module):
        return score(visit.net, images.expand(len(asked), -1, -1, -1), PerImage(tuple(asked))).tolist()


def _made(visit: Visit, asked: Sequence[Objective], recipe: Recipe) -> Synthesis:
    channels = visit.net.preprocess.channels
    if visit.image.shape[1] != channels:
        raise MethodError(
            f"a picture is drawn in the channels of the preprocessing, {channels}; this input has "
            f"{visit.image.shape[1]}. Give Preprocess a mean and a deviation for each"
        )
    return synthesize(visit.net, asked, recipe=recipe)


def _ideal(found: Synthesis, row: int, reached: float, photograph: float) -> Ideal:
    return Ideal(
        label=plain(found.objective(row)),
        picture=data_uri(drawn(found.pixels[row])),
        score=_number(reached),
        photograph=_number(photograph),
        alive=bool(found.alive[row]),
    )


def _number(score: float) -> str:
    return f"{score:.1f}".replace("-", "−")


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("pictures of what it looks for", lambda: looked_for(visit))]


SECTION = Section(
    anchor="looked_for",
    title="What is it looking for?",
    lead="Pictures that began as noise and were changed, step by step, until the network was as sure as possible of a "
    "class. They show what it takes for typical, often many times over, and what it does not care about: how many "
    "things there are, and where.",
    parts=_parts,
)
