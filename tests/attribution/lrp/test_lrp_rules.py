"""The rules of LRP as loops over the matrix of each layer, whatever kind of layer it is."""

from collections.abc import Callable

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.attribution.lrp.lrp import LRP, RULES
from small_networks import PIXELS, With, images, network

EXACT = 1e-12


def contribution(rule: str, a: float, w: float, sign: float, gamma: float) -> float:
    match rule:
        case "epsilon":
            return a * w
        case "zplus":
            return max(a * w, 0)
        case "gamma":
            return a * w + gamma * (max(a * w, 0) if sign > 0 else min(a * w, 0))
        case "flat":
            return float(w != 0)
        case _:  # the box from −2 to 2
            return a * w + 2 * max(w, 0) - 2 * min(w, 0)


def dense(rule: str, layer: Callable, a: Tensor, relevance: Tensor, *, epsilon: float, gamma: float) -> Tensor:
    """One rule, as loops over the matrix of the layer."""
    bias = layer(torch.zeros_like(a)[None])[0].flatten()
    matrix = torch.stack([layer(each.view_as(a)[None])[0].flatten() - bias for each in torch.eye(a.numel()).double()])
    flat, found = a.flatten(), [0.0] * a.numel()
    for k, r in enumerate(relevance.flatten().tolist()):
        column = matrix[:, k].tolist()
        sign = float(flat @ matrix[:, k] + bias[k])
        parts = [contribution(rule, x, w, sign, gamma) for x, w in zip(flat.tolist(), column, strict=True)]
        kept = 0.0 if rule in ("zplus", "flat", "box") else contribution(rule, 1.0, bias[k].item(), sign, gamma)
        z = sum(parts) + kept
        if rule == "zplus" and z <= epsilon:  # nothing raises it
            parts = [contribution("flat", x, w, sign, gamma) for x, w in zip(flat.tolist(), column, strict=True)]
            z = sum(parts)
        for j, part in enumerate(parts):
            found[j] += part / (z + (epsilon if z >= 0 else -epsilon)) * r
    return torch.tensor(found, dtype=torch.float64).view_as(a)


def standardising(norm: nn.LayerNorm, a: Tensor) -> Callable[[Tensor], Tensor]:
    """A layer normalisation as the matrix (I − 1/N) γ / σ and the vector β, with the σ that `a` has."""
    flat = a.flatten()
    matrix = (torch.eye(len(flat)).double() - 1 / len(flat)) / (flat.var(correction=0) + norm.eps).sqrt()
    return lambda x: (x.flatten(1) @ matrix * norm.weight.flatten() + norm.bias.flatten()).view_as(x)


def by_loops(rule: str, layers: nn.Sequential, x: Tensor, **settings: float) -> Tensor:
    """The relevance of one image, layer by layer from the last to the first."""
    inputs = [x]
    for layer in layers:
        inputs.append(layer(inputs[-1]))
    relevance = functional.one_hot(torch.tensor(1), 3) * inputs[-1][0]
    rules = {nn.Linear: RULES[rule][2], nn.LayerNorm: "epsilon", nn.AvgPool1d: "epsilon", nn.AvgPool3d: "epsilon"}
    unchanged = (nn.ReLU, nn.LeakyReLU, nn.Flatten, nn.Unflatten)
    first = next(place for place, layer in enumerate(layers) if not isinstance(layer, unchanged))
    for place, layer in reversed([*enumerate(layers)]):
        a = inputs[place][0]
        if not isinstance(layer, unchanged):
            name = RULES[rule][0] if place == first else rules.get(type(layer), RULES[rule][1])
            linear = standardising(layer, a) if isinstance(layer, nn.LayerNorm) else layer
            relevance = dense(name, linear, a, relevance.view_as(inputs[place + 1][0]), **settings)
        relevance = relevance.view_as(a)
    return relevance


NETWORKS: dict[str, Callable[[], list[nn.Module]]] = {
    "convolutions": lambda: [
        *(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(2, 4, 2, stride=2, groups=2), nn.LeakyReLU(0.5), nn.Flatten(), nn.Linear(16, 3)),
    ],
    "a transposed convolution and its normalisation": lambda: [
        *(nn.Conv2d(1, 4, 3), nn.ReLU()),
        *(nn.Sequential(nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2), nn.BatchNorm2d(6)), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(96, 3)),
    ],
    "a transposed convolution at first": lambda: [
        *(nn.ConvTranspose2d(1, 2, 3, output_padding=1, stride=2, dilation=2), nn.ReLU(), nn.Flatten()),
        nn.Linear(288, 3),
    ],
    "one axis": lambda: [
        *(nn.Flatten(2), nn.Conv1d(1, 4, 3, stride=2), nn.ReLU()),
        *(nn.Sequential(nn.ConvTranspose1d(4, 2, 2, dilation=2, groups=2), nn.BatchNorm1d(2)), nn.ReLU()),
        *(nn.AvgPool1d(3), nn.Flatten(), nn.Linear(6, 3)),
    ],
    "three axes": lambda: [
        *(nn.Unflatten(2, (2, 2)), nn.Conv3d(1, 2, 2), nn.ReLU()),
        *(nn.Sequential(nn.ConvTranspose3d(2, 2, 2), nn.BatchNorm3d(2)), nn.ReLU()),
        *(nn.AvgPool3d(2), nn.Flatten(), nn.Linear(4, 3)),
    ],
    "layer normalisations": lambda: [
        *(nn.Conv2d(1, 2, 3), nn.LayerNorm([2, 2, 2]), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(8, 6), nn.LayerNorm(6), nn.ReLU(), nn.Linear(6, 3)),
    ],
}


