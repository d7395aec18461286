"""What the network looks for: pictures made to answer a class as strongly as possible."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ....errors import MethodError
from ....network.network import Prediction
from ....objectives import Logit
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
    """A picture made for a class, and the class's score of it and of the photograph."""

    label: str
    picture: str
    score: str
    photograph: str
    alive: bool


@dataclass(frozen=True)
class LookedFor:
    """A picture for each of the most probable classes, or why there are none."""

    ideals: list[Ideal]
    steps: int
    coarse: bool
    refusal: str = ""


def looked_for(visit: Visit) -> LookedFor:
    """Pictures for the most probable classes, as large as the photograph is for the network, made together."""
    rows, columns = visit.image.shape[2:]
    classes, steps = CHEAP if rows * columns <= SMALL else DEAR
    top = visit.net.predict(visit.image, classes)[0]
    coarse = max(rows, columns) < COARSE
    try:
        found = _made(visit, top, replace(CLEAR, canvas=replace(CLEAR.canvas, size=(rows, columns)), steps=steps))
    except MethodError as error:
        return LookedFor([], steps, coarse, plain(str(error), 600))
    scores = visit.net.logits(visit.image)[0].tolist()
    return LookedFor([_ideal(found, row, each, scores[each.index]) for row, each in enumerate(top)], steps, coarse)


def _made(visit: Visit, top: Sequence[Prediction], recipe: Recipe) -> Synthesis:
    channels = visit.net.preprocess.channels
    if visit.image.shape[1] != channels:
        raise MethodError(
            f"a picture is drawn in the channels of the preprocessing, {channels}; this input has "
            f"{visit.image.shape[1]}. Give Preprocess a mean and a deviation for each"
        )
    return synthesize(visit.net, [Logit(each.index) for each in top], recipe=recipe)


def _ideal(found: Synthesis, row: int, prediction: Prediction, reached: float) -> Ideal:
    return Ideal(
        label=plain(prediction.label),
        picture=data_uri(drawn(found.images[row])),
        score=_number(float(found.scores[row])),
        photograph=_number(reached),
        alive=bool(found.alive[row]),
    )


def _number(score: float) -> str:
    return f"{score:.1f}".replace("-", "−")


def _parts(visit: Visit) -> Sequence[Part]:
    return [lambda: looked_for(visit)]


SECTION = Section(
    anchor="looked_for",
    title="What is it looking for?",
    lead="Pictures that began as noise and were changed, step by step, until the network was as sure as possible of a "
    "class. They show what it takes for typical, often many times over, and what it does not care about: how many "
    "things there are, and where.",
    parts=_parts,
)
