"""Which networks relevance can pass, however they are written, and what it leaves behind."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import _get_current_function_mode

import innerview as iv
from fingerprint import fingerprint
from innerview.attribution.lrp.lrp import LRP, RULES
from relu_spellings import SPELLINGS
from small_networks import PIXELS, Functional, Residual, SmallCNN, With, images, network


class Modules(nn.Module):
    """A small residual network of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.again, self.pool = nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(1)
        self.flatten, self.drop, self.fc = nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(x)))
        x = self.relu(x + self.again(x))
        return self.fc(self.drop(self.flatten(self.pool(x))))


class InFunctions(Modules):
    """The same, in functions."""

    def forward(self, x: Tensor) -> Tensor:
        x = functional.conv2d(input=x, weight=self.conv.weight, bias=self.conv.bias)
        norm = self.norm
        x = functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.1, norm.eps)
        x = functional.relu(x, inplace=True)
        x = torch.add(functional.conv2d(x, self.again.weight, self.again.bias), x).relu()
        x = functional.dropout(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1), training=False)
        return x @ self.fc.weight.T + self.fc.bias


class InPlace(Modules):
    """The same, writing over its own tensors wherever it can, also over what was read before."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        torch.relu_(x[:, :2])
        x[:, 2:].relu_()
        y = self.again(x)
        y += x
        x *= 0
        y = functional.dropout(functional.relu(y), training=False, inplace=True)
        y *= 2
        return self.fc(y.mean([2, 3]).view(len(x), -1).div_(2))


class Moving(Modules):
    """The same, with values moved about and brought back."""

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat(x.split(1, 1), 1).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        x = functional.max_pool2d(self.relu(self.norm(self.conv(x).clone())), 1)
        x = self.relu(sum([torch.stack(x.unbind(1), 1), functional.pad(self.again(x), (1, 1))[..., 1:-1]]))
        pooled = functional.avg_pool2d(x, 6)
        moved = torch.zeros_like(pooled)
        moved[:, ::2] = pooled[:, ::2]
        moved[:, 1::2] = pooled[:, [1, 3]]
        return self.fc(moved.to(torch.float64).squeeze())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", [InFunctions, InPlace, Moving])
def test_however_a_network_is_written_the_relevance_is_that_of_its_modules(kind: type[Modules], rule: str) -> None:
    x = images().double()
    plain, written = (iv.Network(network(each()).module.double(), PIXELS) for each in (Modules, kind))
    torch.testing.assert_close(plain.logits(x), written.logits(x))
    if kind is InFunctions and rule in ("gamma", "zplus"):  # a bias that is added on its own falls under epsilon
        plain.module.fc.bias.data.zero_(), written.module.fc.bias.data.zero_()
    method = LRP(rule, epsilon=1e-12)
    expected = method(plain, x, iv.Logit(1)).values
    torch.testing.assert_close(method(written, x, iv.Logit(1)).values, expected)


class Normalising(SmallCNN):
    """Pixels are normalised inside the network."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / 0.25)


@pytest.mark.parametrize("rule", ["epsilon-plus-flat", "epsilon", "zplus", "gamma"])
def test_pixels_may_be_normalised_inside_the_network_or_before_it(rule: str) -> None:
    inside, before, x = network(Normalising()), network(SmallCNN()), images()
    normalised = (x - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / 0.25
    expected = LRP(rule)(before, normalised, iv.Logit(1)).values
    torch.testing.assert_close(LRP(rule)(inside, x, iv.Logit(1)).values, expected)


def test_enlarging_the_image_shares_flat_relevance_evenly() -> None:
    plain = network(nn.Sequential(nn.Conv2d(3, 4, 2, stride=2, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)))
    larger = iv.Network(nn.Sequential(nn.Upsample(scale_factor=2), plain.module), PIXELS)
    x = images(size=4)
    big = LRP()(plain, functional.interpolate(x, scale_factor=2), iv.Logit(1)).values
    found = LRP()(larger, x, iv.Logit(1)).values
    torch.testing.assert_close(found, functional.avg_pool2d(big, 2) * 4, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_relu_passes_relevance_on_however_it_is_spelled(spelling: str) -> None:
    plain = nn.ReLU6() if SPELLINGS[spelling](torch.tensor([9.0])) == 6 else nn.ReLU()
    expected = LRP()(network(With(plain)), images(), iv.Logit(1)).values
    assert torch.equal(LRP()(network(With(SPELLINGS[spelling])), images(), iv.Logit(1)).values, expected)


class WithMore(SmallCNN):
    """Gives the probabilities beside the logits."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        logits = super().forward(x)
        return {"logits": logits, "probabilities": logits.softmax(1), "gate": x.sigmoid() * x}


def test_what_the_objective_does_not_read_needs_no_rule() -> None:
    net, plain, x = network(WithMore()), network(SmallCNN()), images()
    assert torch.equal(LRP()(net, x, iv.Logit(1)).values, LRP()(plain, x, iv.Logit(1)).values)


def test_a_detached_input_is_an_error() -> None:
    with pytest.raises(iv.errors.MethodError, match="its forward pass detaches what the question"):
        LRP()(network(With(Tensor.detach)), images(), iv.Logit(1))


def test_a_constant_question_is_an_error() -> None:
    constant = iv.objectives.Constant(2.0)
    with pytest.raises(iv.errors.MethodError, match="the question does not depend on what"):
        LRP()(network(SmallCNN()), images(), constant)


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("kind", [Functional, Residual, lambda: With(torch.sigmoid)])
def test_nothing_is_left_behind(kind: Callable[[], nn.Module]) -> None:
    net, x = network(kind()), images()
    before = fingerprint(net.module, x)
    try:
        LRP()(net, x, iv.Logit(1))
    except iv.errors.MethodError:
        assert isinstance(net.module, With)
    assert fingerprint(net.module, x) == before
    assert _get_current_function_mode() is None


def test_the_mode_ends_with_an_exception_in_the_network() -> None:
    def fail(_: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LRP()(network(With(fail)), images(), iv.Logit(1))
    assert _get_current_function_mode() is None


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_is_a_loop_of_singles(rule: str) -> None:
    net, x = network(Residual()), images(3)
    asked = [iv.Logit(0), iv.Probability(1), iv.Logit(2) - iv.Neuron("stem", 1, (1, 1))]
    together = LRP(rule)(net, x, asked).values
    apart = torch.cat([LRP(rule)(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_half_precision_comes_close(rule: str) -> None:
    net, x = network(SmallCNN()), images()
    expected = LRP(rule)(net, x, iv.Logit(1)).values.flatten()
    half = iv.Network(net.module.to(torch.bfloat16), PIXELS)
    found = LRP(rule)(half, x, iv.Logit(1)).values.float().flatten()
    assert torch.cosine_similarity(found, expected, dim=0) > 0.97


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rule": "composite"}, "rule is \"epsilon-plus-flat\".*got 'composite'"),
        ({"epsilon": 0.0}, "epsilon is a number, above 0; got 0"),
        ({"gamma": -1.0}, "at least 0; got -1"),
    ],
)
def test_settings_outside_their_range_are_errors(wrong: dict, message: str) -> None:
    with pytest.raises(iv.errors.SettingError, match=message):
        LRP(**wrong)
