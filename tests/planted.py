"""Networks that look for one known picture each, so that the best picture is known in closed form."""

import torch
from torch import Tensor, nn

import innerview as iv
from innerview.synthesis.canvas import Pixels
from innerview.synthesis.recipe import Recipe

SIZE = 8
INPUT = iv.Preprocess(size=SIZE, mean=(0.5, 0.4, 0.6), std=(0.25, 0.5, 0.2))
GREY_INPUT = iv.Preprocess(size=SIZE, mean=(0.5,), std=(0.25,))
PLAIN = Recipe(canvas=Pixels(), learning_rate=0.1, steps=60)
"""Pixels, seen as they are."""


class Planted(nn.Module):
    """The products of the input with some templates, then a ReLU after a threshold if there is one."""

    def __init__(self, templates: Tensor, threshold: float | None = None) -> None:
        super().__init__()
        count, channels, *_ = templates.shape
        self.look = nn.Conv2d(channels, count, SIZE, dtype=torch.float64)
        self.relu = nn.Identity() if threshold is None else nn.ReLU()
        with torch.no_grad():
            self.look.weight.copy_(templates)
            self.look.bias.fill_(-(threshold or 0.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.look(x)).flatten(1)


def templates(count: int = 3, channels: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(count, channels, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def planted(wanted: Tensor, threshold: float | None = None) -> iv.Network:
    return iv.Network(Planted(wanted, threshold), INPUT if wanted.shape[1] == 3 else GREY_INPUT)
