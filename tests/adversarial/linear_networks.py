"""Networks that are linear in their pixels, so that the best attack is known in closed form."""

import torch
from torch import Tensor, nn

import innerview as iv

STD = (0.25, 0.5, 0.2)
COLOURED = iv.Preprocess(size=4, mean=(0.5, 0.4, 0.6), std=STD)


class Linear(nn.Module):
    """One linear layer on all pixels of a 3 × 4 × 4 input, in double precision."""

    def __init__(self, classes: int, seed: int = 0) -> None:
        super().__init__()
        self.fc = nn.Linear(48, classes, dtype=torch.float64)
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.fc.weight.copy_(torch.randn(classes, 48, generator=random) / 4)
            self.fc.bias.copy_(torch.randn(classes, generator=random) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))


def linear(classes: int = 2, seed: int = 0) -> iv.Network:
    return iv.Network(Linear(classes, seed), COLOURED)


def slopes(net: iv.Network) -> Tensor:
    """How each class score changes with each pixel in 0–1: [class, 48]."""
    return net.module.fc.weight.detach() / torch.tensor(STD).double().repeat_interleave(16)


def middling(count: int = 3, seed: int = 1) -> Tensor:
    """Prepared images whose pixels are far from black and white."""
    shown = 0.3 + 0.4 * torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return COLOURED.normalise(shown)
