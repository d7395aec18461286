"""Layer-wise relevance propagation against hand-worked numbers, gradient × input and two peers."""

import copy

import captum.attr
import pytest
import torch
import torchvision
import zennit.attribution
import zennit.composites
import zennit.rules
import zennit.torchvision
import zennit.types
from captum.attr._utils.lrp_rules import EpsilonRule
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

import innerview as iv
from innerview.attribution.lrp.lrp import LRP, RULES
from small_networks import PIXELS, OneConv, Residual, SmallCNN, images, network

GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))
EXACT = 1e-12


def double(module: nn.Module, preprocess: iv.Preprocess = PIXELS) -> iv.Network:
    return iv.Network(network(module).module.double().eval(), preprocess)


def values(method: LRP, net: iv.Network, x: Tensor, why: object = None) -> Tensor:
    return method(net, x, why or iv.Logit(1)).values


def test_epsilon_on_model_a() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = values(LRP("epsilon"), iv.Network(OneConv().double(), GREY), x)
    expected = torch.tensor([[0.0, 1, 2, 3], [0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(found[0, 0], expected, atol=1e-5, rtol=0)


def test_epsilon_at_the_first_convolution_of_model_a() -> None:
    whole = OneConv().double()
    features = whole.conv1(torch.arange(16.0, dtype=torch.float64).reshape(1, 1, 4, 4)).detach()
    rest = nn.Sequential(whole.relu1, nn.Flatten(), whole.fc1, whole.relu2)
    found = values(LRP("epsilon"), iv.Network(rest, iv.Preprocess(size=2)), features)
    expected = torch.tensor([[[0.0, 4], [31, 40]], [[0, 0], [-6, -15]]], dtype=torch.float64)
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("method", "first_weight", "expected"),
    [
        (LRP("epsilon"), 2.0, [18, 36, 54]),
        (LRP("gamma", gamma=1.0), -2.0, [28 / 3, 104 / 3, 52]),
        (LRP("zplus"), -2.0, [12, 33.6, 50.4]),
    ],
)
def test_the_rules_on_two_linear_layers(method: LRP, first_weight: float, expected: list[float]) -> None:
    first, second = nn.Linear(3, 3, bias=False).double(), nn.Linear(3, 1, bias=False).double()
    with torch.no_grad():
        first.weight.fill_(2)
        first.weight[0, 0] = first_weight
        second.weight.fill_(3)
    net = iv.Network(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second), GREY)
    found = values(method, net, torch.tensor([1.0, 2, 3]).reshape(1, 1, 1, 3), iv.Logit(0))
    torch.testing.assert_close(found.flatten(), torch.tensor(expected, dtype=torch.float64), atol=1e-5, rtol=0)


class PreActivation(nn.Module):
    """Batch normalisation before ReLU and convolution, concatenation, subtraction, average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm, self.conv = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, padding=1)
        self.pool, self.norm2, self.fc = nn.AvgPool2d(2), nn.BatchNorm1d(63), nn.Linear(63, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([x, 3 - self.conv(self.norm(self.pad(x)).relu())], 1)
        return self.fc(functional.leaky_relu(self.norm2(self.pool(x).flatten(1))))

    def pad(self, x: Tensor) -> Tensor:
        return functional.pad(x, (1, 0, 0, 1), mode="reflect")[:, :, 1:, :-1].clone()


@pytest.mark.parametrize("kind", [SmallCNN, Residual, PreActivation])
def test_epsilon_throughout_is_gradient_times_input_for_piecewise_linear_networks(kind: type[nn.Module]) -> None:
    net, x = double(kind()), images().double()
    expected = iv.GradientTimesInput()(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values(LRP("epsilon", epsilon=EXACT), net, x), expected)


class Block(nn.Module):
    """One way of wiring up a convolution without a bias."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(4, 2 if kind == "concatenation" else 4, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "residual":
            x = x + self.conv(x)
        elif self.kind == "concatenation":
            x = torch.cat([self.conv(x), x[:, 1:3]], 1)
        elif self.kind == "several readers":
            y = self.conv(x)
            x = y.relu() + self.conv(y) - 0.5 * x
        else:
            x = {"max": functional.max_pool2d, "average": functional.avg_pool2d}[self.kind](self.conv(x), 3, 1, 1)
        return x.relu()


def without_biases(kinds: list[str]) -> nn.Module:
    stem = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3, bias=False)]
    return nn.Sequential(stem, nn.ReLU(), *map(Block, kinds), *head)


KINDS = ["residual", "concatenation", "several readers", "max", "average"]


