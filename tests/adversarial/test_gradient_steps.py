"""Gradient ascent, FGSM and PGD, against closed forms, finite differences and captum."""

from functools import partial

import captum.robust
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_networks import COLOURED, linear, middling, slopes
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.goal import Leave, Lower, Reach
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent
from innerview.adversarial.pixels import direction, pixels
from innerview.adversarial.point import Start
from innerview.errors import SettingError
from small_networks import PIXELS, SmallCNN, network

FIRST_OVER_SECOND = iv.Logit(0) - iv.Logit(1)


def margins(net: iv.Network, images: Tensor) -> Tensor:
    """By how much the best class leads the other one of two."""
    scores = net.logits(images)
    return (scores[:, 0] - scores[:, 1]).abs()


def shown(count: int = 4, size: int = 8, seed: int = 5) -> Tensor:
    """Pixels in 0–1, which are the input of a network with mean 0 and deviation 1."""
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_fgsm_raises_the_loss_of_a_linear_network_by_the_closed_form() -> None:
    """The margin falls by ε‖w‖₁, where w is the difference of the two classes' slopes."""
    net, x, epsilon = linear(), middling(), 0.01
    result = attack(net, x, FGSM(epsilon))
    fall = epsilon * (slopes(net)[0] - slopes(net)[1]).abs().sum()
    torch.testing.assert_close(result.raised[:, 0], functional.softplus(-margins(net, x)))
    torch.testing.assert_close(result.raised[:, 1], functional.softplus(fall - margins(net, x)))


def test_fgsm_flips_a_linear_network_from_the_closed_forms_threshold_on() -> None:
    net, x = linear(), middling(1)
    threshold = (margins(net, x) / (slopes(net)[0] - slopes(net)[1]).abs().sum()).item()
    assert 0 < threshold < 0.3
    assert attack(net, x, FGSM(threshold * 0.999)).success.tolist() == [False]
    assert attack(net, x, FGSM(threshold * 1.001)).success.tolist() == [True]


@pytest.mark.parametrize("start", ["random", "image"])
@pytest.mark.parametrize(("norm", "epsilon", "order"), [("inf", 0.02, 1), ("2", 0.1, 2)])
def test_pgd_reaches_the_optimum_of_a_linear_network(start: str, norm: str, epsilon: float, order: int) -> None:
    """Over a ball the score falls by ε times the dual norm of its slopes."""
    net, x = linear(), middling()
    slope = slopes(net)[0] - slopes(net)[1]
    before = net.logits(x)[:, 0] - net.logits(x)[:, 1]
    result = attack(net, x, PGD(epsilon, 10 * epsilon, 20, norm=norm, start=start), objective=FIRST_OVER_SECOND)
    torch.testing.assert_close(-result.raised[:, -1], before - epsilon * torch.linalg.vector_norm(slope, order))


def test_pgd_reaches_the_optimum_of_a_linear_network_within_the_limits_of_pixels() -> None:
    """Every pixel goes to the end of its own interval."""
    net = linear()
    x = COLOURED.normalise(shown(3, 4).double())
    slope = (slopes(net)[0] - slopes(net)[1]).reshape(3, 4, 4)
    result = attack(net, x, PGD(0.3), objective=FIRST_OVER_SECOND)
    before = COLOURED.display(x)
    torch.testing.assert_close(result.after, (before - 0.3 * slope.sign()).clamp(0, 1))
    assert ((result.after == 0) | (result.after == 1)).any()


def test_gradient_ascent_on_a_linear_network_goes_straight_and_by_its_step() -> None:
    net, x = linear(), middling()
    result = attack(net, x, GradientAscent(step=0.003, steps=4), objective=FIRST_OVER_SECOND)
    slope = (slopes(net)[0] - slopes(net)[1]).reshape(1, 3, 4, 4)
    expected = result.before - 4 * 0.003 * slope / slope.square().mean().sqrt()
    torch.testing.assert_close(result.after, expected)
    torch.testing.assert_close(result.difference.square().mean((1, 2, 3)).sqrt(), torch.full((3,), 0.012).double())


