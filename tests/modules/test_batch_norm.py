"""The gradient of batch normalisation against its formula, and of networks with tokens against finite differences."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from timm.layers import BatchNormAct2d
from timm.models.levit import Levit
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

import innerview as iv
from innerview.modules.batch_norm import exact_batch_norm
from innerview.passes import forward as the_pass
from small_networks import PIXELS, images, network

EXACT = {"rtol": 1e-9, "atol": 1e-12}  # double precision, sums of at most some thousand terms
CPU = torch.device("cpu")


def contiguous(maps: Tensor) -> Tensor:
    return maps.contiguous()


def tokens_in_memory(maps: Tensor) -> Tensor:
    return maps.flatten(2).mT.contiguous().mT.unflatten(2, maps.shape[2:])


def behind_a_class_token(maps: Tensor) -> Tensor:
    tokens = maps.flatten(2).mT
    return torch.cat([tokens[:, :1], tokens], 1)[:, 1:].mT.unflatten(2, maps.shape[2:])


def sequence_first(maps: Tensor) -> Tensor:
    return maps.flatten(2).permute(2, 0, 1).contiguous().permute(1, 2, 0).unflatten(2, maps.shape[2:])


def channels_last(maps: Tensor) -> Tensor:
    return maps.clone(memory_format=torch.channels_last if maps.dim() == 4 else torch.channels_last_3d)


def columns_first(maps: Tensor) -> Tensor:
    return maps.mT.contiguous().mT


LAYOUTS = [contiguous, tokens_in_memory, behind_a_class_token, sequence_first, channels_last, columns_first]
SPELLINGS: dict[str, Callable[..., Tensor]] = {
    "function": lambda x, m, v, w, b: functional.batch_norm(x, m, v, w, b),
    "torch": lambda x, m, v, w, b: torch.batch_norm(x, w, b, m, v, False, 0.1, 1e-5, True),
    "keywords": lambda x, m, v, w, b: functional.batch_norm(input=x, running_mean=m, running_var=v, weight=w, bias=b),
    "native": lambda x, m, v, w, b: torch.native_batch_norm(x, w, b, m, v, False, 0.1, 1e-5)[0],
    "instance": lambda x, m, v, w, b: functional.instance_norm(x, m, v, w, b, use_input_stats=False),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_gradient_is_the_incoming_one_times_the_scale(spelling: str, shape: tuple[int, ...], count: int) -> None:
    """In evaluation y = (x − μ) w / √(σ² + ε) + b, whatever order in memory the input and the gradient have."""
    generator = torch.Generator().manual_seed(0)
    x, incoming = torch.randn(2, count, 5, *shape, generator=generator, dtype=torch.float64)
    mean, variance, weight, bias = torch.rand(4, 5, generator=generator, dtype=torch.float64) + 0.5
    scale = (weight / (variance + 1e-5).sqrt()).view(-1, *[1] * len(shape))
    for of_input in LAYOUTS:
        for of_gradient in LAYOUTS:
            leaf = of_input(x).requires_grad_()
            with exact_batch_norm(CPU):
                y = SPELLINGS[spelling](leaf, mean, variance, weight, bias)
            (found,) = torch.autograd.grad(y, leaf, of_gradient(incoming))
            torch.testing.assert_close(found, incoming * scale, **EXACT)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("module", [nn.InstanceNorm2d(5), nn.BatchNorm2d(5, track_running_stats=False)])
def test_with_the_statistics_of_the_input_the_gradient_is_that_of_plain_operations(
    module: nn.Module, count: int
) -> None:
    generator = torch.Generator().manual_seed(0)
    x, incoming = torch.randn(2, count, 5, 3, 4, generator=generator, dtype=torch.float64)
    axes = (2, 3) if isinstance(module, nn.InstanceNorm2d) else (0, 2, 3)
    leaf = x.clone().requires_grad_()
    variance, mean = torch.var_mean(leaf, axes, keepdim=True, correction=0)
    (expected,) = torch.autograd.grad((leaf - mean) / (variance + module.eps).sqrt(), leaf, incoming)
    for of_input in LAYOUTS:
        for of_gradient in LAYOUTS:
            leaf = of_input(x).requires_grad_()
            with exact_batch_norm(CPU):
                y = module.double().eval()(leaf)
            (found,) = torch.autograd.grad(y, leaf, of_gradient(incoming))
            torch.testing.assert_close(found, expected, **EXACT)


def test_a_change_in_place_of_what_was_normalised_changes_nothing() -> None:
    x = tokens_in_memory(torch.randn(1, 4, 3, 3, dtype=torch.float64)).requires_grad_()
    with exact_batch_norm(CPU):
        y = functional.batch_norm(x, torch.zeros(4).double(), torch.ones(4).double(), eps=0).relu_()
    (found,) = torch.autograd.grad(y.contiguous().square().sum(), x)
    torch.testing.assert_close(found, 2 * x.detach().relu(), **EXACT)


class Hybrid(nn.Module):
    """A batch normalisation right before the tokens of attention, and one right behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.relu, self.first = nn.Conv2d(3, 8, 2, stride=2), nn.ReLU(inplace=True), nn.BatchNorm2d(8)
        self.norm, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.second, self.hidden, self.fc = self.last_norm(), nn.Linear(128, 16), nn.Linear(16, 5)

    def last_norm(self) -> nn.Module:
        return nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.relu(self.stem(x)))
        tokens = self.norm(x.flatten(2).mT)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        x = self.second(tokens.mT.unflatten(2, x.shape[2:]))
        return self.fc(self.relu(self.hidden(x.flatten(1))))