@settings(max_examples=12, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=3), seed=st.integers(0, 999), rule=st.sampled_from(sorted(RULES))
)
def test_nothing_is_lost_without_biases(kinds: list[str], seed: int, rule: str) -> None:
    net, x = iv.Network(network(without_biases(kinds), seed).module.double(), PIXELS), images(2, seed=seed).double()
    if "plus" in rule:  # a unit that nothing raises would absorb what it gets
        x.abs_()
        for parameter in net.module.parameters():
            parameter.data.abs_()
    logits = net.logits(x)
    found = values(LRP(rule, epsilon=EXACT), net, x, iv.Logit(0) - iv.Logit(2)).sum((1, 2, 3))
    torch.testing.assert_close(found, logits[:, 0] - logits[:, 2], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_normalisation_is_part_of_the_convolution_before_it(rule: str) -> None:
    module = SmallCNN()
    net, x = double(module), images().double()
    folded = copy.deepcopy(module)
    folded.conv1, folded.norm = fuse_conv_bn_eval(folded.conv1, folded.norm), nn.Identity()
    torch.testing.assert_close(values(LRP(rule), net, x), values(LRP(rule), iv.Network(folded, PIXELS), x))


@pytest.mark.parametrize("rule", RULES)
def test_two_questions_about_different_depths_add_up(rule: str) -> None:
    net, x, method = double(SmallCNN()), images().double(), LRP(rule)
    logit, neuron = iv.Logit(1), iv.Neuron("conv1", 2, (3, 3))
    together, apart = values(method, net, x, logit + neuron), values(method, net, x) + values(method, net, x, neuron)
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize("layer", ["conv1", "norm", "conv2"])
def test_relevance_of_a_neuron_starts_from_its_activation(layer: str) -> None:
    net, x = double(SmallCNN()), images().double()
    for bias in (net.module.conv1.bias, net.module.conv2.bias, net.module.norm.bias, net.module.norm.running_mean):
        bias.data.zero_()
    neuron, method = iv.Neuron(layer, 1, (2, 2)), LRP("epsilon", epsilon=EXACT)
    torch.testing.assert_close(values(method, net, x, neuron).sum((1, 2, 3)), method.total(net, x, neuron))


def test_the_total_is_the_score_for_differences_of_logits() -> None:
    net, x = double(SmallCNN()), images().double()
    logits, found = net.logits(x), LRP().total(net, x, iv.Logit(0) - 2 * iv.Logit(3) + 7)
    torch.testing.assert_close(found, logits[:, 0] - 2 * logits[:, 3])


def zennits(module: nn.Module, x: Tensor, composite: object) -> Tensor:
    def relevance(output: Tensor) -> Tensor:
        return output * functional.one_hot(torch.tensor(1), output.shape[1])

    for each in module.modules():  # a norm that zennit has merged still divides by √(1 + eps)
        if isinstance(each, nn.BatchNorm2d):
            each.eps = 1e-14

    with zennit.attribution.Gradient(module, composite) as attributor:
        return attributor(x, relevance)[1]


def composites(*canonizers: object) -> list[tuple[str, object]]:
    """With zplus as it was derived, for units without a positive bias: Zennit leaves biases in unless it is told."""
    plus = [(zennit.types.Convolution, zennit.rules.ZPlus(zero_params=["bias"]))]
    return [
        ("epsilon-plus-flat", zennit.composites.EpsilonPlusFlat(layer_map=plus, canonizers=[*canonizers])),
        ("epsilon-gamma-box", zennit.composites.EpsilonGammaBox(low=0.0, high=1.0, canonizers=[*canonizers])),
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_a_thin_vgg_agrees_with_zennit(number: int) -> None:
    thin = torchvision.models.vgg.make_layers([4, "M", 8, 8, "M"], batch_norm=True)
    module = nn.Sequential(thin, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 6), nn.ReLU(), nn.Linear(6, 5))
    net, x = double(module), images(2, size=32).double()
    rule, composite = composites(zennit.torchvision.VGGCanonizer())[number]
    expected = zennits(module, x, composite)
    torch.testing.assert_close(values(LRP(rule), net, x), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1])
def test_a_transposed_convolution_agrees_with_zennit(number: int) -> None:
    up = nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1, groups=2)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), up, nn.ReLU(), nn.Flatten(), nn.Linear(6 * 144, 5))
    net, x = double(module), images().double()
    module[0].bias.data.fill_(4)  # so that something raises every unit: what nothing raises is lost in Zennit
    rule, composite = composites()[number]
    expected = zennits(module, x, composite)
    torch.testing.assert_close(values(LRP(rule), net, x), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", [0, 1])
def test_a_resnet_agrees_with_zennit(number: int) -> None:
    module = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 1, 1, 1])
    module.layer3 = module.layer4 = nn.Identity()
    module.fc = nn.Linear(128, 5)
    net, x = double(module), images(1, size=32).double()
    for each in module.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.kaiming_normal_(each.weight, generator=torch.Generator().manual_seed(3))
    rule, composite = composites(zennit.torchvision.ResNetCanonizer())[number]
    expected = zennits(module, x, composite)
    torch.testing.assert_close(values(LRP(rule), net, x), expected, rtol=1e-9, atol=1e-12)


class Reusing(nn.Module):
    """A convolution that is used twice, or two of the same weights."""

    def __init__(self, *, unrolled: bool) -> None:
        super().__init__()
        self.stem, self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 5)
        self.again = nn.Conv2d(4, 4, 3, padding=1) if unrolled else self.conv
        self.relu, self.pool = nn.ReLU(), nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv(self.relu(self.stem(x))))
        return self.fc(self.pool(self.relu(self.again(x))).flatten(1))


def test_a_reused_convolution_is_two_of_the_same_weights_where_zennit_errs() -> None:
    reusing, unrolled = Reusing(unrolled=False), Reusing(unrolled=True)
    net, x = double(reusing), images().double()
    unrolled.double().load_state_dict(reusing.state_dict())
    expected = values(LRP(), iv.Network(unrolled, PIXELS), x)
    torch.testing.assert_close(values(LRP(), net, x), expected)
    (_, composite), _ = composites()
    torch.testing.assert_close(zennits(unrolled, x, composite), expected)
    assert not torch.allclose(zennits(reusing, x, composite), expected, rtol=0.1)


def test_epsilon_agrees_with_captum() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5)
    )
    net, x = double(module), images().double()
    peer = copy.deepcopy(module)
    for each in peer:
        each.rule = EpsilonRule(epsilon=1e-9)
    expected = captum.attr.LRP(peer).attribute(x.clone().requires_grad_(), target=1).detach()
    torch.testing.assert_close(values(LRP("epsilon", epsilon=1e-9), net, x), expected)
