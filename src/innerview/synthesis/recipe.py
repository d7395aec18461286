"""Settings that belong together: what a picture is drawn on, how it is seen, and how it climbs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Adam, NAdam, Optimizer

from ..settings import Amount, Count, Settings, Whole
from .canvas import Canvas, Fourier, Pixels
from .magnitude import MagnitudeConstrained
from .priors import Inputs, Penalty, Prior
from .transforms import Crops, Transforms, Views

Climber = Literal["adam", "nadam"]
_CLIMBERS: dict[str, type[Adam | NAdam]] = {"adam": Adam, "nadam": NAdam}


@dataclass(frozen=True)
class Recipe(Settings):
    """How pictures are made; `dataclasses.replace(LUCID, steps=1000)` makes another one of it.

    Attributes:
        canvas: what the parameters of a picture are.
        views: what the network is shown of it at each step.
        priors: what is subtracted from the objective.
        optimizer: "adam" or "nadam".
        learning_rate: its step, in units of the canvas's parameters.
        steps: how many steps a picture climbs.
        diversity: how much of the likeness of several starts of one objective is subtracted.
        rescue: for how many steps ReLUs that nothing of a picture's gradient would pass let it through.
    """

    canvas: Canvas = field(default_factory=Fourier)
    views: Views = field(default_factory=Transforms)
    priors: tuple[Prior, ...] = ()
    optimizer: Climber = "adam"
    learning_rate: Amount = 0.05
    steps: Count = 256
    diversity: Amount = 0.0
    rescue: Whole = 16

    def climber(self, parameters: Tensor) -> Optimizer:
        """The optimizer that takes these parameters uphill."""
        return _CLIMBERS[self.optimizer]([parameters], lr=self.learning_rate, maximize=True)

    def penalty(self, inputs: Inputs) -> Penalty:
        """What the priors together hold against each picture, given as the network's input."""
        parts = [each.weight * each(inputs) for each in self.priors]
        return torch.stack([inputs.new_zeros(len(inputs)), *parts]).sum(0)


LUCID = Recipe(
    canvas=Fourier(),
    views=Transforms(
        pad=12 / 224,
        jitter=(8 / 224, 4 / 224),
        scales=tuple(round(0.9 + 0.02 * step, 2) for step in range(11)),
        angles=(*range(-10, 11), 0, 0, 0, 0, 0),
    ),
)
"""Waves in independent colours, seen shifted, resized and turned; Adam with steps of 0.05, half as many as in Lucid."""

CLEAR = Recipe(
    canvas=Fourier(decay=1.5),
    views=Transforms(
        pad=12 / 224,
        jitter=(16 / 224, 8 / 224),
        scales=tuple(round(0.7 + 0.05 * step, 2) for step in range(13)),
        angles=tuple(range(-20, 21)),
    ),
    learning_rate=0.1,
)
"""Waves with more of the low frequencies than natural images have, seen much shifted, resized and turned.

What still answers then is a thing and not a texture of pixels. The network sees as many pixels as the picture has.
"""

LECTURE = Recipe(canvas=Pixels(), optimizer="adam", learning_rate=0.1, steps=250)
"""The plain recipe: pixels from noise of deviation 0.01, 250 steps of Adam with 0.1, seen as they are.

Reference: Fleuret, Deep learning course, lecture 9.4, Optimizing inputs.
"""

MACO = Recipe(
    canvas=MagnitudeConstrained(),
    views=Crops(part=0.6, spread=0.2, views=4, noise=0.05),
    optimizer="nadam",
    learning_rate=1.0,
)
"""Phases under a natural spectrum, seen in noisy parts.

The parts are large, as the canvas has the size of the network's input; on one that is several times as large, parts
of a quarter, `Crops()`, are what was published.

Reference: Fel, Boissin, Boutin et al. 2023 (MACO).
"""

RECIPES: Mapping[str, Recipe] = {"clear": CLEAR, "lucid": LUCID, "lecture": LECTURE, "maco": MACO}
"""The recipes by name, for the command line."""
