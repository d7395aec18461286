"""The largest activation of a layer: what it is, where its gradient goes, and that nothing it needs is left out."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision import models

import innerview as iv
from innerview.modules.scope import untouched
from innerview.network.seen import Seen
from innerview.objectives.scoring import layer_gradient, score
from innerview.synthesis.speedups.cutout import cut_out
from innerview.synthesis.speedups.slices import slices_for
from small_networks import SmallCNN, With, images, network

LAYER = "conv2"


def net() -> iv.Network:
    return iv.Network(network(SmallCNN()).module.double(), iv.Preprocess(size=8, mean=(0,) * 3, std=(1,) * 3))


def strongest(x: torch.Tensor) -> tuple[torch.Tensor, list[iv.Neuron]]:
    """The maps of the layer, and of each image the unit that answers most, as a search finds it."""
    small = net().module.eval()
    maps = small.conv2(torch.relu(small.norm(small.conv1(x)))).detach()
    places = [(each == each.max()).nonzero()[0].tolist() for each in maps]
    return maps, [iv.Neuron(LAYER, channel, (row, column)) for channel, row, column in places]


def test_it_is_the_maximum_of_all_channels_and_positions() -> None:
    x = images(5).double()
    maps, _ = strongest(x)
    with untouched((ours := net()).module):
        torch.testing.assert_close(score(ours, x, iv.Maximum(LAYER)), torch.stack([each.max() for each in maps]))


@pytest.mark.parametrize("build", [models.vgg11, models.mobilenet_v2, models.resnet18])
def test_without_a_layer_it_is_the_lectures_max_feature_response(build: Callable) -> None:
    """`features(x).max()`, back to the pixels by plain torch."""
    module = build(num_classes=5).eval()
    ours, x = iv.Network(module, iv.Preprocess(size=64)), images(1, size=64)
    leaf = x.clone().requires_grad_()
    features = getattr(module, "features", nn.Sequential(*list(module.children())[:-2]))
    (expected,) = torch.autograd.grad(features(leaf).max(), leaf)
    result = iv.Gradient()(ours, x, iv.Maximum())
    torch.testing.assert_close(result.values, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max()))
    assert expected.any()


def test_without_a_layer_it_says_which_it_took() -> None:
    result = iv.Gradient()(net(), images().double(), iv.parse_objective("max"))
    assert result.provenance.asked == ("max:relu",)
    assert result.provenance.objective == ("maximum of relu",)
    assert str(iv.Maximum()) == "max"


class Clamp(nn.Module):
    """Its own spelling of a ReLU6."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(0, 6)


@pytest.mark.parametrize(
    ("relu", "layer"),
    [(nn.ReLU6(), "conv"), (nn.ReLU6(inplace=True), "conv"), (Clamp(), "conv"), (nn.ReLU(), "operation")],
)
def test_without_a_layer_it_is_asked_before_a_cap(relu: nn.Module, layer: str) -> None:
    """Many units are at the cap, where there is no gradient."""
    net, x = network(With(relu)), images(2).requires_grad_()
    net.module.conv.weight.data.mul_(100)
    (expected,) = torch.autograd.grad(net.module.eval().conv(x).amax((1, 2, 3)).sum(), x)
    result = iv.Gradient()(net, x.detach(), iv.Maximum())
    torch.testing.assert_close(result.values, expected)
    assert result.provenance.asked == (f"max:{layer}",)


def test_without_a_layer_it_has_to_be_bound() -> None:
    with pytest.raises(iv.errors.ObjectiveError, match=r"bind the objective to a network first: Maximum\(layer=None\)"):
        iv.Maximum()(Seen({}, None))


def test_a_network_without_a_grid_of_features_has_no_such_layer() -> None:
    flat = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))
    with pytest.raises(iv.errors.SettingError, match="has no grid of features that its scores depend on; name a layer"):
        iv.Gradient()(flat, images(), iv.Maximum())


def test_its_gradient_at_the_layer_is_one_at_one_place() -> None:
    x = images(5).double()
    maps, neurons = strongest(x)
    with untouched((ours := net()).module):
        gradient = layer_gradient(ours, x, iv.Maximum(LAYER), LAYER).gradient
    expected = torch.zeros_like(maps)
    for image, neuron in enumerate(neurons):
        expected[image, neuron.channel, neuron.position[0], neuron.position[1]] = 1
    assert torch.equal(gradient, expected)


def test_of_several_that_are_equal_one_is_meant() -> None:
    seen = Seen({"maps": torch.zeros(2, 3, 4, 4, requires_grad=True)}, None)
    for why in (iv.Maximum("maps"), iv.Neuron("maps", 1)):
        (gradient,) = torch.autograd.grad(why(seen).sum(), seen.activations["maps"])
        assert gradient.sum((1, 2, 3)).tolist() == [1, 1]
        assert (gradient != 0).sum((1, 2, 3)).tolist() == [1, 1]


@pytest.mark.parametrize("method", [iv.Gradient(), iv.Deconvolution(), iv.GuidedBackprop(), iv.SmoothGrad(sigma=0.0)])
def test_its_maps_are_those_of_the_unit_that_answers_most(method: iv.Method) -> None:
    """The lecture's deconvolution of the max feature response."""
    x = images(5).double()
    _, neurons = strongest(x)
    assert len({(each.channel, each.position) for each in neurons}) > 1
    found, expected = method(net(), x, iv.Maximum(LAYER)).values, method(net(), x, neurons).values
    torch.testing.assert_close(found, expected)
    assert expected.abs().amax((1, 2, 3)).min() > 0


def test_no_channel_and_no_pixel_is_left_out_of_a_pass() -> None:
    part, whole, size = iv.Neuron(LAYER, 1, (40, 40)), iv.Maximum(LAYER), (160, 160)
    with untouched((ours := net()).module):
        assert slices_for(ours, part, size).weights
        assert cut_out(ours, part, size)
        for why in (whole, part + whole, iv.PerImage((part, whole))):
            assert not slices_for(ours, why, size).weights
            assert cut_out(ours, why, size) is None


def test_a_picture_made_beside_questions_about_a_part_is_as_if_made_alone() -> None:
    """Those need one channel, at one place of a large picture; this one needs all of the layer."""
    part, whole = iv.Neuron(LAYER, 1, (40, 40)), iv.Maximum(LAYER)
    settings = {"recipe": iv.Recipe(iv.Pixels(size=160)), "steps": 2}
    together = iv.synthesize(net(), [part, whole, part + whole], **settings)
    for row, each in enumerate((part, whole, part + whole)):
        alone = iv.synthesize(net(), each, **settings)
        torch.testing.assert_close(together.pixels[[row]], alone.pixels, rtol=1e-4, atol=1e-5)  # in single precision
        with untouched((ours := net()).module):
            torch.testing.assert_close(
                alone.scores, score(ours, ours.preprocess.normalise(alone.pixels.double()), each).to(alone.scores)
            )
