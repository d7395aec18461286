"""What is asked on the command line: classes by name or index, and objectives as text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import SettingError

if TYPE_CHECKING:
    from ..network.network import Network
    from ..objectives import Objective

Asked = Annotated[str | None, Parameter(metavar="QUESTION", allow_leading_hyphen=True)]
"""The option for an objective as text."""
SeveralAsked = Annotated[tuple[str, ...], Parameter(metavar="QUESTION", show_default=False, allow_leading_hyphen=True)]
"""The same, where it can be repeated."""


def spelled(texts: Sequence[str]) -> list["Objective"]:
    """The objectives that these texts spell; a range, as in `channel:layer3,0-8`, spells several.

    Raises:
        ObjectiveError, SettingError: a text spells no objective.
    """
    from ..objectives import parse_objectives

    return [each for text in texts for each in parse_objectives(text)]


def questions(net: "Network", objectives: Sequence[str], targets: Sequence[str] = ()) -> list["Objective"]:
    """The objectives that these texts spell, then the raw scores of these classes.

    Raises:
        ObjectiveError, SettingError: a text spells no objective.
        LabelError, LayerError: there is no such class or layer.
    """
    from ..objectives import Logit

    bound = [each.bind(net) for each in (*spelled(objectives), *map(Logit, targets))]
    for layer in (layer for each in bound for layer in each.layers):
        net.address(layer)
    return bound


def one_question(net: "Network", objective: str | None, target: str | None) -> "Objective | None":
    """The one that is asked; None if nothing is. Raises what `questions` does, and SettingError if there are more."""
    asked = questions(net, [objective] if objective else [], [target] if target else [])
    if len(asked) > 1:
        raise SettingError(f"one question is asked, as --objective or as --target; got {len(asked)}")
    return asked[0] if asked else None
