"""Units that do not answer to the first noise are led to where they do, and the rest is as without."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn

import innerview as iv
from innerview.objectives.scoring import input_gradient
from innerview.synthesis.rescue import Rescue
from innerview.synthesis.synthesize import synthesize
from planted import PLAIN, planted, templates
from small_networks import PIXELS

SLEEPING = 20.0


def test_a_sleeping_unit_wakes_up() -> None:
    wanted = templates()
    found = synthesize(planted(wanted, SLEEPING), iv.Logit(1), recipe=PLAIN)
    torch.testing.assert_close(found.pixels[0], (wanted[1] > 0).double(), atol=1e-12, rtol=0)
    assert found.curve[0, 0] == 0 < found.scores[0]


def test_without_rescue_it_is_an_error_and_not_a_grey_picture() -> None:
    with pytest.raises(iv.MethodError) as refused:
        synthesize(planted(templates(), SLEEPING), iv.Logit(1), recipe=replace(PLAIN, rescue=0))
    assert str(refused.value) == (
        "no gradient reaches the picture from class 1 of Planted: the units may be dead, or open for other images "
        "only. Start from an image, Fourier(image=…), or from another seed"
    )


def test_among_others_a_dead_unit_is_marked() -> None:
    """Nothing is above its threshold: the second one has a template of zeros."""
    wanted = templates(2)
    wanted[1] = 0
    found = synthesize(planted(wanted, SLEEPING), [iv.Logit(0), iv.Logit(1)], recipe=PLAIN)
    assert found.alive.tolist() == [True, False]


def test_only_the_gradient_of_an_image_that_has_none_is_changed() -> None:
    """For two images of which one opens a ReLU: g · [open], and max(g, 0)."""
    units = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        units[1].weight.copy_(torch.randn(4, 192, generator=torch.Generator().manual_seed(0)) / 4)
        units[1].bias.zero_()
        units[3].weight.copy_(torch.tensor([[1.0, -2.0, 3.0, 0.5]]))
    net = iv.Network(units, PIXELS)
    weights = units[1].weight.detach()
    awake = weights[2].reshape(1, 3, 8, 8)
    asleep = -torch.linalg.pinv(weights).sum(1).reshape(1, 3, 8, 8)  # every unit gets −1
    opened = (awake.flatten() @ weights.T > 0).float()
    with Rescue():
        found = input_gradient(net, torch.cat([awake, asleep]), iv.Logit(0)).gradient.flatten(1)
    upstream = torch.tensor([1.0, -2.0, 3.0, 0.5])
    torch.testing.assert_close(found[0], (upstream * opened) @ weights)
    torch.testing.assert_close(found[1], upstream.clamp_min(0) @ weights)


@pytest.mark.parametrize("relu", [nn.ReLU(inplace=True), nn.ReLU6()])
def test_a_unit_that_does_not_wake_is_moved_but_not_alive(relu: nn.Module) -> None:
    net = planted(templates(), 1e6)
    net.module.relu = relu
    found = synthesize(
        net, [iv.Logit(0), iv.Channel("look", 1)], recipe=replace(PLAIN, rescue=2, steps=4), snapshots=(1, 2)
    )
    assert (found.snapshots[1] - found.snapshots[0]).abs().amax((1, 2, 3)).min() > 0
    assert found.curve[:, 0].tolist() == [0.0] * 4
    assert found.alive.tolist() == [False, True]


def test_a_unit_that_soon_reaches_its_cap_is_alive() -> None:
    net = planted(templates(), SLEEPING)
    net.module.relu = nn.ReLU6()
    found = synthesize(net, iv.Logit(0), recipe=PLAIN)
    assert found.alive.tolist() == [True]
    assert found.scores.tolist() == [6.0]


class OneNumber(nn.Module):
    """A ReLU on one number for each picture, or for all of them, behind which the score is 3 times as much."""

    def __init__(self, *, of_all: bool) -> None:
        super().__init__()
        self.of_all = of_all

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sums = x.sum((1, 2, 3))
        return 3 * torch.relu(sums.sum() if self.of_all else sums).expand(len(x))[:, None]


def test_a_relu_may_be_on_one_number_for_each_picture() -> None:
    net, x = iv.Network(OneNumber(of_all=False), PIXELS), torch.ones(2, 3, 8, 8)
    x[1] = -1
    for rescue, asleep in ((Rescue(), 3.0), (nullcontext(), 0.0)):
        with rescue:
            found = input_gradient(net, x, iv.Logit(0)).gradient
        assert found[0].unique().tolist() == [3.0]
        assert found[1].unique().tolist() == [asleep]


@pytest.mark.parametrize(("sign", "rescued"), [(1, True), (-1, True), (-1, False)])
def test_a_relu_may_be_on_one_number_for_all_pictures(sign: int, rescued: bool) -> None:
    net, x = iv.Network(OneNumber(of_all=True), PIXELS), sign * torch.ones(2, 3, 8, 8)
    with Rescue() if rescued else nullcontext():
        found = input_gradient(net, x, iv.Logit(0)).gradient
    assert found.unique().tolist() == [6.0 if sign > 0 or rescued else 0.0]
