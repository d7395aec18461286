"""What is asked on the command line: classes by name or index, and objectives as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

import innerview as iv

from ..errors import SettingError
from .flags import CLASS, REPEATED
from .flowing import flowing

QUESTION = Parameter(metavar="QUESTION", allow_leading_hyphen=True)
ASKED = Group("Question", sort_key=0)


@Parameter(name="*", group=ASKED)
@flowing
@dataclass(frozen=True, kw_only=True)
class QuestionOptions:
    """What is asked.

    Attributes:
        target: a class, by name or index; its raw score before softmax is asked about. By default the most probable
            class of each image.
        objective: what else to ask about, as in "logit:ox - logit:bison", probability:CLASS, channel:LAYER,42,
            neuron:LAYER,42,ROW,COLUMN, max:LAYER or energy:LAYER.
    """

    target: Annotated[str | None, CLASS] = None
    objective: Annotated[str | None, QUESTION] = None

    def asked(self, net: "iv.Network") -> "iv.Objective | None":
        """The one question; None if nothing is asked.

        Raises:
            ObjectiveError, SettingError: the text spells no objective, or there are more questions than one.
            LabelError, LayerError: there is no such class or layer.
        """
        return one_question(net, self.objective, self.target)


@Parameter(name="*", group=ASKED)
@flowing
@dataclass(frozen=True, kw_only=True)
class QuestionsOptions:
    """What is asked, of everything.

    Attributes:
        target: a class, by name or index; its raw score before softmax is asked about. Can be repeated.
        objective: what else to ask about, as in "logit:ox - logit:bison", probability:CLASS, channel:LAYER,42,
            neuron:LAYER,42,ROW,COLUMN, max:LAYER or energy:LAYER; channel:LAYER,0-8 are nine questions. Can be
            repeated.
    """

    target: Annotated[tuple[str, ...], CLASS, REPEATED] = ()
    objective: Annotated[tuple[str, ...], QUESTION, REPEATED] = ()

    def __len__(self) -> int:
        return len(self.target) + len(spelled(self.objective))

    def asked(self, net: "iv.Network", score: "Callable[[str], iv.Objective] | None" = None) -> "list[iv.Objective]":
        """The questions, first those about classes: their logits, or what `score` makes of each.

        Raises:
            ObjectiveError, SettingError: a text spells no objective.
            LabelError, LayerError: there is no such class or layer.
        """
        return _bound(net, [*map(score or iv.Logit, self.target), *spelled(self.objective)])


def spelled(texts: Sequence[str]) -> "list[iv.Objective]":
    """The objectives that these texts spell; a range, as in `channel:layer3,0-8`, spells several.

    Raises:
        ObjectiveError, SettingError: a text spells no objective.
    """
    from ..objectives import parse_objectives

    return [each for text in texts for each in parse_objectives(text)]


def one_question(net: "iv.Network", objective: str | None, target: str | None) -> "iv.Objective | None":
    """The one that is asked; None if nothing is."""
    asked = [*spelled([objective] if objective else []), *([iv.Logit(target)] if target else [])]
    if len(asked) > 1:
        raise SettingError(f"one question is asked, as --objective or as --target; got {len(asked)}")
    return _bound(net, asked)[0] if asked else None


def _bound(net: "iv.Network", asked: "Sequence[iv.Objective]") -> "list[iv.Objective]":
    bound = [each.bind(net) for each in asked]
    for layer in (layer for each in bound for layer in each.layers):
        net.address(layer)
    return bound


NOTHING_ASKED, NONE_ASKED = QuestionOptions(), QuestionsOptions()
"""Where nothing is asked: of one question, and of several."""
