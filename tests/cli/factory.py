"""Networks for the command line, as `tests/cli/factory.py:small`: 8 × 8 pixels in, 5 classes out."""

import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import innerview as iv
from small_networks import SmallCNN, TinyViT, network

FACTORY = Path(__file__)
LABELS = ["ox", "bison, buffalo", "[bold red]alarm[/bold red]", "a\x1b[31mb\nc", ":smile: 日本"]


def small(classes: int = 5) -> iv.Network:
    return network(SmallCNN(classes=classes), labels=LABELS[:classes])


def unnamed() -> iv.Network:
    return network(SmallCNN())


def vit() -> iv.Network:
    return network(TinyViT(), labels=LABELS)


def image_to_image() -> iv.Network:
    torch.manual_seed(0)
    return iv.Network(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 1)), iv.Preprocess(size=8))


def failing() -> iv.Network:
    raise RuntimeError("a mistake in the factory")


def slow() -> iv.Network:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    time.sleep(60)
    return small()


def other() -> iv.Network:
    return network(SmallCNN(), seed=1)


class Nested(nn.Module):
    """A list of blocks that never runs itself."""

    def __init__(self) -> None:
        super().__init__()
        first = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU())
        self.blocks = nn.ModuleList([first, nn.Conv2d(4, 4, (1, 3))])
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean((2, 3)))


def nested() -> iv.Network:
    return iv.Network(Nested(), iv.Preprocess(size=32))