class WithAct(Hybrid):
    """Its second normalisation is timm's."""

    def last_norm(self) -> nn.Module:
        return BatchNormAct2d(8, apply_act=False)


class Forgetting(Hybrid):
    """What is computed first is computed again on the way back."""

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(super().forward, x, use_reentrant=False)


def levit() -> nn.Module:
    return Levit(16, num_classes=5, embed_dim=(8, 8), key_dim=4, depth=(1, 1), num_heads=(2, 2), stem_type="s8")


def compiled() -> nn.Module:
    module = Hybrid()
    module.second.compile()
    return module


MODULES = {"hybrid": Hybrid, "timm's": WithAct, "checkpoints": Forgetting, "compiled": compiled, "levit": levit}


def double(kind: str) -> tuple[iv.Network, Tensor]:
    net = network(MODULES[kind]())
    return iv.Network(net.module.double(), PIXELS), images(2, size=16 if kind == "levit" else 8).double()


def some(gradient: Tensor) -> Tensor:
    """Of one image, values at pixels all over it and in all channels."""
    return gradient.flatten()[:: gradient.numel() // 37]


def differences(net: iv.Network, image: Tensor, step: float = 1e-6) -> Tensor:
    """(f(x + h) − f(x − h)) / 2h for some pixels."""
    places = some(torch.arange(image.numel()))
    steps = step * functional.one_hot(places, image.numel()).to(image).view(-1, *image.shape[1:])
    up, down = (net.logits(image + sign * steps)[:, 1] for sign in (1, -1))
    return (up - down) / (2 * step)


@pytest.mark.parametrize("kind", MODULES)
def test_the_gradient_of_one_image_is_that_of_finite_differences(kind: str) -> None:
    net, x = double(kind)
    found = some(iv.Gradient()(net, x[:1], iv.Logit(1)).values)
    # f is rounded to about 1e-15, over a step of 1e-6; what its curvature adds is of the order of the step squared
    torch.testing.assert_close(found, differences(net, x[:1]), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", ["hybrid", "levit"])
def test_without_the_correction_it_is_not(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When PyTorch mends it, this fails: then the correction and its note go."""
    monkeypatch.setattr(the_pass, "exact_batch_norm", lambda _device: nullcontext())
    net, x = double(kind)
    found = some(iv.Gradient()(net, x[:1], iv.Logit(1)).values)
    assert torch.cosine_similarity(found, differences(net, x[:1]), 0) < 0.99


METHODS = [
    iv.Gradient(),
    iv.GuidedBackprop(),
    iv.Deconvolution(),
    iv.IntegratedGradients(points=3, batch_size=1),
    iv.SmoothGrad(samples=2, batch_size=1),
    iv.GradCAM(layer="stem", relu=False),
    iv.LayerCAM(layer="first"),
    iv.GuidedGradCAM(layer="stem"),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("shared", [False, True])
def test_one_image_is_explained_as_within_a_batch(method: iv.Method, shared: bool) -> None:
    net, x = double("hybrid")
    both = method(net, x, iv.Logit(1)).values[:1]
    with iv.sharing(net, x[:1]) if shared else nullcontext(x[:1]) as image:
        alone = method(net, image, iv.Logit(1)).values
    assert both.abs().max() > 0
    torch.testing.assert_close(alone, both, **EXACT)


class TokensFirst(nn.Module):
    """The normalisation stands alone, between a convolution's rectified maps and tokens; all of it has LRP rules."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 2, stride=2), nn.BatchNorm2d(8)
        self.mix, self.fc = nn.Linear(8, 6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x).relu())
        return self.fc(self.mix(x.flatten(2).mT.contiguous()).relu().mean(1))


def test_relevance_of_one_image_is_that_within_a_batch() -> None:
    net = iv.Network(network(TokensFirst()).module.double(), PIXELS)
    x = images().double()
    both = iv.LRP()(net, x, iv.Logit(1)).values[:1]
    torch.testing.assert_close(iv.LRP()(net, x[:1], iv.Logit(1)).values, both, **EXACT)


@pytest.mark.parametrize("method", [iv.FGSM(), iv.PGD(steps=3)], ids=lambda method: type(method).__name__)
def test_one_image_is_attacked_as_within_a_batch(method: object) -> None:
    net, x = double("hybrid")
    x = x.sigmoid()
    both, alone = (iv.attack(net, each, method).adversarial[:1] for each in (x, x[:1]))
    torch.testing.assert_close(alone, both, **EXACT)


def test_one_picture_is_made_as_within_a_batch() -> None:
    net, _ = double("hybrid")
    both, alone = (iv.synthesize(net, asked, steps=4).pixels[:1] for asked in ([iv.Logit(1), iv.Logit(2)], iv.Logit(1)))
    torch.testing.assert_close(alone, both, **EXACT)
