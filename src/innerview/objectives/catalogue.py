"""The one list of objectives: the text form, the command line, the docs and the contract tests read it."""

from .activations import Channel, Direction, LayerEnergy, Maximum, Neuron
from .classes import Logit, Probability
from .objective import Objective

OBJECTIVES: dict[str, type[Objective]] = {
    each.kind(): each for each in (Logit, Probability, Neuron, Channel, LayerEnergy, Maximum, Direction)
}
"""By the names that they are written with: `logit`, `channel`, …"""
