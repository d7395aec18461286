"""The part of a view that a position sees gives its value and gradient."""

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.modules.scope import untouched
from innerview.objectives.scoring import input_gradient
from innerview.synthesis.speedups.cutout import OfCutout, cut_out, shown
from innerview.synthesis.speedups.slices import Slices
from small_networks import SmallCNN, TinyViT, network

VIEW = (37, 41)


class Strided(nn.Module):
    """Strides, odd and even kernels, dilation, pooling that rounds up, a residual sum; not all sizes divide."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, stride=2, padding=1)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.last = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.stem(x)))
        return self.last(torch.relu(self.wide(x)) + x).mean((2, 3))


class ChannelsLast(nn.Module):
    """A layer that gives [batch, row, column, channel], as those inside ConvNeXt do."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.pointwise = nn.Conv2d(3, 6, 5, padding=2), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.stem(x).permute(0, 2, 3, 1)).relu().mean((1, 2))


def strided(kind: type[nn.Module] = Strided) -> iv.Network:
    net = network(kind())
    return iv.Network(net.module.double(), net.preprocess)


def asked(net: iv.Network, objective: iv.Objective, view: tuple[int, int] = VIEW) -> OfCutout | None:
    with untouched(net.module):
        return cut_out(net, objective, view, least=12)


@pytest.mark.parametrize(
    ("layer", "kind"),
    [*((name, Strided) for name in ("stem", "pool", "wide", "last")), ("pointwise", ChannelsLast)],
)
def test_every_position_has_its_value_and_gradient(layer: str, kind: type[nn.Module]) -> None:
    """Also at the borders, where padding is seen."""
    net = strided(kind)
    x = torch.randn(1, 3, *VIEW, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shape = {each.name: each.output_shape for each in net.layers(x)}[layer]
    grid = shape[:2] if kind is ChannelsLast else shape[1:]
    narrower = 0
    positions = [(row, column) for row in (0, 1, grid[0] // 2, grid[0] - 1) for column in range(0, grid[1], 3)]
    for position in positions:
        objective = iv.Neuron(layer, 1, position) - 0.5 * iv.Direction(layer, (1.0, 2, 3, 4), position)
        part = asked(net, objective)
        assert part is not None
        narrower += part.cutout.size[0] * part.cutout.size[1] < 0.3 * VIEW[0] * VIEW[1]
        with untouched(net.module):
            whole = input_gradient(net, x, objective)
            found = input_gradient(net, shown(x, [part.cutout]), part)
        torch.testing.assert_close(found.scores, whole.scores)
        expected = whole.gradient
        inside = torch.zeros_like(expected)
        cutout = part.cutout
        inside[0, :, cutout.top :, cutout.left :][:, : cutout.size[0], : cutout.size[1]] = found.gradient[0]
        torch.testing.assert_close(inside, expected)
    assert narrower > len(positions) / 3


def test_pictures_are_those_of_the_whole_view(monkeypatch) -> None:
    """Two neurons with cutouts of one size, by every recipe's own views, and in the provenance no trace of it."""
    net = strided()
    net = iv.Network(net.module, iv.Preprocess((80, 90), mean=(0.5,) * 3, std=(0.25,) * 3))
    why = [iv.Neuron("last", 1, (3, 4)), iv.Neuron("last", 2, (5, 5))]
    with untouched(net.module):
        assert cut_out(net, why[0], (80, 90)) is not None
    for recipe in (iv.LUCID, iv.LECTURE):
        found = iv.synthesize(net, why, recipe=recipe, steps=5, seed=1)
        with monkeypatch.context() as patch:
            patch.setattr("innerview.synthesis.synthesize.cut_out", lambda *_: None)
            patch.setattr("innerview.synthesis.synthesize.slices_for", lambda *_: Slices())
            whole = iv.synthesize(net, why, recipe=recipe, steps=5, seed=1)
        torch.testing.assert_close(found.pixels, whole.pixels)
        torch.testing.assert_close(found.curve, whole.curve)
        assert found.provenance == whole.provenance


@pytest.mark.parametrize(
    "objective",
    [
        iv.Neuron("last", 0),
        iv.Channel("last", 0),
        iv.Neuron("last", 0, (3, 3)) + iv.Neuron("last", 0, (3, 4)),
        iv.Neuron("last", 0, (3, 3)) + iv.Logit(0),
        iv.Neuron("last", 0, (99, 3)),
    ],
    ids=str,
)
def test_questions_about_more_than_one_position_see_everything(objective: iv.Objective) -> None:
    assert asked(strided(), objective) is None


def test_units_that_see_everything_have_no_window() -> None:
    assert asked(network(SmallCNN()), iv.Neuron("fc", 0, (0, 0)), (8, 8)) is None
    assert asked(network(TinyViT()), iv.Neuron("block", 0, (0, 0)), (8, 8)) is None


class Aware(nn.Module):
    """A convolution of the picture times its mean, which is taken in a way that is not traced."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.look(x * float(x.abs().mean())).mean((2, 3))


def test_a_window_that_gives_another_answer_is_not_used() -> None:
    assert asked(network(Aware()), iv.Neuron("look", 0, (4, 4)), (20, 20)) is None
