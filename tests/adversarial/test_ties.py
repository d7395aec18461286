"""Where classes tie, an attack gives the same however the network rounds."""

import pytest
import torch
from linear_networks import COLOURED, linear, middling
from torch import Tensor, nn

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent
from innerview.adversarial.method import AttackMethod
from rounding import Rounding

EPSILON = torch.finfo(torch.float64).eps
TWINS = [GradientAscent(step=0.05), FGSM(0.1), PGD(0.1), DeepFool()]


def rounded(net: iv.Network) -> iv.Network:
    return iv.Network(Rounding(net.module), net.preprocess)


def lead(net: iv.Network, images: Tensor, over: Tensor) -> Tensor:
    """How far the most probable class is before another."""
    scores = net.logits(images)
    return scores.amax(1) - scores.gather(1, over[:, None])[:, 0]


def same(net: iv.Network, x: Tensor, method: AttackMethod, **goal: int) -> iv.Attack:
    """The attack of a batch, once each image was seen to become the same alone."""
    together = attack(net, x, method, **goal)
    for image in range(len(x)):
        alone = attack(net, x[[image]], method, **goal)
        for name in ("steps", "success"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[image]), (name, image)
        # Rounding moves the scores by 16 units in the last place, and a step to the boundary by as much.
        torch.testing.assert_close(alone.after[0], together.after[image], rtol=0, atol=256 * EPSILON)
    return together


@pytest.mark.parametrize("goal", [{}, {"target": 2}])
def test_a_step_that_would_end_at_a_tie_ends_where_one_class_leads(goal: dict) -> None:
    """On a linear network one step to the boundary is exact; it leads there by 2μ = 2 ε^⅔ max |f|."""
    net, x = rounded(linear(5)), middling(6)
    before = net.logits(x)
    result = same(net, x, DeepFool(overshoot=0), **goal)
    assert result.success.all()
    asked = result.steps > 0
    twice = 2 * EPSILON ** (2 / 3) * before.abs().amax(1)
    rest = net.logits(result.adversarial).topk(2).values
    torch.testing.assert_close((rest[:, 0] - rest[:, 1])[asked], twice[asked], rtol=1e-5, atol=0)  # 1e-16 of 1e-8
    assert (result.steps == 1).any()


class Opposite(nn.Module):
    """Two scores, s and −s, of a network that is linear."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = linear(1).module

    def forward(self, x: Tensor) -> Tensor:
        s = self.inner(x)
        return torch.cat([s, -s], 1)


def test_opposite_scores_are_none_where_they_tie_and_their_rounding_is_not() -> None:
    net, x = iv.Network(Rounding(Opposite()), COLOURED), middling(6)
    assert same(net, x, DeepFool(overshoot=0)).success.all()


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
    net = iv.Network(Rounding(Twins(best)), COLOURED)
    result = same(net, x, method, target=5)
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
    net = iv.Network(Rounding(Between()), iv.Preprocess(size=4, mean=(0, 0, 0), std=(1, 1, 1)))
    result = same(net, torch.full((3, 3, 4, 4), 0.5, dtype=torch.float64), DeepFool())
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
