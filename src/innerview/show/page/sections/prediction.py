"""What the network says the image shows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ....network.network import Prediction
from ...drawing.titles import plain
from ..section import Part, Section, Visit


@dataclass(frozen=True)
class Bar:
    """One class with its probability, in words and as the length of a bar in percent; unless it is no number."""

    label: str
    index: int
    probability: str
    length: float
    finite: bool


def percent(probability: float) -> str:
    """A probability in 0–1 as text: 99.3 %, 0.02 %, < 0.01 %."""
    if not math.isfinite(probability):
        return "not finite"
    value = 100 * probability
    if 0 < value < 0.01:
        return "< 0.01 %"
    return f"{value:.2f} %" if value < 0.1 else f"{value:.1f} %"


def bars(predictions: Sequence[Prediction]) -> list[Bar]:
    """The classes as bars."""
    return [_bar(each) for each in predictions]


def _bar(prediction: Prediction) -> Bar:
    finite = math.isfinite(prediction.probability)
    length = round(100 * prediction.probability, 2) if finite else 0.0
    return Bar(plain(prediction.label), prediction.index, percent(prediction.probability), length, finite)


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("the answer", lambda: bars(visit.top))]


SECTION = Section(
    anchor="prediction",
    title="What does it see?",
    lead="The classes that the network finds most probable. Its probabilities add up to one over all classes that it "
    "knows, whether or not the image shows any of them.",
    parts=_parts,
)
