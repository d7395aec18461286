"""What is left out of a pass changes nothing of what is asked."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.modules.scope import untouched
from innerview.objectives.scoring import input_gradient
from innerview.synthesis.rescue import Rescue
from innerview.synthesis.speedups.slices import Slices, slices_for
from small_networks import SmallCNN, network

SIZE = (8, 8)


class Awkward(nn.Module):
    """Convolutions read in one place, in two, twice, by a gate, and in groups."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = (nn.Conv2d(given, 6, 3, padding=1) for given in (3, 6, 6))
        self.twice, self.gate = nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 1)
        self.norm, self.apart = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1, groups=3)
        self.residual, self.again, self.gated, self.grouped, self.narrow = (nn.Identity() for _ in range(5))
        self.thin = nn.Conv2d(6, 1, 1)
        self.wide, self.depthwise = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.pooled, self.last = nn.AdaptiveAvgPool2d(4), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        before = self.stem(x)
        x = self.residual(torch.relu(self.norm(self.two(torch.relu_(self.one(before)))) + before))
        x = self.again(self.twice(self.twice(x)))
        x = self.gated(x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid())
        x = self.grouped(self.apart(x))
        x = self.pooled(self.depthwise(functional.hardswish(self.wide(self.narrow(x + self.thin(x))))))
        return self.last(x.permute(0, 2, 3, 1)).mean((1, 2))


def awkward() -> iv.Network:
    net = network(Awkward())
    net.module.norm.running_mean.normal_(generator=torch.Generator().manual_seed(1))
    return iv.Network(net.module.double(), net.preprocess)


def sliced(net: iv.Network, objective: iv.Objective) -> Slices:
    with untouched(net.module):
        return slices_for(net, objective, SIZE)


def names(net: iv.Network, slices: Slices) -> list[str]:
    parameters = net.module.named_parameters()
    return sorted(name for name, each in parameters if any(each is weight for weight in slices.weights))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("stem", ["stem.weight"]),
        ("one", ["one.weight"]),
        ("residual", ["two.weight"]),  # the stem is read by the first convolution, too
        ("again", []),  # its weights are used before, for all channels
        ("gated", ["gate.weight"]),  # what it multiplies goes into the gate as well
        ("grouped", []),
        ("narrow", []),
        ("depthwise", ["wide.weight"]),  # of which each channel is one of what it reads
        ("pooled", ["wide.weight"]),
        ("last", []),  # its channels are not where the others have them
    ],
)
def test_only_what_nothing_else_reads_is_left_out(layer: str, expected: list[str]) -> None:
    net = awkward()
    assert names(net, sliced(net, iv.Channel(layer, 2) + 2 * iv.Neuron(layer, 5))) == expected


@pytest.mark.parametrize("layer", ["stem", "one", "residual", "gated", "depthwise"])
@pytest.mark.parametrize("rescued", [False, True])
def test_scores_and_gradients_are_those_of_the_whole_layer(layer: str, rescued: bool) -> None:
    net, x = awkward(), torch.randn(3, 3, *SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    objective = iv.Channel(layer, 1) - iv.Neuron(layer, 4, (3, 6)) + iv.Neuron(layer, 0)
    slices = sliced(net, objective)
    assert slices.channels == (0, 1, 4)
    with untouched(net.module):
        with slices, Rescue() if rescued else nullcontext():
            part = input_gradient(net, x, objective)
        with Rescue() if rescued else nullcontext():
            whole = input_gradient(net, x, objective)
    torch.testing.assert_close(part.scores, whole.scores)
    torch.testing.assert_close(part.gradient, whole.gradient)


def test_only_some_channels_are_computed() -> None:
    net, x = awkward(), torch.ones(1, 6, *SIZE, dtype=torch.float64)
    slices = sliced(net, iv.Channel("one", 1) + iv.Channel("one", 4))
    with torch.no_grad():
        whole = net.module.one(x)
        with slices:
            part = net.module.one(x)
    torch.testing.assert_close(part[:, [1, 4]], whole[:, [1, 4]])
    assert not part[:, [0, 2, 3, 5]].any()


@pytest.mark.parametrize(
    "objective",
    [
        iv.LayerEnergy("conv1"),
        iv.Direction("conv1", (1.0, 0, 0, 0)),
        iv.Logit(0),
        iv.Channel("conv1", 0) + iv.Logit(0),
        iv.Channel("conv1", 0) + iv.Channel("conv2", 0),
        iv.Channel("conv1", 0) + iv.Channel("conv1", 1) + iv.Channel("conv1", 2),
    ],
    ids=str,
)
def test_what_reads_much_is_computed_whole(objective: iv.Objective) -> None:
    assert sliced(network(SmallCNN()), objective).weights == ()
