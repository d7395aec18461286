"""Kernels: what a layer really multiplies its input by, whatever kind of layer it is."""

import re

import pytest
import timm
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.errors import LayerError, SettingError
from small_networks import SmallCNN, TinyViT, network


def support(layer: nn.Module, output: int, channels: int, size: int = 5) -> Tensor:
    """∂ (the middle value of an output channel) / ∂ input, in double precision."""
    x = torch.zeros(1, channels, size, size, dtype=torch.float64, requires_grad=True)
    out = layer.double()(x)
    middle = out[0, output, out.shape[2] // 2, out.shape[3] // 2]
    return torch.autograd.grad(middle, x)[0][0]


class Wrapped(nn.Module):
    """One layer of interest before a head."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).flatten(1)[:, :3]


def wrapped(*layers: nn.Module, size: int = 8) -> iv.Network:
    torch.manual_seed(0)
    return iv.Network(Wrapped(*layers), iv.Preprocess(size=size))


def test_the_kernels_are_the_weights() -> None:
    net = network(SmallCNN())
    found = iv.filters(net, "conv1")
    weight = net.module.get_parameter("conv1.weight")
    assert torch.equal(found.kernels, weight.detach())
    assert found.outputs == tuple(range(len(weight)))
    assert found.kernels.data_ptr() != weight.data_ptr()


def test_by_default_the_first_layer_that_runs_and_has_kernels() -> None:
    net = wrapped(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))
    assert iv.filters(net).layer == "body.1"


class Branches(nn.Module):
    """Layers side by side on the image, in the order they run."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return sum(branch(x).mean((2, 3)) for branch in self.branches)


@pytest.mark.parametrize("channels", [1, 3])
def test_by_default_kernels_that_are_pictures_of_the_image_if_there_are_any(channels: int) -> None:
    def layer(of: nn.Module) -> str:
        return iv.filters(iv.Network(of, iv.Preprocess(size=8, mean=(0,) * channels, std=(1,) * channels))).layer

    point, small, inner = nn.Conv2d(channels, 4, 1), nn.Conv2d(channels, 4, 3), nn.Conv2d(4, 4, 3)
    assert layer(Branches(point, small)) == "branches.1"
    assert layer(Branches(nn.Sequential(point, nn.Conv2d(4, 4, 3)), small)) == "branches.1"
    assert layer(Branches(nn.Sequential(point, inner))) == "branches.0.1"
    assert layer(Branches(point)) == "branches.0"
    assert layer(Branches(point, nn.utils.parametrizations.weight_norm(small))) == "branches.1"


@pytest.mark.parametrize(
    ("name", "layer"), [("repvgg_a0", "stem.conv_kxk.conv"), ("mobileone_s0", "stem.conv_kxk.0.conv")]
)
def test_networks_whose_blocks_have_a_branch_of_single_places(name: str, layer: str) -> None:
    found = iv.filters(iv.Network(timm.create_model(name), iv.Preprocess(size=32)))
    assert (found.layer, found.colour, found.kernels.shape[1:]) == (layer, True, (3, 3, 3))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_each_kernel_belongs_to_the_channels_it_reads(groups: int) -> None:
    """Oracle: which input channels the gradient of an output reaches, and with what weights."""
    layer = nn.Conv2d(4, 8, 3, groups=groups)
    found = iv.filters(wrapped(nn.Conv2d(3, 4, 1), layer), "body.1")
    for output in range(8):
        reached = support(layer, output, 4)
        channels = [found.input_channel(output, position) for position in range(4 // groups)]
        assert torch.allclose(reached[channels][:, 1:4, 1:4], found.kernels[output].double())
        others = [channel for channel in range(4) if channel not in channels]
        assert not reached[others].any()


@pytest.mark.parametrize("groups", [1, 2])
def test_of_a_transposed_convolution_the_kernel_is_what_one_input_paints(groups: int) -> None:
    layer = nn.ConvTranspose2d(4, 6, 3, groups=groups, bias=False)
    found = iv.filters(wrapped(nn.Conv2d(3, 4, 1), layer), "body.1")
    for channel in range(4):
        one = torch.zeros(1, 4, 1, 1)
        one[0, channel] = 1
        painted = layer(one)[0].detach()
        for output in range(6):
            reads = [found.input_channel(output, position) for position in range(4 // groups)]
            expected = found.kernels[output, reads.index(channel)] if channel in reads else torch.zeros(3, 3)
            assert torch.allclose(painted[output], expected)


def test_a_linear_layer_on_the_image_has_kernels_of_the_images_shape() -> None:
    net = wrapped(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    found = iv.filters(net)
    assert found.colour
    x = torch.zeros(1, 3, 8, 8, requires_grad=True)
    for output in range(5):
        assert torch.equal(torch.autograd.grad(net.module.body(x)[0, output], x)[0][0], found.kernels[output])


def test_a_linear_layer_behind_maps_has_kernels_of_their_shape() -> None:
    """Oracle: the gradient of a unit with respect to the maps that are laid out in a row."""
    net = iv.load("builtin/lenet", weights="random")
    found = iv.filters(net, "fc1")
    maps = torch.zeros(1, 16, 5, 5, requires_grad=True)
    unit = net.module.fc1(maps.flatten(1))[0, 7]
    assert torch.equal(torch.autograd.grad(unit, maps)[0][0], found.kernels[7])
    assert iv.filters(net, "fc2").kernels.shape == (84, 120, 1, 1)


def test_kernels_are_in_colour_only_where_they_read_the_image() -> None:
    assert iv.filters(network(SmallCNN()), "conv1").colour
    net = wrapped(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 4, 3))
    assert [iv.filters(net, name).colour for name in ("body.0", "body.1")] == [True, False]
    assert iv.filters(wrapped(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, dilation=2))).colour
    assert not iv.filters(net, "body.0", inputs=2).colour
    assert not iv.filters(wrapped(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 3)), "body.1").colour
    assert not iv.filters(iv.load("builtin/lenet", weights="random")).colour


def test_the_patch_embedding_of_a_transformer() -> None:
    found = iv.filters(network(TinyViT()))
    assert found.colour
    assert found.layer == "patches"


def test_some_of_them() -> None:
    net = network(SmallCNN())
    every = iv.filters(net, "conv2").kernels
    some = iv.filters(net, "conv2", outputs=[3, 1], inputs=range(1, 3))
    assert torch.equal(some.kernels, every[[3, 1]][:, [1, 2]])
    assert (some.outputs, some.inputs, some.total) == ((3, 1), (1, 2), tuple(every.shape[:2]))
    assert iv.filters(net, "conv2", outputs=2).outputs == (0, 1)
    longest = iv.filters(net, "conv2", outputs=2, order="norm").outputs
    assert list(longest) == every.flatten(1).norm(dim=1).argsort(descending=True)[:2].tolist()
    assert torch.allclose(iv.filters(net, "conv2").norms, every.square().sum((1, 2, 3)).sqrt())


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layer": "conv1", "order": "size"}, 'order is "index" or "norm"; got \'size\''),
        ({"layer": "conv1", "outputs": 0}, "the outputs of 'conv1' are numbered 0 to 3; got 0"),
        ({"layer": "conv1", "outputs": [4]}, "the outputs of 'conv1' are numbered 0 to 3; got [4]"),
        ({"layer": "conv1", "inputs": [-1]}, "the inputs of each kernel of 'conv1' are numbered 0 to 2; got [-1]"),
    ],
)
def test_settings_outside_their_range(arguments: dict, sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        iv.filters(network(SmallCNN()), **arguments)


def test_layers_without_kernels() -> None:
    net = wrapped(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(LayerError, match=r"^layer 'body' has no kernels of its own; inside it there are body\.0$"):
        iv.filters(net, "body")
    sentence = (
        "filters are the weights of a convolution over rows and columns or of a linear layer; 'body.1', ReLU, has no "
        "weight. `innerview layers` lists the layers and their kinds"
    )
    with pytest.raises(LayerError, match=f"^{re.escape(sentence)}$"):
        iv.filters(net, "body.1")
    with pytest.raises(LayerError, match=r"^no layer 'body.o' in Wrapped; did you mean 'body"):
        iv.filters(net, "body.o")
    with pytest.raises(LayerError, match=r"has no layer with kernels: no convolution and no linear layer runs in it$"):
        iv.filters(wrapped(nn.ReLU()))
