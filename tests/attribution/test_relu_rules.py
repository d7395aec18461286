"""Other rules at the ReLUs, against tables worked out by hand and peers."""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import captum.attr
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import _get_current_function_mode_stack
from torchvision.models import DenseNet, resnet18
from torchvision.models.googlenet import BasicConv2d
from torchvision.models.vgg import cfgs, make_layers

import innerview as iv
from innerview.attribution.relu_rules import Deconvolution, GuidedBackprop
from innerview.modules.relu_rules import ReluRule, ReluRules
from innerview.modules.scope import untouched
from innerview.objectives.scoring import input_gradient
from relu_spellings import CAPPED, IN_PLACE, IN_PLACE_CAPPED, SPELLINGS, UNCAPPED
from small_networks import Functional, OneConv, Residual, SmallCNN, TinyViT, images, network

X = torch.arange(16.0).reshape(1, 1, 4, 4)
GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))
RULES = ("plain", "deconvolution", "guided")
METHODS = {"deconvolution": Deconvolution(), "guided": GuidedBackprop()}


def back(function: Callable[[Tensor], Tensor], x: list[float] | Tensor, rule: ReluRule) -> list:
    """What arrives at x when ones go back through the function."""
    leaf = torch.as_tensor(x, dtype=torch.float32).requires_grad_()
    with following(rule):
        return torch.autograd.grad(function(leaf.clone()).sum(), leaf)[0].tolist()


@contextmanager
def following(rule: ReluRule) -> Iterator[ReluRules]:
    """Forward and back by one rule, whether or not there are ReLUs."""
    with ReluRules() as relus:
        relus.rule = rule
        yield relus


# --- tables


@pytest.mark.parametrize(
    ("method", "plus", "expected"),
    [
        (GuidedBackprop(), 0, [[0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]]),
        (GuidedBackprop(), 1, [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]),
        (Deconvolution(), 0, [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]),
        (Deconvolution(), 1, [[2, 3, 3, 1], [3, 5, 5, 2], [3, 5, 5, 2], [1, 2, 2, 1]]),
    ],
)
def test_the_maps_of_model_a(method: iv.Method, plus: int, expected: list) -> None:
    assert method(iv.Network(OneConv(), GREY), X + plus, iv.Logit(0)).values[0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("function", "plain", "deconvolution", "guided"),
    [
        (lambda t: -t.relu().square(), [-10, 0, 0, -20], [0, 0, 0, 0], [0, 0, 0, 0]),
        (lambda t: t.relu().square(), [10, 0, 0, 20], [10, 0, 0, 20], [10, 0, 0, 20]),
        (lambda t: 10 * t.relu(), [10, 0, 0, 10], [10, 10, 10, 10], [10, 0, 0, 10]),
        (lambda t: t.clamp(0, 3).square(), [0, 0, 0, 0], [6, 0, 0, 6], [0, 0, 0, 0]),
        (lambda t: functional.hardtanh(t, 0, 7).square(), [10, 0, 0, 0], [10, 0, 0, 14], [10, 0, 0, 0]),
    ],
)
def test_one_relu_by_hand(function: Callable, plain: list, deconvolution: list, guided: list) -> None:
    found = {rule: back(function, [5, 0, -5, 10], rule) for rule in RULES}
    assert found == {"plain": plain, "deconvolution": deconvolution, "guided": guided}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("rule", "uncapped", "capped"),
    [
        ("plain", [-1, -1, 0, 2, 0, 2], [-1, -1, 0, 2, 0, 0]),
        ("deconvolution", [0, 0, 3, 2, 3, 2], [0, 0, 3, 2, 3, 2]),
        ("guided", [0, 0, 0, 2, 0, 2], [0, 0, 0, 2, 0, 0]),
    ],
)
def test_every_spelling_follows_the_rule(spelling: str, rule: ReluRule, uncapped: list, capped: list) -> None:
    weights = torch.tensor([-1.0, -1, 3, 2, 3, 2])
    found = back(lambda t: SPELLINGS[spelling](t) * weights, [1, 5, 0, 3, -2, 8], rule)
    assert found == (uncapped if spelling in UNCAPPED else capped)


