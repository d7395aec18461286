"""The attack of the lecture against the loop on its slide, in plain torch, step for step."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn, optim

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.gradient_steps import PGD, GradientAscent, PlainAscent
from small_networks import SmallCNN, network

INPUT = iv.Preprocess(size=8, mean=(0.5, 0.4, 0.6), std=(0.25, 0.5, 0.2))


@pytest.fixture
def net() -> iv.Network:
    """With classes that compete, and a slope that 15 steps get somewhere on."""
    module = network(SmallCNN()).module.double().eval()
    with torch.no_grad():
        module.fc.bias.sub_(module(images()).mean(0))
        module.fc.weight.mul_(20)
        module.fc.bias.mul_(20)
    return iv.Network(module, INPUT)


def images(count: int = 6) -> Tensor:
    """With pixels at the very ends of 0–1."""
    shown = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    return INPUT.normalise((1.2 * shown - 0.1).clamp(0, 1))


def slide(module: nn.Module, start: Tensor, steps: int, lr: float) -> tuple[Tensor, list[int]]:
    """The input that the slide's loop ends with, and the class of each one on the way."""
    x = start.clone().requires_grad_()
    cross_entropy, optimizer = nn.CrossEntropyLoss(), optim.SGD([x], lr=lr)
    target = module(x).argmax(1).view(-1)
    classes = []
    for _ in range(steps):
        output = module(x)
        classes.append(int(output.argmax(1)))
        loss = -cross_entropy(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return x.detach(), [*classes, int(module(x).argmax(1))]


def test_every_step_is_that_of_the_slide(net: iv.Network) -> None:
    x = images()
    found = attack(net, x, PlainAscent())
    for image in range(len(x)):
        expected, classes = slide(net.module, x[[image]], 15, 0.1)
        torch.testing.assert_close(found.adversarial[[image]], expected, rtol=0, atol=1e-12)  # roundings of 2e-16
        assert found.classes[image].tolist() == classes
        assert [each.index for each in found.history(image)] == classes
        change = (expected - x[[image]]).norm() / x[[image]].norm()
        torch.testing.assert_close(found.relative_input_distance[image], change)
    assert found.steps.tolist() == [15] * 6
    assert torch.equal(found.success, found.classes[:, -1] != found.classes[:, 0])
    assert (found.classes[:, 1:-1] != found.classes[:, :1]).any()  # some have changed their class before the end
    assert found.after.min() < 0
    assert found.after.max() > 1


def test_it_may_stop_and_then_ends_where_the_class_first_changes(net: iv.Network) -> None:
    x = images()
    whole, stopped = attack(net, x, PlainAscent()), attack(net, x, PlainAscent(stop=True))
    for image in stopped.success.nonzero().flatten().tolist():
        taken = int(stopped.steps[image])
        assert stopped.classes[image, : taken + 1].tolist() == whole.classes[image, : taken + 1].tolist()
        assert stopped.classes[image, taken] != stopped.classes[image, taken - 1]
    assert (stopped.steps < 15).any()


@pytest.mark.parametrize("method", [GradientAscent(0.02, steps=9, stop=False), PGD(0.1, steps=9, stop=False)])
def test_others_go_on_after_their_goal_if_they_are_asked_to(net: iv.Network, method: GradientAscent | PGD) -> None:
    """Up to the first change of class it is the attack that stops there."""
    x = images()
    whole, stopped = attack(net, x, method), attack(net, x, replace(method, stop=True))
    assert whole.steps.tolist() == [9] * len(x)
    assert (stopped.steps < 9).any()
    for image, taken in enumerate(stopped.steps.tolist()):
        torch.testing.assert_close(stopped.raised[image, : taken + 1], whole.raised[image, : taken + 1])
    assert (whole.raised[:, -1] >= stopped.raised[:, -1] - 1e-9).all()


def test_a_target_is_approached_through_all_steps(net: iv.Network) -> None:
    found = attack(net, images(), PlainAscent(steps=4), target=3)
    assert found.steps.tolist() == [4] * 6
    assert (found.raised[:, -1] > found.raised[:, 0]).all()