@torch.no_grad()
@pytest.mark.parametrize("layers", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_its_dense_loop(rule: str, layers: str) -> None:
    module = network(nn.Sequential(*NETWORKS[layers]())).module.double().eval()
    net, x = iv.Network(module, iv.Preprocess(size=4, mean=(0.5,), std=(0.25,))), images(1, channels=1, size=4).double()
    expected = by_loops(rule, module, x, epsilon=0.01, gamma=0.3)
    found = LRP(rule, epsilon=0.01, gamma=0.3)(net, x, iv.Logit(1)).values[0]
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


POOLING: dict[str, tuple[nn.Module, nn.Module]] = {
    "maximum of one axis": (nn.MaxPool1d(3, 2, 1), nn.MaxPool2d((1, 3), (1, 2), (0, 1))),
    "average of one axis": (nn.AvgPool1d(3, 2, 1), nn.AvgPool2d((1, 3), (1, 2), (0, 1))),
    "adaptive maximum of one axis": (nn.AdaptiveMaxPool1d(5), nn.AdaptiveMaxPool2d((1, 5))),
    "adaptive average of one axis": (nn.AdaptiveAvgPool1d(5), nn.AdaptiveAvgPool2d((1, 5))),
    "padding of one axis": (nn.ReflectionPad1d(2), nn.ReflectionPad2d((2, 2, 0, 0))),
    "maximum of three axes": (nn.MaxPool3d((1, 1, 3), (1, 1, 2)), nn.MaxPool2d((1, 3), (1, 2))),
    "average of three axes": (nn.AvgPool3d((1, 1, 3), (1, 1, 2)), nn.AvgPool2d((1, 3), (1, 2))),
    "adaptive maximum of three axes": (nn.AdaptiveMaxPool3d((1, 1, 5)), nn.AdaptiveMaxPool2d((1, 5))),
    "adaptive average of three axes": (nn.AdaptiveAvgPool3d((1, 1, 5)), nn.AdaptiveAvgPool2d((1, 5))),
    "padding of three axes": (nn.ReplicationPad3d((2, 2, 0, 0, 0, 0)), nn.ReplicationPad2d((2, 2, 0, 0))),
}


@pytest.mark.parametrize("kind", POOLING)
def test_pooling_over_one_and_three_axes_is_that_over_two(kind: str) -> None:
    """All positions of the maps lie in one row, of one or three axes."""
    pool, flat = POOLING[kind]
    shape = (1,) if "three" in kind else ()

    def pooled(row: Tensor) -> Tensor:
        return pool(row.unflatten(2, (*shape, *shape, -1))).flatten(2)[..., None]

    expected = LRP()(network(With(lambda x: flat(x.flatten(2)[:, :, None]))), images(), iv.Logit(1)).values
    torch.testing.assert_close(
        LRP()(network(With(lambda x: pooled(x.flatten(2)))), images(), iv.Logit(1)).values, expected
    )


class Normalised(nn.Module):
    """Layer normalisations in blocks as ConvNeXt has them, with ReLU: over the channels of each place, no shifts."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, 6, 2, 2, bias=False), nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False)
        self.norm, self.mlp = nn.LayerNorm(6, bias=False), nn.Linear(6, 6, bias=False)
        self.last, self.fc = nn.LayerNorm(6, bias=False), nn.Linear(6, 5, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        x = x + 0.5 * self.mlp(self.norm(self.deep(x).movedim(1, 3))).relu().movedim(3, 1)
        return self.fc(self.last(x.mean((2, 3))))


def constant_deviation(input: Tensor, shape: tuple, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """A layer normalisation that passes no gradient by way of the deviation."""
    axes = tuple(range(-len(shape), 0))
    deviation = (input.detach().var(axes, correction=0, keepdim=True) + eps).sqrt()
    return (input - input.mean(axes, keepdim=True)) / deviation * weight + (0 if bias is None else bias)


def test_nothing_is_lost_in_layer_normalisations_without_shifts() -> None:
    net, x = iv.Network(network(Normalised()).module.double(), PIXELS), images().double()
    found = LRP("epsilon", epsilon=EXACT)(net, x, iv.Logit(1)).values.sum((1, 2, 3))
    torch.testing.assert_close(found, net.logits(x)[:, 1], rtol=1e-6, atol=1e-9)
    plain = iv.GradientTimesInput()(net, x, iv.Logit(1)).values.sum((1, 2, 3))
    assert not torch.allclose(plain, net.logits(x)[:, 1], rtol=0.1)


def test_epsilon_throughout_is_gradient_times_input_with_constant_deviations(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = {"depths": (1, 1, 1, 1), "dims": (4, 4, 8, 8), "act_layer": "relu"}
    module = network(timm.models.convnext.ConvNeXt(num_classes=5, **blocks)).module.double()
    net, x = iv.Network(module, iv.Preprocess(size=32)), images(size=32).double()
    found = LRP("epsilon", epsilon=EXACT)(net, x, iv.Logit(1)).values
    monkeypatch.setattr(functional, "layer_norm", constant_deviation)
    torch.testing.assert_close(found, iv.GradientTimesInput()(net, x, iv.Logit(1)).values, rtol=1e-5, atol=1e-9)


def test_a_layer_normalisation_of_the_image_passes_relevance_on() -> None:
    rest = network(With(torch.relu)).module
    normalise, x = nn.LayerNorm([3, 8, 8]), images()
    expected = LRP()(iv.Network(rest, PIXELS), normalise(x).detach(), iv.Logit(1)).values
    found = LRP()(iv.Network(nn.Sequential(normalise, rest), PIXELS), x, iv.Logit(1)).values
    torch.testing.assert_close(found, expected)