@pytest.mark.parametrize(
    "other",
    [
        lambda t: t.clamp(min=0.5),
        lambda t: t.clamp(max=6),
        lambda t: t.clamp(-1, 6),
        lambda t: t.clamp(min=torch.zeros(4)),
        lambda t: t.clamp(min=torch.zeros(()), max=torch.ones(())),
        lambda t: functional.threshold(t, 0, 0.5),
        lambda t: functional.threshold(t, 0.5, 0),
        nn.Hardtanh(),
        nn.LeakyReLU(),
        functional.gelu,
    ],
)
def test_what_is_no_relu_keeps_its_derivative(other: Callable[[Tensor], Tensor]) -> None:
    leaf = torch.tensor([-2.0, 0.2, 0.7, 8]).requires_grad_()
    true = torch.autograd.grad(-other(leaf).sum(), leaf)[0].tolist()
    assert [back(lambda t: -other(t), leaf.detach(), rule) for rule in RULES] == [true] * 3


# --- consumers, aliases, later changes


def test_another_consumer_of_the_relus_input_is_not_rectified() -> None:
    def both(x: Tensor) -> Tensor:
        t = 2 * x
        return t.relu() - 3 * t

    assert back(both, [1, -1], "guided") == [-4, -6]
    assert back(both, [1, -1], "deconvolution") == [-4, -4]


class TwoConsumers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        t = 2 * x.flatten(1)
        return self.relu(t) - 3 * t


class FunctionalOnes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 1, bias=False)
        self.linear.weight.data = torch.tensor([[1.0, -1.0]])

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(functional.relu(x.flatten(1)))


def peer(kind: str, module: nn.Module, x: Tensor, target: int) -> Tensor:
    method = {"deconvolution": captum.attr.Deconvolution, "guided": captum.attr.GuidedBackprop}[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(module).attribute(x.clone().requires_grad_(), target=target).detach()


@pytest.mark.parametrize(
    ("kind", "right", "captum_says"), [("guided", [-4, -6], [0, 0]), ("deconvolution", [-4] * 2, [2] * 2)]
)
def test_captum_rectifies_the_gradients_of_all_consumers(kind: str, right: list, captum_says: list) -> None:
    x = torch.tensor([1.0, -1]).reshape(2, 1, 1, 1)
    net = iv.Network(TwoConsumers(), iv.Preprocess(size=1, mean=(0.0,), std=(1.0,)))
    assert METHODS[kind](net, x, iv.Logit(0)).values.flatten().tolist() == right
    assert peer(kind, net.module, x, 0).flatten().tolist() == captum_says


def test_captum_does_not_see_functional_relus() -> None:
    net = iv.Network(FunctionalOnes(), iv.Preprocess(size=2, mean=(0.0,), std=(1.0,)))
    x = torch.ones(1, 1, 1, 2)
    assert GuidedBackprop()(net, x, iv.Logit(0)).values.flatten().tolist() == [1, 0]
    assert peer("guided", net.module, x, 0).flatten().tolist() == [1, -1]


@pytest.mark.parametrize("spelling", IN_PLACE)
def test_in_place_relus_are_seen_through_aliases(spelling: str) -> None:
    def changed(x: Tensor) -> Tensor:
        alias, t = x.view(6), x.view(2, 3)
        assert IN_PLACE[spelling](t) is t
        assert alias.min() == 0
        return alias * torch.tensor([1.0, -1, 1, -1, 1, -1])

    assert back(changed, [1, 1, -1, -1, 3, 3], "guided") == [1, 0, 0, 0, 1, 0]
    assert back(changed, [1, 1, -1, -1, 3, 3], "deconvolution") == [1, 0, 1, 0, 1, 0]
    assert back(changed, [1, 1, -1, -1, 3, 3], "plain") == [1, -1, 0, 0, 1, -1]


@pytest.mark.parametrize("spelling", IN_PLACE)
def test_an_in_place_relu_of_a_part_leaves_the_rest_linear(spelling: str) -> None:
    def partly(x: Tensor) -> Tensor:
        y = x.reshape(2, 3)
        IN_PLACE[spelling](y[:, 1:])
        return y * torch.tensor([[-1.0, 1, -1], [-1, 1, -1]])

    assert back(partly, [-2, -2, 2, 2, 2, 2], "guided") == [-1, 0, 0, -1, 1, 0]
    assert back(partly, [-2, -2, 2, 2, 2, 2], "deconvolution") == [-1, 1, 0, -1, 1, 0]


@pytest.mark.parametrize("spelling", (CAPPED | IN_PLACE_CAPPED) | {"clamp(min=0)": None, "clamp_(min=0)": None})
def test_the_output_of_a_clamp_may_be_changed_in_place_later(spelling: str) -> None:
    """As in the hard sigmoid relu6(x + 3).div_(6); PyTorch allows it wherever ReLU's output is not kept."""

    def hard(x: Tensor) -> Tensor:
        return SPELLINGS[spelling](x + 3).sub_(6).div_(2)

    assert back(hard, [-4, -2, 1], "guided") == [0, 0.5, 0.5]


# --- peers where they are right


def not_in_place(module: nn.Module) -> nn.Module:
    module = copy.deepcopy(module).eval()
    for each in module.modules():
        if isinstance(each, nn.ReLU):
            each.inplace = False
    return module


def vgg11() -> nn.Module:
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))
    return nn.Sequential(make_layers(cfgs["A"], batch_norm=True), *head)


