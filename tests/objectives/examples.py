"""One question of each kind about a layer with at least three channels on at least 2 × 2 positions."""

from collections.abc import Callable

import pytest

import innerview as iv

EXAMPLES: dict[str, Callable[[str, int], iv.Objective]] = {
    "logit": lambda layer, channels: iv.Logit(1),
    "probability": lambda layer, channels: iv.Probability(2),
    "neuron": lambda layer, channels: iv.Neuron(layer, 2, (1, 0)),
    "channel": lambda layer, channels: iv.Channel(layer, 1),
    "energy": lambda layer, channels: iv.LayerEnergy(layer),
    "max": lambda layer, channels: iv.Maximum(layer),
    "direction": lambda layer, channels: iv.Direction(layer, (1.0, -0.5, *(0.25,) * (channels - 2)), power=1.0),
}
"""By their names in the catalogue; each is given the layer and how many channels it has."""


def example(kind: str, layer: str, channels: int) -> iv.Objective:
    """The question of this kind."""
    if kind not in EXAMPLES:
        pytest.fail(f"OBJECTIVES has {kind!r}, of which there is no example: add one to EXAMPLES in {__file__}")
    return EXAMPLES[kind](layer, channels)
