"""The lecture's perceptron: two numbers in, one hidden layer, two classes, on data that can be seen whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from ..progress import steps
from ..settings import Count, checked
from .probes import HiddenUnits
from .recorder import Recorder
from .recording import Recording
from .schedule import lecture

Data = Literal["moons", "circles", "spirals"]
Points = Float[Tensor, "point 2"]
Classes = Int64[Tensor, "point"]

COUNT = 400
LEARNING_RATE = 0.05
ITERATIONS = {"moons": 1000, "circles": 300, "spirals": 3000}
"""After so many the lines have come to rest."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A perceptron that was trained, its recording, and its share of right answers on points it was not trained on."""

    module: nn.Sequential
    recording: Recording
    accuracy: float


def perceptron(units: int, seed: int = 0) -> nn.Sequential:
    """A hidden layer of rectified units between two inputs and two classes, with PyTorch's own random weights."""
    units = checked("units", units, Count)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, 2))


def points(data: Data, seed: int = 0, count: int = COUNT) -> tuple[Points, Classes]:
    """So many points of two classes, half of each: mean 0 and deviation 1 in both directions."""
    drawn, classes = _DATA[data](count, seed)
    return (drawn - drawn.mean(0)) / drawn.std(0, correction=0), classes


def train(data: Data = "moons", *, units: int = 20, iterations: int | None = None, seed: int = 0) -> Trained:
    """Train a perceptron on all points at once, recorded at the lecture's iterations and the last one.

    Args:
        data: which points.
        units: how many hidden units.
        iterations: how many steps of Adam; by default as many as the data need.
        seed: of the weights and the points.
    """
    last = ITERATIONS[data] if iterations is None else checked("iterations", iterations, Count)
    drawn, classes = points(data, seed)
    module = perceptron(units, seed)
    optimizer = torch.optim.Adam(module.parameters(), LEARNING_RATE)
    recorder = Recorder(module, [HiddenUnits(drawn, classes)], at=lambda step: lecture(step) or step == last)
    with steps("training", last) as advance:
        for _ in range(last):
            optimizer.zero_grad()
            functional.cross_entropy(module(drawn), classes).backward()
            optimizer.step()
            recorder.step()
            advance(1)
    return Trained(module, recorder.recording(), _accuracy(module, *points(data, seed + 1)))


def _accuracy(module: nn.Sequential, drawn: Points, classes: Classes) -> float:
    with torch.no_grad():
        return (module(drawn).argmax(1) == classes).double().mean().item()


def _moons(count: int, seed: int) -> tuple[Points, Classes]:
    from sklearn.datasets import make_moons

    return _tensors(*make_moons(count, noise=0.1, random_state=seed))


def _circles(count: int, seed: int) -> tuple[Points, Classes]:
    from sklearn.datasets import make_circles

    return _tensors(*make_circles(count, noise=0.08, factor=0.45, random_state=seed))


def _spirals(count: int, seed: int) -> tuple[Points, Classes]:
    """Two arms of an Archimedean spiral, a turn and a quarter long: radius proportional to angle."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 2
    turns = 0.25 + torch.rand(count, generator=generator).sqrt()
    angles = 2 * torch.pi * turns + torch.pi * classes
    arms = turns[:, None] * torch.stack([angles.cos(), angles.sin()], 1)
    return arms + 0.04 * torch.randn(count, 2, generator=generator), classes


def _tensors(drawn: object, classes: object) -> tuple[Points, Classes]:
    return torch.as_tensor(drawn).float(), torch.as_tensor(classes).long()


_DATA: dict[Data, Callable[[int, int], tuple[Points, Classes]]] = {
    "moons": _moons,
    "circles": _circles,
    "spirals": _spirals,
}
