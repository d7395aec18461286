"""Reading activations: what is kept, when the pass stops, where gradients start."""

import pytest
import torch
from torch import nn

import innerview as iv
from innerview.modules.scope import untouched
from innerview.passes.forward import forward
from small_networks import Residual, SmallCNN, images, network


def seen(net: iv.Network, x: torch.Tensor, *layers: str, **how: object) -> dict[str, torch.Tensor]:
    with untouched(net.module), torch.no_grad():
        return dict(forward(net, x, record=layers, **how).activations)


def test_activations_equal_the_modules_run_by_hand() -> None:
    net, x = network(SmallCNN()), images()
    m = net.module.eval()
    kept = seen(net, x, "conv1", "norm", "relu:1", "conv2", "relu", "fc")
    with torch.no_grad():
        conv1 = m.conv1(x)
        norm = m.norm(conv1)
        relu1 = torch.relu(norm)
        conv2 = m.conv2(relu1)
        expected = [conv1, norm, relu1, conv2, torch.relu(conv2), m(x.clone())]
    for value, truth in zip(kept.values(), expected, strict=True):
        torch.testing.assert_close(value, truth)


def test_an_inplace_operation_afterwards_does_not_change_what_was_kept() -> None:
    kept = seen(network(SmallCNN()), images(), "norm", "relu:1")
    assert kept["norm"].min() < 0
    assert torch.equal(kept["norm"].relu(), kept["relu:1"])


def test_reused_modules_have_an_address_per_call() -> None:
    net, x = network(Residual()), images()
    kept = seen(net, x, "block:1", "block:2", "block")
    assert torch.equal(kept["block"], kept["block:2"])
    assert not torch.equal(kept["block:1"], kept["block:2"])
    with pytest.raises(iv.InnerviewError, match="runs 2 time\\(s\\) in a pass, so 'block:3' does not exist"):
        net.address("block:3", x)


def test_the_pass_stops_right_after_the_last_layer_that_is_needed() -> None:
    net, ran = network(SmallCNN()), []
    net.layers(images())
    for name in ("conv1", "relu", "conv2", "fc"):
        net.module.get_submodule(name).register_forward_hook(lambda *_, name=name: ran.append(name))
    seen(net, images(), "conv1", "relu:1", stop=True)
    assert ran == ["conv1", "relu"]


def test_an_early_stop_is_not_caught_by_the_networks_own_handlers() -> None:
    class Guarded(SmallCNN):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            try:
                return super().forward(x)
            except Exception:  # the network must not take our stop for a failure of its own
                return torch.zeros(len(x), 5)

    net = network(Guarded())
    net.layers(images())
    with untouched(net.module):
        assert forward(net, images(), record=["conv1"], stop=True).output is None


def test_recording_does_not_change_the_output() -> None:
    net, x = network(SmallCNN()), images()
    with untouched(net.module), torch.no_grad():
        plain = forward(net, x).output
        taped = forward(net, x, record=[layer.name for layer in net.layers(x)]).output
    assert torch.equal(plain, taped)


def test_the_users_input_is_never_written_to() -> None:
    class Shifting(SmallCNN):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x += 1
            return super().forward(x)

    net, x = network(Shifting()), images()
    before = x.clone()
    net.logits(x)
    iv.Gradient()(net, x, iv.Logit(0))
    assert torch.equal(x, before)


def test_layers_that_give_tuples_are_read_and_keep_their_form() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(24, 6, batch_first=True)
            self.fc = nn.Linear(6, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            states, (hidden, _) = self.lstm(x.permute(0, 2, 1, 3).flatten(2))
            return self.fc(states[:, -1] + hidden[0])

    net, x = network(Recurrent()), images()
    with torch.no_grad():
        states, _ = net.module.lstm(x.permute(0, 2, 1, 3).flatten(2))
    torch.testing.assert_close(seen(net, x, "lstm")["lstm"], states)


def test_a_module_that_does_not_run_is_named() -> None:
    class Spare(SmallCNN):
        def __init__(self) -> None:
            super().__init__()
            self.auxiliary = nn.Linear(2, 2)

    with pytest.raises(iv.InnerviewError) as caught:
        network(Spare()).address("auxiliary")
    assert str(caught.value) == (
        "layer 'auxiliary' of Spare does not run in a forward pass, so there is nothing to see"
    )


def test_an_unknown_layer_names_the_nearest_ones() -> None:
    with pytest.raises(iv.InnerviewError) as caught:
        network(SmallCNN()).address("convl")
    assert str(caught.value).startswith("no layer 'convl' in SmallCNN; did you mean 'conv")
    assert str(caught.value).endswith("? `innerview layers SmallCNN` lists them")
