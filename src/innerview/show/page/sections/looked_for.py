"""What the network looks for: pictures made to answer a class, or a question, as strongly as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ....errors import MethodError
from ....modules.scope import untouched
from ....objectives import Logit, Objective, PerImage
from ....objectives.scoring import score
from ....synthesis.recipe import CLEAR, Recipe
from ....synthesis.result import Synthesis
from ....synthesis.synthesize import synthesize
from ...drawing.drawn import drawn
from ...drawing.titles import plain
from ..section import Part, Section, Visit
from ..tiles import COARSE, data_uri

SMALL = 96 * 96
"""Pixels up to which a picture is cheap."""
CHEAP, DEAR = (3, 64), (2, 32)
"""How many pictures, and how many steps they take."""


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
    coarse: bool
    refusal: str = ""


def looked_for(visit: Visit) -> LookedFor:
    """Pictures for the question asked and the most probable classes, made together, as large as the network's input."""
    rows, columns = visit.image.shape[2:]
    classes, steps = CHEAP if rows * columns <= SMALL else DEAR
    top = [Logit(each.index) for each in visit.net.predict(visit.image, classes)[0]]
    asked = [visit.asked, *top[:-1]] if visit.asked else top
    coarse = max(rows, columns) < COARSE
    try:
        found = _made(visit, asked, replace(CLEAR, canvas=replace(CLEAR.canvas, size=(rows, columns)), steps=steps))
    except MethodError as error:
        return LookedFor([], steps, coarse, plain(str(error), 600))
    with untouched(visit.net.module):
        scores = score(visit.net, visit.image.expand(len(asked), -1, -1, -1), PerImage(tuple(asked))).tolist()
    return LookedFor([_ideal(found, row, reached) for row, reached in enumerate(scores)], steps, coarse)


def _made(visit: Visit, asked: Sequence[Objective], recipe: Recipe) -> Synthesis:
    channels = visit.net.preprocess.channels
    if visit.image.shape[1] != channels:
        raise MethodError(
            f"a picture is drawn in the channels of the preprocessing, {channels}; this input has "
            f"{visit.image.shape[1]}. Give Preprocess a mean and a deviation for each"
        )
    return synthesize(visit.net, asked, recipe=recipe)


def _ideal(found: Synthesis, row: int, reached: float) -> Ideal:
    return Ideal(
        label=plain(found.objective(row)),
        picture=data_uri(drawn(found.pixels[row])),
        score=_number(float(found.scores[row])),
        photograph=_number(reached),
        alive=bool(found.alive[row]),
    )


def _number(score: float) -> str:
    return f"{score:.1f}".replace("-", "−")


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("what it looks for", lambda: looked_for(visit))]


SECTION = Section(
    anchor="looked_for",
    title="What is it looking for?",
    lead="Pictures that began as noise and were changed, step by step, until the network was as sure as possible of a "
    "class. They show what it takes for typical, often many times over, and what it does not care about: how many "
    "things there are, and where.",
    parts=_parts,
)
