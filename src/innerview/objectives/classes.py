"""Questions about the class scores that a network ends in."""

from dataclasses import dataclass, replace
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..network.network import Network
from ..network.seen import Seen
from ..settings import Whole
from .objective import Line, Objective, Scores


@dataclass(frozen=True)
class Logit(Objective):
    """The raw score of a class, before softmax. `target` is a class index or name."""

    target: Whole | str

    form: ClassVar[str] = "logit:CLASS"

    @property
    def reads_output(self) -> bool:
        """True: it is an entry of the output."""
        return True

    def bind(self, net: Network) -> "Logit":
        """With the class name looked up; `LabelError` with the nearest names if there is none such."""
        return replace(self, target=net.class_index(self.target))

    def __call__(self, seen: Seen) -> Scores:
        return _column(seen.class_scores, self._index())

    @property
    def class_asked(self) -> int | None:
        """The class."""
        return self._index()

    def line(self, seen: Seen) -> Line:
        """All classes, by their raw scores."""
        return seen.class_scores, _existing(seen.class_scores, self._index())

    def describe(self, net: Network) -> str:
        """The class name."""
        return net.label(self._index())

    def _index(self) -> int:
        if isinstance(self.target, str):
            raise ObjectiveError(f"bind the objective to a network first: {self!r} names a class")
        return self.target


@dataclass(frozen=True)
class Probability(Logit):
    """The probability of a class: its softmax over all classes, or the sigmoid of a network's only output."""

    form: ClassVar[str] = "probability:CLASS"

    def __call__(self, seen: Seen) -> Scores:
        scores = seen.class_scores
        probabilities = scores.softmax(1) if scores.shape[1] > 1 else scores.sigmoid()
        return _column(probabilities, self._index())

    def describe(self, net: Network) -> str:
        """The class name."""
        return f"probability of {net.label(self._index())}"


def _column(scores: Float[Tensor, "batch label"], index: int) -> Scores:
    return scores[:, _existing(scores, index)]


def _existing(scores: Tensor, index: int) -> int:
    if not 0 <= index < scores.shape[1]:
        raise ObjectiveError(f"this network has classes 0 to {scores.shape[1] - 1}; got {index}")
    return index