@pytest.mark.parametrize("build", [vgg11, lambda: resnet18(num_classes=10)], ids=["vgg11", "resnet18"])
def test_vgg_and_resnet_agree_with_captum(build: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    net, x = iv.Network(build()), images(2, size=40)
    spelled_out = not_in_place(net.module)
    for kind, method in METHODS.items():
        values, expected = method(net, x, iv.Logit(7)).values, peer(kind, spelled_out, x, 7)
        largest = expected.abs().max()
        assert largest > 0
        torch.testing.assert_close(values / largest, expected / largest, rtol=1e-3, atol=1e-5)


def densenet(**settings: object) -> iv.Network:
    torch.manual_seed(0)
    return iv.Network(DenseNet(growth_rate=4, block_config=(1, 1), num_init_features=8, num_classes=5, **settings))


@pytest.mark.parametrize("kind", METHODS)
def test_densenets_last_functional_relu_counts(kind: str) -> None:
    net, x = densenet(), images(2, size=32)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.module.classifier)
    spelled_out = not_in_place(nn.Sequential(net.module.features, nn.ReLU(), *head))
    values = METHODS[kind](net, x, iv.Logit(3)).values
    torch.testing.assert_close(values, peer(kind, spelled_out, x, 3), rtol=1e-4, atol=1e-7)
    assert not torch.allclose(values, peer(kind, not_in_place(net.module), x, 3), rtol=0.1)


def test_activations_that_are_recomputed_follow_the_rule_too() -> None:
    x = images(2, size=32)
    expected = GuidedBackprop()(densenet(), x, iv.Logit(3)).values
    torch.testing.assert_close(GuidedBackprop()(densenet(memory_efficient=True), x, iv.Logit(3)).values, expected)


@pytest.mark.parametrize("kind", METHODS)
def test_googlenets_functional_relus_follow_the_rule(kind: str) -> None:
    convolutions = (BasicConv2d(3, 4, kernel_size=3), BasicConv2d(4, 6, kernel_size=3))
    net, x = network(nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(96, 5))), images()
    first, second, *head = net.module
    spelled_out = nn.Sequential(first.conv, first.bn, nn.ReLU(), second.conv, second.bn, nn.ReLU(), *head).eval()
    values = METHODS[kind](net, x, iv.Logit(3)).values
    torch.testing.assert_close(values, peer(kind, spelled_out, x, 3), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", METHODS)
def test_functional_reused_and_in_place_relus_are_all_the_same(kind: str) -> None:
    """`Functional` is `SmallCNN` with other spellings, on an input it changes by −0.1 itself."""
    x = images(3)
    reused, functionals = network(SmallCNN()), network(Functional())
    torch.testing.assert_close(
        METHODS[kind](functionals, x, iv.Logit(1)).values, METHODS[kind](reused, x - 0.1, iv.Logit(1)).values
    )


# --- one pass, several rules; what is counted; what is refused


def test_one_forward_pass_serves_all_rules() -> None:
    leaf = torch.tensor([5.0, 0, -5, 10]).requires_grad_()
    with ReluRules() as relus:
        y = (leaf.relu() * torch.tensor([-1.0, 1, 1, 1])).sum()
        found = {}
        for rule in (*RULES, *reversed(RULES)):
            relus.rule = rule
            gradient = torch.autograd.grad(y, leaf, retain_graph=True)[0].tolist()
            assert found.setdefault(rule, gradient) == gradient
    assert found == {"plain": [-1, 0, 0, 1], "deconvolution": [0, 1, 1, 1], "guided": [0, 0, 0, 1]}


def test_only_relus_that_a_gradient_passes_are_counted() -> None:
    with following("guided") as relus, torch.enable_grad():
        start = torch.randn(3).relu().requires_grad_()
        on_the_way, _beside = functional.relu6(start.relu()), start.clone().relu()
        assert relus.met == 0
        torch.autograd.grad(on_the_way.sum(), start)
    assert relus.met == 2


def test_a_transformers_relu_is_seen() -> None:
    net, x = network(TinyViT()), images()
    with untouched(net.module), following("guided") as relus:
        input_gradient(net, x, iv.Logit(1))
    assert relus.met == 1


@pytest.mark.parametrize(
    ("module", "objective", "rule"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(144, 5)), iv.Logit(1), "guided"),
        (SmallCNN(), iv.Neuron("conv1", 2), "deconvolution"),
    ],
)
def test_without_a_relu_on_the_way_it_is_refused(module: nn.Module, objective: iv.Objective, rule: str) -> None:
    net = network(module)
    with pytest.raises(iv.InnerviewError) as caught:
        METHODS[rule](net, images(), objective)
    assert str(caught.value) == (
        f"the {rule} rule is about ReLUs, and gradients meet none between the question and the input of "
        f"{type(module).__name__}; use Gradient, SmoothGrad, IntegratedGradients or Occlusion"
    )


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_no_rule_stays_behind_after_an_exception(error: BaseException) -> None:
    net, x = network(SmallCNN()), images()

    def fail(*_: object) -> None:
        assert any(isinstance(each, ReluRules) for each in _get_current_function_mode_stack())
        raise error

    net.layers(x)
    with net.module.fc.register_forward_hook(fail), pytest.raises(type(error)):
        GuidedBackprop()(net, x, iv.Logit(1))
    assert not _get_current_function_mode_stack()


