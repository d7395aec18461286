"""What is asked for on the command line, as an objective: `channel:layer3,42`, `neuron:fc,7`, `energy:layer2`, …"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import SettingError
from .ranges import chosen

if TYPE_CHECKING:
    from ..network.network import Network
    from ..objectives import Objective

_FORMS = (
    "channel:LAYER,NUMBERS, neuron:LAYER,NUMBERS or neuron:LAYER,NUMBER,ROW,COLUMN, energy:LAYER, logit:CLASS or "
    "probability:CLASS"
)


def questions(net: "Network", objectives: Sequence[str], targets: Sequence[str]) -> list["Objective"]:
    """The objectives that these texts spell, then the raw scores of these classes.

    Raises:
        SettingError: a text is no objective.
        LabelError, LayerError: there is no such class or layer.
    """
    from ..objectives import Logit

    found = [each for text in objectives for each in from_text(text)]
    bound = [each.bind(net) for each in (*found, *map(Logit, targets))]
    for layer in (layer for each in bound for layer in each.layers):
        net.address(layer)
    return bound


def from_text(text: str) -> list["Objective"]:
    """The objectives that one text spells: `channel:layer3,0-8` spells nine."""
    kind, _, what = text.partition(":")
    try:
        found = list(_spelled(kind, what)) if what else []
    except (ValueError, SettingError) as error:
        raise _unknown(text) from error
    if not found:
        raise _unknown(text)
    return found


def _spelled(kind: str, what: str) -> Iterator["Objective"]:
    from ..objectives import Channel, LayerEnergy, Logit, Neuron, Probability

    whole = {"energy": LayerEnergy, "logit": Logit, "probability": Probability}
    layer, _, numbers = what.partition(",")
    if kind in whole:
        yield whole[kind](what)
    elif kind == "neuron" and numbers.count(",") == 2:
        channel, row, column = map(int, numbers.split(","))
        yield Neuron(layer, channel, (row, column))
    elif kind in ("channel", "neuron") and numbers:
        of = Channel if kind == "channel" else Neuron
        yield from (of(layer, number) for number in counted(numbers))


def counted(numbers: str) -> list[int]:
    """All numbers in a text such as `7`, `0-8` or `3,5,8`."""
    found = chosen(numbers)
    return [found] if isinstance(found, int) else list(found or [])


def _unknown(text: str) -> SettingError:
    return SettingError(f"an objective is {_FORMS}; got {text!r}")
