"""How an attack moves an explanation."""

import pytest
import torch
from linear_networks import linear, middling

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.gradient_steps import FGSM
from innerview.combined.shift import shift
from small_networks import SmallCNN, network


def shown(count: int = 3, seed: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_both_explanations_answer_the_question_about_the_class_before() -> None:
    net, x = network(SmallCNN()), shown()
    found, method = attack(net, x, FGSM(0.2)), iv.GradientTimesInput()
    asked = [iv.Logit(ranking[0].index) for ranking in net.predict(x)]
    moved = shift(net, found, method)
    assert torch.equal(moved.before.values, method(net, x, asked).values)
    assert torch.equal(moved.after.values, method(net, found.adversarial, asked).values)
    assert not torch.equal(moved.before.values, moved.after.values)


def test_a_question_of_ones_own_is_asked_of_both() -> None:
    net, x = network(SmallCNN()), shown()
    moved = shift(net, attack(net, x, FGSM(0.2)), iv.Gradient(), iv.Logit(2))
    assert moved.before.provenance.objective == moved.after.provenance.objective == ("class 2",)


def test_the_gradient_of_a_linear_network_is_not_moved_by_any_attack() -> None:
    net, x = linear(), middling()
    found = attack(net, x, FGSM(0.2))
    assert shift(net, found, iv.Gradient()).similarity.tolist() == pytest.approx([1, 1, 1])


def test_the_similarity_is_the_cosine_of_the_maps() -> None:
    net, x = network(SmallCNN()), shown()
    moved = shift(net, attack(net, x, FGSM(0.3)), iv.GradientTimesInput())
    one, other = (each.heatmap().flatten(1) for each in (moved.before, moved.after))
    expected = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1))
    torch.testing.assert_close(moved.similarity, expected)
    assert (moved.similarity < 0.999).all()