# --- objectives, batches, precisions


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("position", [None, (1, 2)])
def test_a_neuron_is_projected_down_from_its_position(kind: str, position: tuple[int, int] | None) -> None:
    """One activation, all others zero, by hand through conv2 and the first ReLU of `SmallCNN`."""
    net, x = network(SmallCNN()), images(1)
    values = METHODS[kind](net, x, iv.Neuron("conv2", 4, position)).values[0]
    module = net.module.eval()
    with torch.no_grad():
        first = module.norm(module.conv1(x)).relu()
        maps = module.conv2(first)[0, 4]
        row, column = position or divmod(int(maps.argmax()), 4)
        start = torch.zeros(1, 6, 4, 4)
        start[0, 4, row, column] = 1
        g = functional.conv_transpose2d(start, module.conv2.weight, stride=2, padding=1, output_padding=1).relu()
        g = g * (first > 0) if kind == "guided" else g
        g = g * (module.norm.weight / (module.norm.running_var + module.norm.eps).sqrt()).reshape(1, 4, 1, 1)
        expected = functional.conv_transpose2d(g, module.conv1.weight, padding=1)[0]
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)
    assert values.any()


@pytest.mark.parametrize("kind", METHODS)
def test_a_batch_with_one_question_per_image_is_a_loop(kind: str) -> None:
    net, x = network(Residual()), images(3)
    asked = [iv.Logit(0), iv.Probability(1), iv.Neuron("stem", 2) * -1 + iv.Logit(4)]
    together = METHODS[kind](net, x, asked).values
    apart = torch.cat([METHODS[kind](net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_and_layout_stay(rule: ReluRule, dtype: torch.dtype) -> None:
    x = torch.tensor([1.0, 5, 0, 3, -2, 8, -1, 2], dtype=dtype).reshape(1, 2, 2, 2)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    for relu in SPELLINGS.values():
        with following(rule):
            y = relu(x.clone())
            (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert (y.dtype, gradient.dtype) == (dtype, dtype)
        assert y.is_contiguous(memory_format=torch.channels_last)
        assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_outside_of_gradients_a_relu_is_a_relu() -> None:
    x, out = torch.tensor([-1.0, 2]), torch.empty(2)
    with following("guided"):
        with torch.no_grad():
            assert x.clone().requires_grad_().relu().tolist() == [0, 2]
        assert torch.clamp(x, min=0, out=out) is out
        assert not x.relu().requires_grad


@pytest.mark.parametrize("method", METHODS.values())
def test_the_largest_channel_is_shown_without_sign(method: iv.Method) -> None:
    result = method(network(SmallCNN()), images(), iv.Logit(1))
    torch.testing.assert_close(result.heatmap(), result.values.abs().amax(1))
    assert not result.signed


def test_smoothing_without_noise_changes_nothing() -> None:
    net, x = network(SmallCNN()), images()
    expected = GuidedBackprop()(net, x, iv.Logit(1)).values
    torch.testing.assert_close(
        iv.SmoothGrad(of=GuidedBackprop(), samples=2, sigma=0)(net, x, iv.Logit(1)).values, expected
    )
