"""What an attack is after: the number that each step raises, and when it is reached.

A class leads another where its score is higher by more than μ, `Seen.rounding` of the image as it was; what is closer
is a tie, which is no answer. μ is not that of the image as it has become: two opposite scores, s and −s, vanish where
they tie, and their rounding does not.
"""

import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ..errors import MethodError, ObjectiveError, SettingError
from ..network.network import Network
from ..network.seen import Seen
from ..objectives import Objective, Question, as_objective
from ..objectives.question import Classes
from ..objectives.scoring import Inputs

Number = TypeVar("Number", int, float)
Scores = Float[Tensor, "batch"]
Answers = Float[Tensor, "batch label"]
Labels = Int[Tensor, "batch"]
Reached = Bool[Tensor, "batch"]


@dataclass(frozen=True)
class Less:
    """An objective to be lowered, as a result says where it comes from."""

    objective: Objective

    def describe(self, net: Network) -> str:
        """The objective, in words."""
        return f"less of {self.objective.describe(net)}"

    def __str__(self) -> str:
        return str(self.objective)


@dataclass(frozen=True)
class Goal(ABC):
    """What a batch of images is to be changed for."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The addresses of the layers it reads."""
        return ()

    @abstractmethod
    def rows(self, images: Sequence[int]) -> "Goal":
        """The goal of these images of the batch."""

    def fixed(self, seen: Seen) -> "Goal":
        """The goal once the network has answered for the images as they are; it stays the same from then on."""
        return self

    @abstractmethod
    def raised(self, seen: Seen) -> Scores:
        """The number of each image that a step raises."""

    @abstractmethod
    def reached(self, seen: Seen) -> Reached:
        """Whether each image need not be changed any further."""

    def achieved(self, reached: Reached, raised: Float[Tensor, "batch moment"]) -> Reached:
        """Whether the attack succeeded, told by what was reached at last and the numbers along the way."""
        return reached

    @abstractmethod
    def describe(self, net: Network, count: int) -> tuple[str | Less, ...]:
        """The goal of each image in a few words, or what is lowered."""


@dataclass(frozen=True)
class Leave(Goal):
    """Away from a class, by default each image's most probable one: raise its cross-entropy −log p(class)."""

    classes: tuple[int, ...] | None = None
    margins: tuple[float, ...] = ()

    def rows(self, images: Sequence[int]) -> "Leave":
        """The classes of these images."""
        return Leave(self.classes and _rows(self.classes, images), _rows(self.margins, images))

    def fixed(self, seen: Seen) -> "Leave":
        """With the classes that are most probable now, where none were given, and with the leads that count."""
        best = tuple(seen.class_scores.argmax(1).tolist())
        return Leave(_existing(seen, best if self.classes is None else self.classes), tuple(seen.rounding.tolist()))

    def raised(self, seen: Seen) -> Scores:
        """The cross-entropy of the class to leave."""
        return _cross_entropy(seen, self.classes)

    def reached(self, seen: Seen) -> Reached:
        """Another class leads it, by more than rounding."""
        lead = _lead(seen.class_scores.detach(), self.classes)
        return -lead > lead.new_tensor(self.margins)

    def describe(self, net: Network, count: int) -> tuple[str, ...]:
        """The class to leave."""
        return tuple(f"away from {net.label(each)}" for each in self.classes or ())


@dataclass(frozen=True)
class Reach(Goal):
    """To a class: raise minus its cross-entropy, log p(class)."""

    classes: tuple[int, ...]
    margins: tuple[float, ...] = ()

    def rows(self, images: Sequence[int]) -> "Reach":
        """The classes of these images."""
        return Reach(_rows(self.classes, images), _rows(self.margins, images))

    def fixed(self, seen: Seen) -> "Reach":
        """The same, if the network has these classes, with the leads that count."""
        return Reach(_existing(seen, self.classes), tuple(seen.rounding.tolist()))

    def raised(self, seen: Seen) -> Scores:
        """Minus the cross-entropy of the class to reach."""
        return -_cross_entropy(seen, self.classes)

    def reached(self, seen: Seen) -> Reached:
        """It leads all others, by more than rounding."""
        lead = _lead(seen.class_scores.detach(), self.classes)
        return lead > lead.new_tensor(self.margins)

    def describe(self, net: Network, count: int) -> tuple[str, ...]:
        """The class to reach."""
        return tuple(f"to {net.label(each)}" for each in self.classes)