@pytest.mark.parametrize("goal", [Leave((0, 1)), Reach((2, 3)), Lower(iv.Neuron("conv2", 3))])
def test_the_gradient_at_the_pixels_is_that_of_finite_differences(goal) -> None:
    net = iv.Network(network(SmallCNN()).module.double().eval(), iv.Preprocess(size=8, mean=(0.5,) * 3, std=(0.3,) * 3))
    x = net.preprocess.normalise(0.2 + 0.6 * shown(2).double())
    start = Start(net, x, pixels(net, x), goal)
    point = start.at(start.before)
    found = point.gradient()
    along = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    up, down = (start.at(start.before + sign * 1e-6 * along, graph=False).raised for sign in (1, -1))
    torch.testing.assert_close((found * along).sum((1, 2, 3)), (up - down) / 2e-6, rtol=1e-5, atol=1e-8)
    assert found.abs().max() > 0


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_fgsm_agrees_with_captum() -> None:
    net, x = network(SmallCNN()), shown()
    net.module.eval()
    labels = net.logits(x).argmax(1)
    theirs = captum.robust.FGSM(net.module, partial(functional.cross_entropy, reduction="none"), 0, 1)
    expected = theirs.perturb(x.clone(), 0.05, labels)
    torch.testing.assert_close(attack(net, x, FGSM(0.05)).after, expected, rtol=0, atol=1e-6)
    towards = theirs.perturb(x.clone(), 0.05, torch.tensor([3, 3, 3, 3]), targeted=True)
    ours = attack(net, x, FGSM(0.05), target=3)
    moved = ours.steps > 0
    torch.testing.assert_close(ours.after[moved], towards[moved], rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")
def test_pgd_agrees_with_captum() -> None:
    """On an objective, which is lowered through all steps; captum does not stop early."""
    net, x = iv.Network(network(SmallCNN()).module.double().eval(), PIXELS), shown().double()
    peer = captum.robust.PGD(net.module, lambda scores, classes: -scores[:, 2], 0, 1)
    peer.fgsm.zero_thresh = 0  # it leaves pixels with a small gradient as they are
    expected = peer.perturb(x.clone(), 0.04, 0.01, 7, target=None)
    ours = attack(net, x, PGD(0.04, 0.01, 7, start="image"), objective=iv.Logit(2))
    torch.testing.assert_close(ours.after, expected, rtol=0, atol=1e-6)


class Normalised(nn.Module):
    """The preprocessing as a part of the network."""

    def __init__(self, net: iv.Network) -> None:
        super().__init__()
        self.inner, self.preprocess = net.module, net.preprocess

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.preprocess.normalise(x))


@pytest.mark.parametrize("method", [FGSM(0.03), PGD(0.03), PGD(0.5, norm="2"), GradientAscent(step=0.01)])
def test_lengths_are_those_of_pixels_whatever_the_preprocessing(method) -> None:
    net = linear(5)
    on_pixels = iv.Network(Normalised(net), iv.Preprocess(size=4, mean=(0,) * 3, std=(1,) * 3))
    x = shown(3, 4).double()
    prepared = attack(net, net.preprocess.normalise(x), method)
    plain = attack(on_pixels, x, method)
    torch.testing.assert_close(prepared.after, plain.after)
    torch.testing.assert_close(prepared.adversarial, net.preprocess.normalise(plain.adversarial))


@given(
    seed=st.integers(0, 2**32),
    epsilon=st.floats(0, 1.5),
    norm=st.sampled_from(["inf", "2"]),
    start=st.sampled_from(["random", "image"]),
    target=st.sampled_from([None, 3]),
)
@settings(max_examples=25, deadline=None)
def test_pgd_stays_in_its_ball_and_within_the_limits_of_pixels(seed, epsilon, norm, start, target) -> None:
    method = PGD(epsilon, step=0.4, steps=3, norm=norm, start=start, seed=seed)
    result = attack(network(SmallCNN()), shown(2, seed=seed), method, target=target)
    assert result.after.min() >= 0
    assert result.after.max() <= 1
    size = result.difference.abs().amax((1, 2, 3)) if norm == "inf" else result.distance
    assert (size <= epsilon + 1e-6).all()


