"""The recipe of the lecture against the loop on its slide, in plain torch, step for step."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

import innerview as iv
from innerview.synthesis.streams import Streams
from small_networks import SmallCNN, network

INPUT = iv.Preprocess(size=24, mean=(0.5, 0.4, 0.6), std=(0.25, 0.5, 0.2))
CLOSE = {"rtol": 0, "atol": 1e-12}  # 250 steps in double precision, of which each adds a few roundings of 2e-16


class MultiScaleEdgeEnergy(nn.Module):
    """As on the slide, in double precision."""

    def __init__(self) -> None:
        super().__init__()
        k = torch.exp(-(torch.tensor([[-2.0, -1.0, 0.0, 1.0, 2.0]]).double() ** 2) / 2)
        k = (k.t() @ k).view(1, 1, 5, 5)
        self.register_buffer("gaussian_5x5", k / k.sum())

    def forward(self, x: Tensor) -> Tensor:
        u = x.view(-1, 1, x.size(2), x.size(3))
        result = 0.0
        while min(u.size(2), u.size(3)) > 5:
            blurry = functional.conv2d(u, self.gaussian_5x5, padding=2)
            result += (u - blurry).view(u.size(0), -1).pow(2).sum(1)
            u = functional.avg_pool2d(u, kernel_size=2, padding=1)
        return result.view(x.size(0), -1).sum(1)


def slide(
    start: Tensor, answer: Callable[[Tensor], Tensor], optimizer: type[optim.Optimizer], steps: int, **settings: float
) -> tuple[Tensor, list[float]]:
    """The input that the slide's loop ends with, and the answer before each of its steps."""
    edge_energy = MultiScaleEdgeEnergy()
    x = start.clone().requires_grad_()
    climber = optimizer([x], **settings)
    answers = []
    for _ in range(steps):
        output = answer(x)
        score = edge_energy(x) - output
        climber.zero_grad()
        score.backward()
        climber.step()
        answers.append(output.item())
    return x.detach(), answers


@pytest.fixture
def net() -> iv.Network:
    """In double precision, with classes that answer to more than a ReLU lets through."""
    module = network(SmallCNN()).module.double().eval()
    with torch.no_grad():
        module.fc.weight.mul_(600)
    return iv.Network(module, INPUT)


def noise(seed: int = 0) -> Tensor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.empty(1, 3, 24, 24).normal_(0, 0.01).double()


CLIMBERS = [("adam", optim.Adam, 0.1), ("sgd", optim.SGD, 0.02)]


@pytest.mark.parametrize(("name", "optimizer", "rate"), CLIMBERS)
@pytest.mark.parametrize("given", [False, True])
def test_every_step_is_that_of_the_slide(net: iv.Network, name: str, optimizer: type, rate: float, given: bool) -> None:
    """From its noise, and from a tensor whose values lie far beyond black and white."""
    start = 3 * noise(1) / 0.01 if given else noise()
    recipe = replace(iv.LECTURE, optimizer=name, learning_rate=rate)
    canvas = iv.FreePixels(image=start) if given else None
    found = iv.synthesize(net, iv.Logit(2), recipe=recipe, canvas=canvas)
    expected, answers = slide(start, lambda x: net.module(x)[0, 2], optimizer, 250, lr=rate)
    torch.testing.assert_close(found.inputs, expected, **CLOSE)
    torch.testing.assert_close(found.curve[:, 0], torch.tensor(answers, dtype=torch.float64), rtol=1e-12, atol=0)
    torch.testing.assert_close(found.scores, net.module(expected)[:, 2].detach())
    assert (expected - start).abs().max() > 0.1
    shown = INPUT.display(expected)
    assert shown.min() < 0 or shown.max() > 1  # a clip would have been seen


def test_a_channel_is_climbed_so_too(net: iv.Network) -> None:
    found = iv.synthesize(net, 50 * iv.Channel("conv2", 3), recipe=iv.LECTURE, steps=60)

    def answer(x: Tensor) -> Tensor:
        maps = net.module.conv2(functional.relu(net.module.norm(net.module.conv1(x))))
        return 50 * maps[0, 3].mean()

    expected, _ = slide(noise(), answer, optim.Adam, 60, lr=0.1)
    torch.testing.assert_close(found.inputs, expected, **CLOSE)


def test_it_is_shown_as_on_the_slide(net: iv.Network) -> None:
    """Each picture for itself; torchvision's `save_image` clips what is beyond 0–1."""
    found = iv.synthesize(net, [iv.Logit(2), iv.Logit(1)], recipe=iv.LECTURE, steps=40, snapshots=[40])
    shown = torch.cat([0.5 + 0.1 * (x - x.mean()) / x.std() for x in found.inputs.split(1)]).clamp(0, 1)
    torch.testing.assert_close(found.pixels, shown)
    torch.testing.assert_close(found.snapshots[0], shown)
    even = iv.FreePixels().shown(net, torch.full((1, 3, 4, 4), 2.0))
    assert (even == 0.5).all()


def test_the_noise_it_starts_from_is_that_of_torch() -> None:
    net = iv.Network(network(SmallCNN()).module, INPUT)
    start = iv.FreePixels().start(net, Streams([7]))
    torch.testing.assert_close(start.double(), noise(7), rtol=1e-6, atol=0)  # two ways to multiply by 0.01


def test_an_image_is_taken_value_by_value_and_in_another_size_without_being_clipped() -> None:
    net, far = iv.Network(network(SmallCNN()).module, INPUT), 9 * torch.randn(1, 3, 24, 24)
    assert torch.equal(iv.FreePixels(image=far).start(net, Streams([0, 1])), far.repeat(2, 1, 1, 1))
    even = torch.full((1, 3, 24, 24), -40.0)
    torch.testing.assert_close(
        iv.FreePixels((8, 12), image=even).start(net, Streams([0])), torch.full((1, 3, 8, 12), -40.0)
    )


def test_steps_that_grow_without_end_are_refused(net: iv.Network) -> None:
    """Of plain steps against a prior that is square, those above 2 / curvature do."""
    recipe = replace(iv.LECTURE, optimizer="sgd", learning_rate=1e9)
    with pytest.raises(iv.MethodError, match=r"NaN or infinity; .* or with a smaller learning_rate"):
        iv.synthesize(net, iv.Logit(2), recipe=recipe, steps=60)