@dataclass(frozen=True)
class Lower(Goal):
    """Less of an objective: raise minus its score, in all steps there are."""

    objective: Objective

    @property
    def layers(self) -> tuple[str, ...]:
        """Those the objective reads."""
        return self.objective.layers

    def rows(self, images: Sequence[int]) -> "Lower":
        """The objective of these images."""
        return Lower(self.objective.rows(images))

    def raised(self, seen: Seen) -> Scores:
        """Minus the objective's score."""
        return -self.objective(seen)

    def reached(self, seen: Seen) -> Reached:
        """Never: a score can always be lower."""
        return torch.zeros_like(seen.anchor, dtype=torch.bool)

    def achieved(self, reached: Reached, raised: Float[Tensor, "batch moment"]) -> Reached:
        """The score is lower than it was."""
        return raised[:, -1] > raised[:, 0]

    def describe(self, net: Network, count: int) -> tuple[Less, ...]:
        """The objective."""
        return tuple(Less(self.objective.of(image)) for image in range(count))


def others(scores: Answers, classes: Labels) -> Answers:
    """The scores without those of each image's class, which are −∞."""
    return scores.detach().scatter(1, classes[:, None], -torch.inf)


def chosen(scores: Answers, classes: Labels) -> Scores:
    """Of each image the score of its class."""
    return scores.gather(1, classes[:, None])[:, 0]


def goal_of(net: Network, images: Inputs, objective: Question | None, target: Classes | None) -> Goal:
    """The goal that the arguments of `attack` stand for."""
    if target is not None and objective is not None:
        raise SettingError("an attack has one goal: give a target to reach, or an objective to destroy, not both")
    if target is not None:
        return Reach(_indices(net, len(images), target))
    match objective:
        case None:
            return Leave()
        case Objective() | [Objective(), *_]:
            return Lower(as_objective(net, objective, images))
        case _:
            return Leave(_indices(net, len(images), objective))


def _indices(net: Network, count: int, classes: Question) -> tuple[int, ...]:
    classes = classes.tolist() if isinstance(classes, Tensor) else classes
    each = list(classes) if isinstance(classes, Sequence) and not isinstance(classes, str) else [classes] * count
    if len(each) != count:
        raise ObjectiveError(f"give one class for all images or one per image; got {len(each)} for {count}")
    return tuple(_index(net, one) for one in each)


def _index(net: Network, given: object) -> int:
    if isinstance(given, str | SupportsIndex):
        return net.class_index(given if isinstance(given, str) else operator.index(given))
    raise ObjectiveError(f"a class is given by its index or its name; got {type(given).__name__}")


def _existing(seen: Seen, classes: tuple[int, ...]) -> tuple[int, ...]:
    count = seen.class_scores.shape[1]
    if count < 2:
        raise MethodError(
            "an attack on a class changes which one is most probable, and this network has a single score; "
            "lower that instead: objective=Logit(0)"
        )
    for each in classes:
        if not 0 <= each < count:
            raise ObjectiveError(f"this network has classes 0 to {count - 1}; got {each}")
    return classes


def _lead(scores: Answers, classes: tuple[int, ...] | None) -> Scores:
    """How far each image's class is before the best of the others; negative where it is behind."""
    own = _tensor(classes, scores)
    return chosen(scores, own) - others(scores, own).amax(1)


def _rows(values: tuple[Number, ...], images: Sequence[int]) -> tuple[Number, ...]:
    return tuple(values[image] for image in images) if values else values


def _cross_entropy(seen: Seen, classes: tuple[int, ...] | None) -> Scores:
    scores = seen.class_scores
    return functional.cross_entropy(scores, _tensor(classes, scores), reduction="none")


def _tensor(classes: tuple[int, ...] | None, like: Tensor) -> Labels:
    return torch.tensor(classes or (), dtype=torch.int64, device=like.device)
