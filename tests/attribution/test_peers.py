"""The peers on torchvision's architectures: agreement where a peer is right, and proof where it is not."""

import copy
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial

import captum.attr
import pytest
import pytorch_grad_cam as pgc
import torch
import torchcam.methods
import zennit.attribution
import zennit.composites
import zennit.rules
import zennit.torchvision
import zennit.types
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import DenseNet, GoogLeNet, VisionTransformer, mobilenet_v2, resnet18
from torchvision.models.googlenet import BasicConv2d
from torchvision.models.vgg import cfgs, make_layers

import innerview as iv

SIZE, CLASSES, TARGETS = 48, 10, [3, 7]
QUESTIONS = [iv.Logit(target) for target in TARGETS]
Peer = Callable[[nn.Module, Tensor], Tensor]


def vgg11_bn() -> nn.Module:
    """A quarter as wide as usual, with a small head."""
    widths = [each if each == "M" else each // 4 for each in cfgs["A"]]
    head = (nn.Linear(128, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, CLASSES))
    return nn.Sequential(make_layers(widths, batch_norm=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


BUILDS: dict[str, Callable[[], nn.Module]] = {
    "vgg11_bn": vgg11_bn,
    "resnet18": partial(resnet18, num_classes=CLASSES),
    "mobilenet_v2": partial(mobilenet_v2, num_classes=CLASSES, width_mult=0.25),
    "googlenet": partial(GoogLeNet, num_classes=CLASSES, aux_logits=False, init_weights=False),
    "densenet": partial(DenseNet, 16, (2, 2), 8, num_classes=CLASSES),
    "vit": partial(VisionTransformer, SIZE, 16, 2, 2, 32, 64, num_classes=CLASSES),
}
LAYERS = {  # each with a grid of several positions that the rest of the network mixes
    "vgg11_bn": "0.20",
    "resnet18": "layer3",
    "mobilenet_v2": "features.13",
    "googlenet": "inception4e",
    "densenet": "features.transition1",
    "vit": "encoder.layers.encoder_layer_1.ln_1",
}
CONVOLUTIONAL = [name for name in BUILDS if name != "vit"]
RELU_MODULES = ["vgg11_bn", "resnet18"]


@cache
def network(architecture: str) -> iv.Network:
    """Random weights in double precision; normalisations that fit random images, then scale and shift them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = BUILDS[architecture]().double()
        for norm in filter(lambda each: isinstance(each, nn.BatchNorm2d), module.modules()):
            norm.momentum = None
            nn.init.uniform_(norm.weight, 0.5, 2.5)
            nn.init.normal_(norm.bias, std=0.3)
        if architecture == "vit":
            nn.init.normal_(module.heads.head.weight)
        with torch.no_grad():
            module.train()(images(8))
    return iv.Network(module.eval(), iv.Preprocess(size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3))


@cache
def theirs(architecture: str) -> nn.Module:
    """A copy for the peers, without in-place ReLUs: those overwrite the features that they hold on to."""
    module = copy.deepcopy(network(architecture).module)
    for each in module.modules():
        if isinstance(each, nn.ReLU | nn.ReLU6):
            each.inplace = False
    return module


def images(count: int = 2) -> Tensor:
    """Patches of colour under noise, −2 to 2 for black to white: their means differ, no two of their maxima tie."""
    draw = partial(torch.rand, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    patches, noise = draw(count, 3, 8, 8), draw(count, 3, SIZE, SIZE)
    return 2 * (functional.interpolate(patches, (SIZE, SIZE)) + noise) - 2


def asked(method: iv.Method, architecture: str) -> Tensor:
    return method(network(architecture), images(), QUESTIONS).values


def answer(peer: Peer, module: nn.Module) -> Tensor:
    return peer(module, images().requires_grad_()).detach()


def agree(ours: Tensor, expected: Tensor) -> None:
    """To 1e-5 of the largest value of each image."""
    largest = expected.abs().amax(tuple(range(1, expected.dim())), keepdim=True)
    assert largest.min() > 0
    torch.testing.assert_close(ours / largest, expected.double() / largest, rtol=0, atol=1e-5)


@pytest.fixture
def deaf_to_hooks() -> Iterator[None]:
    """Captum warns of the hooks that it sets."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting .* hooks")
        yield


# --- Captum


def captums(kind: type, **settings: object) -> Peer:
    return lambda module, x: kind(module).attribute(x, target=TARGETS, **settings)


CAPTUM = {
    "gradient": (iv.Gradient(), captums(captum.attr.Saliency, abs=False)),
    "gradient x input": (iv.GradientTimesInput(), captums(captum.attr.InputXGradient)),
    "integrated gradients": (
        iv.IntegratedGradients(baseline=0.0, points=4),
        captums(captum.attr.IntegratedGradients, baselines=-2.0, method="gausslegendre", n_steps=4),
    ),
}
CAPTUM_BY_RULE = {
    "guided": (iv.GuidedBackprop(), captums(captum.attr.GuidedBackprop)),
    "deconvolution": (iv.Deconvolution(), captums(captum.attr.Deconvolution)),
}


@pytest.mark.parametrize("architecture", BUILDS)
@pytest.mark.parametrize("method", CAPTUM)
def test_gradients_agree_with_captum(method: str, architecture: str) -> None:
    ours, peer = CAPTUM[method]
    agree(asked(ours, architecture), answer(peer, theirs(architecture)))


@pytest.mark.parametrize("architecture", ["resnet18", "densenet", "vit"])
def test_occlusion_agrees_with_captum(architecture: str) -> None:
    window = {"sliding_window_shapes": (3, 16, 16), "strides": (3, 8, 8), "perturbations_per_eval": 5}
    with torch.no_grad():
        expected = answer(captums(captum.attr.Occlusion, baselines=-1.0, **window), theirs(architecture))
    ours = iv.Occlusion(window=16, stride=8, baseline=0.25)(network(architecture), images(), QUESTIONS).heatmap()
    agree(ours[:, None], expected[:, :1])


@pytest.mark.usefixtures("deaf_to_hooks")
@pytest.mark.parametrize("architecture", RELU_MODULES)
@pytest.mark.parametrize("rule", CAPTUM_BY_RULE)
def test_relu_rules_agree_with_captum_where_relus_are_modules(rule: str, architecture: str) -> None:
    ours, peer = CAPTUM_BY_RULE[rule]
    agree(asked(ours, architecture), answer(peer, theirs(architecture)))


@pytest.mark.parametrize("architecture", CONVOLUTIONAL)
def test_gradcam_agrees_with_captum(architecture: str) -> None:
    module, layer = theirs(architecture), LAYERS[architecture]
    expected = captum.attr.LayerGradCam(module, module.get_submodule(layer)).attribute(images(), target=TARGETS)
    agree(asked(iv.GradCAM(layer=layer, relu=False), architecture), expected.detach())


@pytest.mark.usefixtures("deaf_to_hooks")
@pytest.mark.parametrize("architecture", RELU_MODULES)
def test_guided_gradcam_agrees_with_captum(architecture: str) -> None:
    layer = LAYERS[architecture]

    def peer(module: nn.Module, x: Tensor) -> Tensor:
        method = captum.attr.GuidedGradCam(module, module.get_submodule(layer))
        return method.attribute(x, target=TARGETS, interpolate_mode="bilinear")

    agree(asked(iv.GuidedGradCAM(layer=layer), architecture), answer(peer, theirs(architecture)))


@pytest.mark.parametrize(("kind", "name"), [(iv.SmoothGrad, "smoothgrad"), (iv.VarGrad, "vargrad")])
def test_noise_agrees_with_captum_given_the_same_noise(
    kind: type[iv.Method], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, generator = images(1), torch.Generator().manual_seed(5)
    noise = torch.stack([torch.randn(3, SIZE, SIZE, generator=generator) for _ in range(6)]).double()
    monkeypatch.setattr(torch, "normal", lambda _mean, deviation: deviation * noise)
    expected = captum.attr.NoiseTunnel(captum.attr.Saliency(theirs("resnet18"))).attribute(
        x, nt_type=name, nt_samples=6, stdevs=0.2 * (x.max() - x.min()).item(), target=3, abs=False
    )
    agree(kind(samples=6, sigma=0.2, seed=5)(network("resnet18"), x, iv.Logit(3)).values, expected.detach())


def replaced(module: nn.Module, kind: type, by: Callable[[nn.Module], nn.Module]) -> nn.Module:
    module = copy.deepcopy(module)
    for name, each in [*module.named_modules()]:
        if isinstance(each, kind):
            module.set_submodule(name, by(each))
    return module


def in_two_steps(_relu6: nn.Module) -> nn.Module:
    """Its cap as a function of its own, closed from 6 on and open below, and a ReLU that Captum knows."""
    return nn.Sequential(nn.Hardtanh(-1e9, 6.0), nn.ReLU())


def in_modules(block: nn.Module) -> nn.Module:
    """Its functional ReLU as a module."""
    return nn.Sequential(block.conv, block.bn, nn.ReLU())


@pytest.mark.usefixtures("deaf_to_hooks")
@pytest.mark.parametrize(
    ("architecture", "kind", "by"),
    [("mobilenet_v2", nn.ReLU6, in_two_steps), ("googlenet", BasicConv2d, in_modules)],
)
def test_captum_follows_no_rule_where_relus_are_functions_or_capped(
    architecture: str, kind: type, by: Callable[[nn.Module], nn.Module]
) -> None:
    """Without a word it gives the plain gradient; told by other modules, it gives what we do."""
    ours, peer = CAPTUM_BY_RULE["guided"]
    values, plain = asked(ours, architecture), asked(iv.Gradient(), architecture)
    agree(values, answer(peer, replaced(theirs(architecture), kind, by)))
    for _, silent in CAPTUM_BY_RULE.values():
        wrong = answer(silent, theirs(architecture))
        agree(plain, wrong)
        assert (values - wrong).norm() > 0.1 * values.norm()


# --- pytorch-grad-cam


def as_a_grid(tokens: Tensor) -> Tensor:
    return tokens[:, 1:].unflatten(1, (3, 3)).movedim(3, 1)


def stretched(maps: Tensor) -> Tensor:
    """The range of each map stretched to 0–1."""
    maps = maps - maps.amin((2, 3), keepdim=True)
    return maps / maps.amax((2, 3), keepdim=True)


@pytest.mark.parametrize("architecture", BUILDS)
@pytest.mark.parametrize("name", ["GradCAM", "HiResCAM", "LayerCAM"])
def test_cams_agree_with_pytorch_grad_cam(name: str, architecture: str) -> None:
    module, layer = theirs(architecture), LAYERS[architecture]
    told = {"reshape_transform": as_a_grid} if architecture == "vit" else {}
    with getattr(pgc, name)(model=module, target_layers=[module.get_submodule(layer)], **told) as peer:
        expected = torch.from_numpy(peer(images(), targets=[*map(ClassifierOutputTarget, TARGETS)]))
    maps = stretched(asked(getattr(iv, name)(layer=layer), architecture))
    agree(stretched(functional.interpolate(maps, (SIZE, SIZE), mode="bilinear"))[:, 0], expected)


# --- torchcam


@pytest.mark.parametrize("architecture", CONVOLUTIONAL)
@pytest.mark.parametrize("name", ["GradCAM", "LayerCAM"])
def test_cams_agree_with_torchcam(name: str, architecture: str) -> None:
    module, layer = theirs(architecture), LAYERS[architecture]
    with getattr(torchcam.methods, name)(module, layer) as peer:
        (expected,) = peer(TARGETS, module(images().requires_grad_()), normalized=False)
    agree(asked(getattr(iv, name)(layer=layer, relu=peer._relu), architecture)[:, 0], expected.detach())


@pytest.mark.parametrize(
    ("architecture", "layer", "head"),
    [("resnet18", "layer4", "fc"), ("mobilenet_v2", "features.18", "classifier.1"), ("googlenet", "inception5b", "fc")],
)
def test_cam_agrees_with_torchcam_told_the_layers(architecture: str, layer: str, head: str) -> None:
    module = theirs(architecture)
    with torchcam.methods.CAM(module, layer, fc_layer=head) as peer:
        module(images())
        (expected,) = peer(TARGETS, normalized=False)
    agree(asked(iv.CAM(), architecture)[:, 0], expected.detach())


# --- Zennit

PLUS = [(zennit.types.Convolution, zennit.rules.ZPlus(zero_params=["bias"]))]
"""The rule as it was derived, for units without a positive bias."""
CANONIZERS = {"vgg11_bn": zennit.torchvision.VGGCanonizer, "resnet18": zennit.torchvision.ResNetCanonizer}


@pytest.mark.parametrize(
    ("architecture", "rule", "kind", "settings"),
    [
        ("vgg11_bn", "epsilon-plus-flat", zennit.composites.EpsilonPlusFlat, {"layer_map": PLUS}),
        ("resnet18", "epsilon-gamma-box", zennit.composites.EpsilonGammaBox, {"low": -2.0, "high": 2.0}),
    ],
)
def test_lrp_agrees_with_zennit(architecture: str, rule: str, kind: type, settings: dict) -> None:
    module = copy.deepcopy(network(architecture).module)
    for each in module.modules():  # a norm that zennit has merged still divides by √(1 + eps)
        if isinstance(each, nn.BatchNorm2d):
            each.eps = 1e-14
    ours = iv.LRP(rule)(iv.Network(module, network(architecture).preprocess), images(), QUESTIONS).values
    composite = kind(canonizers=[CANONIZERS[architecture]()], **settings)
    wanted = functional.one_hot(torch.tensor(TARGETS), CLASSES)
    with zennit.attribution.Gradient(module, composite) as peer:
        agree(ours, peer(images(), lambda scores: scores * wanted)[1])
