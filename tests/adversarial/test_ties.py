"""Where classes tie, an attack gives the same however the network rounds."""

import pytest
import torch
from linear_networks import COLOURED, linear, middling
from rounding import same_alone
from torch import Tensor, nn

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent
from innerview.adversarial.method import AttackMethod
from small_networks import SmallCNN, network

EPSILON = torch.finfo(torch.float64).eps
TWINS = [GradientAscent(step=0.05), FGSM(0.1), PGD(0.1), DeepFool()]


@pytest.mark.parametrize("goal", [{}, {"target": 2}])
def test_a_step_that_would_end_at_a_tie_ends_where_one_class_leads(goal: dict) -> None:
    """On a linear network one step to the boundary is exact; a class leads there by 2μ, 2 ε^⅔ of the scores."""
    net, x = linear(5), middling(6)
    before = net.logits(x)
    result = same_alone(net, x, DeepFool(overshoot=0), **goal)
    assert result.success.all()
    asked = result.steps > 0
    twice = 2 * EPSILON ** (2 / 3) * before.topk(2).values.abs().amax(1)
    best = net.logits(result.adversarial).topk(2).values
    # Each of two scores is off by 4 units of rounding while the step is measured, and is a sum of 48 terms.
    torch.testing.assert_close((best[:, 0] - best[:, 1])[asked], twice[asked], rtol=0, atol=64 * EPSILON)
    assert (result.steps == 1).any()


@pytest.mark.parametrize("seed", range(3))
def test_steps_that_come_nearer_and_nearer_to_a_boundary_end_beyond_it(seed: int) -> None:
    """The scores of this network differ so little that steps to the boundary itself end within roundings of it."""
    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    result = same_alone(network(SmallCNN()), x, DeepFool(steps=20))
    assert result.success.all()
    assert (result.steps > 1).all()


class Masked(nn.Module):
    """A linear network that keeps its last class out."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear(5).module

    def forward(self, x: Tensor) -> Tensor:
        scores = self.inner(x)
        return torch.cat([scores, torch.full_like(scores[:, :1], -1e9)], 1)


def test_a_class_that_is_kept_out_does_not_count() -> None:
    x = middling(6)
    plain, masked = (attack(net, x, DeepFool()) for net in (linear(5), iv.Network(Masked(), COLOURED)))
    torch.testing.assert_close(masked.after, plain.after)
    assert masked.success.all()


class Opposite(nn.Module):
    """Two scores, s and −s, of a network that is linear."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear(1).module

    def forward(self, x: Tensor) -> Tensor:
        s = self.inner(x)
        return torch.cat([s, -s], 1)


def test_opposite_scores_are_none_where_they_tie_and_their_rounding_is_not() -> None:
    net, x = iv.Network(Opposite(), COLOURED), middling(6)
    assert same_alone(net, x, DeepFool(overshoot=0)).success.all()


class Twins(nn.Module):
    """A linear network whose last class is its best one once more."""

    def __init__(self, best: int) -> None:
        super().__init__()
        self.inner, self.best = linear(5).module, best

    def forward(self, x: Tensor) -> Tensor:
        scores = self.inner(x)
        return torch.cat([scores, scores[:, [self.best]]], 1)


@pytest.mark.parametrize("method", TWINS, ids=lambda each: type(each).__name__)
def test_a_class_that_always_ties_is_not_reached(method: AttackMethod) -> None:
    x = middling(1).expand(3, -1, -1, -1)
    best = int(linear(5).logits(x)[0].argmax())
    net = iv.Network(Twins(best), COLOURED)
    result = same_alone(net, x, method, target=5)
    assert not result.success.any()
    assert result.steps.tolist() == [method.rounds] * 3


class Between(nn.Module):
    """Class 0 leads by 0.1; class 1 rises with the first pixel, and class 2 as fast with the last."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([1.1, 0.5, 0.5], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.flatten(1)
        return self.bias + torch.stack([0 * pixels[:, 0], pixels[:, 0], pixels[:, -1]], 1)


def test_of_rivals_that_are_equally_near_it_is_the_first() -> None:
    net = iv.Network(Between(), iv.Preprocess(size=4, mean=(0, 0, 0), std=(1, 1, 1)))
    result = same_alone(net, torch.full((3, 3, 4, 4), 0.5, dtype=torch.float64), DeepFool())
    assert result.classes[:, -1].tolist() == [1, 1, 1]
    assert result.difference.flatten(1)[:, 1:].abs().max() == 0


@pytest.mark.parametrize(("dtype", "enough"), [(torch.float64, 4e-11), (torch.float32, 3e-5), (torch.bfloat16, 0.06)])
def test_how_far_a_class_has_to_lead_depends_on_the_precision(dtype: torch.dtype, enough: float) -> None:
    """The scores are 1 and 1 plus a part of the first pixel; FGSM turns it from black to white."""

    class Raised(nn.Module):
        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = nn.Parameter(torch.tensor(by, dtype=dtype))

        def forward(self, x: Tensor) -> Tensor:
            pixel = x[:, 0, 0, 0]
            return torch.stack([1 + 0 * pixel, 1 + self.by * pixel], 1)

    black = torch.zeros(1, 3, 4, 4, dtype=dtype)
    for by, reached in ((enough, True), (enough / 2, False)):
        net = iv.Network(Raised(by), iv.Preprocess(size=4, mean=(0, 0, 0), std=(1, 1, 1)))
        assert attack(net, black, FGSM(1.0), target=1).success.tolist() == [reached]
