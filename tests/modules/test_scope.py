"""Everything a look inside changes is undone, whatever happens."""

import threading

import pytest
import torch
from torch import nn

import innerview as iv
from fingerprint import fingerprint
from innerview.modules.scope import hooked, untouched
from small_networks import SmallCNN, images, network


class Counting(nn.Module):
    """Counts its calls in a buffer, in place and by assignment, and draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(()))
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.replaced = self.replaced + 1
        return self.conv(x + 0.0 * torch.rand(1)).mean((2, 3))


def test_a_forward_pass_that_writes_buffers_and_draws_numbers_leaves_no_trace() -> None:
    net, x = iv.Network(Counting()), images()
    kept = net.module.replaced
    before = torch.get_rng_state()
    net.logits(x)
    iv.Gradient()(net, x, iv.Logit(0))
    assert net.module.calls == 0
    assert net.module.replaced is kept
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_module_notes_down_for_an_input_is_forgotten() -> None:
    """Swin of transformers makes its windows smaller for a small input, and would keep them so."""

    class Adapting(Counting):
        window = 4

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.window = min(self.window, x.shape[2])
            return super().forward(x)

    module = Adapting()
    module.window = 6
    net = iv.Network(module, iv.Preprocess(size=8))
    net.logits(images(size=5))
    assert module.window == 6


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_it_is_undone_after_any_exception(error: type[BaseException]) -> None:
    module, x = network(SmallCNN()).module, images()
    before = fingerprint(module, x)

    def interrupted() -> None:
        with untouched(module), hooked({module.conv1: lambda *_: None}):
            assert not any(each.training for each in module.modules())
            assert not any(each.requires_grad for each in module.parameters())
            raise error

    with pytest.raises(error):
        interrupted()
    assert fingerprint(module, x) == before


def test_hooks_that_cannot_all_be_added_are_all_removed() -> None:
    module, x = network(SmallCNN()).module, images()
    before = fingerprint(module, x)
    with pytest.raises(AttributeError), hooked({module.conv1: lambda *_: None, "no module": lambda *_: None}):
        raise AssertionError("never reached")
    assert fingerprint(module, x) == before


def test_training_goes_on_bit_for_bit_as_if_nobody_had_looked() -> None:
    def train(*, look: bool) -> torch.Tensor:
        torch.manual_seed(0)
        net = network(SmallCNN())
        net.module.train()
        optimizer = torch.optim.SGD(net.module.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net.module(images(4)), torch.tensor([0, 1, 2, 3])).backward()
            if look:
                iv.GradCAM()(net, images(), iv.Logit(1))
                iv.SmoothGrad(samples=2)(net, images(), iv.Logit(1))
            optimizer.step()
        return torch.cat([each.detach().flatten() for each in net.module.parameters()])

    assert torch.equal(train(look=True), train(look=False))


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
def test_threads_that_look_at_one_network_at_the_same_time_get_the_serial_numbers() -> None:
    net, x = network(SmallCNN()), images()
    methods = [iv.Gradient(), iv.GradCAM(), iv.SmoothGrad(samples=2), iv.Occlusion(window=4)]
    expected = [method(net, x, iv.Logit(1)).values for method in methods]
    before, wrong = fingerprint(net.module, x), []

    def work(turn: int) -> None:
        for step in range(6):
            which = (turn + step) % len(methods)
            if not torch.equal(methods[which](net, x, iv.Logit(1)).values, expected[which]):
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert fingerprint(net.module, x) == before


class Remembering(SmallCNN):
    """Keeps what it makes of its weights while it evaluates, and forgets it when training begins."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[str, torch.Tensor] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            return super().forward(x)
        if "weight" not in self.cache:
            self.cache["weight"] = 2 * self.fc.weight
        return self.features(x).mean((2, 3)) @ self.cache["weight"].T


def test_what_a_network_remembers_of_its_weights_does_not_outlive_a_look() -> None:
    net, x = network(Remembering()), images()
    before = net.logits(x)
    assert net.module.cache == {}
    with torch.no_grad():
        net.module.fc.weight.mul_(3)
    torch.testing.assert_close(net.logits(x), 3 * before)
