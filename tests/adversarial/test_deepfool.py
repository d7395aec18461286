"""DeepFool, against the exact distances of affine networks."""

import pytest
import torch
from linear_networks import linear, middling, slopes

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import PGD
from innerview.errors import MethodError, SettingError
from small_networks import SmallCNN, network


def distances(net: iv.Network, x: torch.Tensor) -> torch.Tensor:
    """|f_k − f_y| / ‖w_k − w_y‖₂ of each image to each class k; infinite to its own."""
    scores, slope = net.logits(x), slopes(net)
    best = scores.argmax(1)
    lead = scores.gather(1, best[:, None]) - scores
    apart = torch.linalg.vector_norm(slope[best][:, None] - slope[None], dim=2)
    return torch.where(lead > 0, lead / apart, torch.inf)


@pytest.mark.parametrize("classes", [2, 7, 30])
def test_on_an_affine_network_it_finds_the_exact_distance_in_one_step(classes: int) -> None:
    net, x = linear(classes), middling(5)
    result = attack(net, x, DeepFool(overshoot=1e-3, classes=classes))
    nearest = distances(net, x).amin(1)
    torch.testing.assert_close(result.distance, 1.001 * nearest)
    assert result.steps.tolist() == [1] * 5
    assert result.success.all()
    assert torch.equal(result.classes[:, -1], distances(net, x).argmin(1))


def test_no_attack_of_a_smaller_length_succeeds_there() -> None:
    net, x = linear(7), middling(1)
    nearest = distances(net, x).amin().item()
    for target in set(range(7)) - {int(net.logits(x).argmax())}:
        assert not attack(net, x, PGD(0.999 * nearest, norm="2"), target=target).success


def test_a_target_is_the_only_rival() -> None:
    net, x = linear(3), middling(1)
    own = int(net.logits(x).argmax())
    far = distances(net, x)[0].masked_fill(torch.arange(3) == own, -1).argmax().item()
    result = attack(net, x, DeepFool(), target=far)
    assert result.success
    assert result.classes[0, -1] == far
    assert result.distance >= distances(net, x)[0, far]


def test_a_rival_that_is_not_looked_at_is_not_found() -> None:
    """The only rival looked at is the one with the highest score, which need not be the nearest."""
    net, x = linear(7), middling(40)
    second = net.logits(x).topk(2).indices[:, 1]
    expected = distances(net, x).gather(1, second[:, None])[:, 0]
    assert (expected > distances(net, x).amin(1)).any()
    result = attack(net, x, DeepFool(steps=1, overshoot=0, classes=1))
    torch.testing.assert_close(result.distance, expected)


def test_the_overshoot_makes_the_step_longer() -> None:
    net, x = linear(), middling()
    short, long = (attack(net, x, DeepFool(overshoot=each)).distance for each in (0.02, 0.5))
    torch.testing.assert_close(long / short, torch.full((3,), 1.5 / 1.02).double())


def test_it_changes_less_than_other_attacks_that_succeed() -> None:
    net = network(SmallCNN())
    x = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    near, wide = attack(net, x, DeepFool()), attack(net, x, PGD(0.5, steps=40))
    both = near.success & wide.success
    assert both.any()
    assert (near.distance < wide.distance)[both].all()


def test_an_objective_is_refused() -> None:
    with pytest.raises(MethodError) as refused:
        attack(linear(), middling(), DeepFool(), objective=iv.Logit(0))
    assert str(refused.value) == (
        "DeepFool looks for the nearest other class, so it has no use for an objective; leave the objective away, or "
        "lower it with PGD"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps": 0}, "steps is a whole number, at least 1; got 0"),
        ({"overshoot": -0.1}, "overshoot is a number, at least 0; got -0.1"),
        ({"classes": 0}, "classes is a whole number, at least 1; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(given: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        DeepFool(**given)
    assert str(refused.value) == sentence
