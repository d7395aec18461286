"""A small network in training."""

from collections.abc import Callable

import torch
from torch import nn

from small_networks import SmallCNN, images


class Training:
    """SmallCNN with dropout and batch normalisation, trained with momentum on random images."""

    def __init__(self) -> None:
        torch.manual_seed(3)
        self.module = SmallCNN()
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=0.1, momentum=0.9)

    def run(self, count: int, step: Callable[[], None], *, early: bool = False) -> None:
        """So many iterations; `step` is called after each, or before its weights change."""
        for _ in range(count):
            x, classes = torch.randn(6, 3, 8, 8), torch.randint(0, 5, (6,))
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.module(x), classes).backward()
            if early:
                step()
            self.optimizer.step()
            if not early:
                step()


FIXED = images(2)