@given(seed=st.integers(0, 2**32), length=st.floats(0, 2))
@settings(max_examples=15, deadline=None)
def test_fgsm_and_gradient_ascent_stay_within_the_limits_of_pixels(seed, length) -> None:
    net, x = network(SmallCNN()), shown(2, seed=seed)
    steep = attack(net, x, FGSM(length))
    assert (steep.difference.abs() <= length + 1e-6).all()
    far = attack(net, x, GradientAscent(step=length, steps=2))
    for result in (steep, far):
        assert result.after.min() >= 0
        assert result.after.max() <= 1
    assert (far.difference.square().mean((1, 2, 3)).sqrt() <= 2 * length + 1e-6).all()


def test_without_a_length_nothing_is_changed() -> None:
    net, x = network(SmallCNN()), shown()
    for method in (FGSM(0), PGD(0, start="image"), PGD(0), GradientAscent(step=0)):
        assert torch.equal(attack(net, x, method).adversarial, x)


def test_one_step_of_pgd_from_the_image_is_fgsm() -> None:
    net, x = network(SmallCNN()), shown()
    once = attack(net, x, PGD(0.02, step=0.02, steps=1, start="image"))
    torch.testing.assert_close(once.after, attack(net, x, FGSM(0.02)).after)


def test_the_random_start_comes_from_the_seed_and_fills_the_ball() -> None:
    net, x = network(SmallCNN()), 0.4 + 0.2 * shown(1)
    starts = [attack(net, x, PGD(0.1, step=0, steps=1, seed=seed)).difference for seed in (0, 0, 1)]
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])
    assert starts[0].abs().mean().item() == pytest.approx(0.05, rel=0.15)  # uniform in −0.1 to 0.1
    around = [attack(net, x, PGD(0.3, step=0, steps=1, norm="2", seed=seed)).distance.item() for seed in range(8)]
    assert max(around) <= 0.3 + 1e-6
    assert min(around) > 0.3 * 0.95  # nearly all of a ball in 192 dimensions is near its surface


def test_a_gradient_of_any_size_has_a_direction_and_none_has_not() -> None:
    tiny = torch.full((1, 1, 2, 2), 1e-30)
    torch.testing.assert_close(direction(tiny), torch.full((1, 1, 2, 2), 0.5))
    assert not direction(torch.zeros(1, 1, 2, 2)).any()


def test_by_default_the_steps_of_pgd_reach_across_its_ball() -> None:
    assert (PGD(0.04, steps=10).width, PGD().radius, PGD(norm="2").radius) == (0.01, 8 / 255, 1)


@pytest.mark.parametrize(
    ("method", "given", "sentence"),
    [
        (FGSM, {"epsilon": -1}, "epsilon is a number, at least 0; got -1"),
        (PGD, {"epsilon": float("nan")}, "epsilon is a number, at least 0, or None; got nan"),
        (PGD, {"step": -0.5}, "step is a number, at least 0, or None; got -0.5"),
        (PGD, {"norm": "1"}, 'norm is "inf" or "2"; got \'1\''),
        (PGD, {"start": "zero"}, 'start is "random" or "image"; got \'zero\''),
        (PGD, {"steps": 0}, "steps is a whole number, at least 1; got 0"),
        (GradientAscent, {"steps": 0}, "steps is a whole number, at least 1; got 0"),
        (GradientAscent, {"step": -1}, "step is a number, at least 0; got -1"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_settings_outside_their_range_are_refused(method, given: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        method(**given)
    assert str(refused.value) == sentence
