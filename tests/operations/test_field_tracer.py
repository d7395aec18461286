"""Receptive fields against the pixels that really matter."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

import innerview as iv
from innerview.operations.receptive_field import ReceptiveField
from small_networks import AWKWARD, Residual, images, network


def pixels_that_matter(net: iv.Network, layer: str, row: int, column: int, size: int) -> tuple[int, int, int, int]:
    """The box of pixels with a gradient, over several random images so that no ReLU hides one."""
    x = images(8, size=size).to(torch.float64)
    net = iv.Network(net.module.double(), net.preprocess)
    total = sum(iv.Neuron(layer, channel, (row, column)) for channel in range(1, 4)) + iv.Neuron(
        layer, 0, (row, column)
    )
    touched = iv.Gradient()(net, x, total).values.abs().sum((0, 1)) > 0
    rows, columns = touched.any(1).nonzero().flatten(), touched.any(0).nonzero().flatten()
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def clipped(box: tuple[int, int, int, int], size: int) -> tuple[int, ...]:
    return tuple(min(max(edge, 0), size) for edge in box)


class Branches(nn.Module):
    """Strided, dilated, padded, grouped and rectangular kernels, pooling, a join by sum and one by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, (5, 3), stride=(2, 2), padding=(2, 1))
        self.wide = nn.Conv2d(4, 4, 3, dilation=2, padding=2, groups=2)
        self.point = nn.Conv2d(4, 4, 1)
        self.pool = nn.AvgPool2d(3, stride=2, padding=1)
        self.last = nn.Conv2d(8, 4, 3, padding=1)
        self.best = nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = self.pool(self.wide(x) + self.point(x))
        x = torch.cat([functional.gelu(x), self.point(x)], 1)
        return self.best(self.last(functional.pad(x, (1, 0, 1, 0)))).flatten(1)


@pytest.mark.parametrize("layer", ["stem", "wide", "point", "pool", "last"])
@pytest.mark.parametrize("position", [(0, 0), (2, 3), (5, 5)])
def test_receptive_fields_are_the_pixels_with_a_gradient(layer: str, position: tuple[int, int]) -> None:
    net, size = network(Branches()), 48
    info = {each.name: each for each in net.layers(images(1, size=size))}[layer]
    assert info.receptive_field is not None
    expected = clipped(info.receptive_field.box(*position), size)
    assert pixels_that_matter(net, layer, *position, size) == expected


def mixed_as_inception_does(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.unsqueeze(x[:, channel], 1) * (channel + 0.5) - 0.1 for channel in range(3)], 1)


CHANNELS = {
    "each by itself": mixed_as_inception_does,
    "stacked": lambda x: torch.stack([x[:, 2], x[:, 1] / 2, x[:, 0]], 1),
    "unbound": lambda x: torch.stack(x.unbind(1)[::-1], -3),
    "flipped": lambda x: x.flip(1),
    "by number": lambda x: x[:, [2, 0, 1]],
    "selected": lambda x: x.index_select(1, torch.tensor([1, 0, 2])),
    "shuffled": lambda x: x.repeat(1, 2, 1, 1).unflatten(1, (2, 3)).transpose(1, 2).flatten(1, 2)[:, :3],
    "from the batch and back": lambda x: x.permute(1, 0, 2, 3).transpose(0, 1),
    "grey": lambda x: x[:, :1].expand(-1, 3, -1, -1),
    "a slice": lambda x: x[..., 0:3, :, :][:, 0:3],
}


class Prepared(nn.Module):
    """The channels of the image are moved about before the first layer."""

    def __init__(self, prepare: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.prepare, self.conv, self.deep = prepare, nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.deep(self.conv(self.prepare(x)).relu()).mean((2, 3))


def moved_by(net: iv.Network, layer: str, size: int, position: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box of pixels that change a unit when they are changed, one after the other."""
    pixels = torch.eye(size * size).view(size * size, 1, size, size).expand(-1, 3, -1, -1).double()
    plain, changed = (iv.activations(net, x, [layer])[layer] for x in (0 * pixels[:1], 5 * pixels))
    rows, columns = (
        (changed - plain)[:, :, *position].abs().sum(1).view(size, size).gt(1e-9).any(axis).nonzero().flatten()
        for axis in (1, 0)
    )
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


@pytest.mark.parametrize("channels", CHANNELS)
def test_receptive_fields_follow_what_is_done_to_channels(channels: str) -> None:
    net, size = network(Prepared(CHANNELS[channels])), 17
    net = iv.Network(net.module.double(), net.preprocess)
    with torch.no_grad():  # all ReLUs are open
        net.module.conv.bias.fill_(100.0)
    info = {each.name: each for each in net.layers(images(1, size=size).double())}["deep"]
    assert info.receptive_field == ReceptiveField((7, 7), (2, 2), (-2, -2))
    for position in ((0, 0), (3, 2), (7, 7)):
        assert moved_by(net, "deep", size, position) == clipped(info.receptive_field.box(*position), size)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x.flip(2),
        lambda x: x[:, :, torch.arange(8).flip(0)],
        lambda x: x.mT,
        lambda x: x.permute(0, 1, 3, 2),
        lambda x: torch.stack(x.unbind(2), 3),
        lambda x: torch.conv1d(x.flatten(0, 1), torch.ones(8, 8, 1)).view_as(x),
    ],
)
def test_where_rows_and_columns_are_moved_about_there_is_no_receptive_field(move: Callable) -> None:
    net = network(Prepared(lambda x: move(x.contiguous())))
    assert {each.name: each for each in net.layers()}["conv"].receptive_field is None


class Moved(nn.Module):
    """A convolution, what is done to its maps, and what follows."""

    def __init__(self, between: Callable[["Moved", torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.linear, self.norm, self.seen = nn.Linear(4, 4), nn.InstanceNorm2d(4), nn.Identity()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.between = between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.seen(self.between(self, self.stem(x))).sum((2, 3))

    def attended(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.attend(tokens, tokens, tokens, need_weights=False)[0]


def each_position_by_itself(m: Moved, x: torch.Tensor) -> torch.Tensor:
    """As ConvNeXt does: the channels of permuted maps are mixed, and the maps permuted back."""
    return m.next(m.linear(functional.layer_norm(x.permute(0, 2, 3, 1), (4,))).relu().permute(0, 3, 1, 2))


def tokens_and_back(m: Moved, x: torch.Tensor) -> torch.Tensor:
    return m.next(m.linear(x.flatten(2).mT).mT.unflatten(2, x.shape[2:]))


def in_windows(m: Moved, x: torch.Tensor) -> torch.Tensor:
    """As Swin attends: within windows of 4 × 4 positions."""
    windows = x.unflatten(3, (-1, 4)).unflatten(2, (-1, 4)).permute(0, 2, 4, 3, 5, 1)
    attended = m.attended(windows.reshape(-1, 16, 4)).view(windows.shape)
    return attended.permute(0, 5, 1, 3, 2, 4).reshape(x.shape)


def with_a_class_token(m: Moved, x: torch.Tensor) -> torch.Tensor:
    tokens = torch.cat([torch.ones(len(x), 1, 4).to(x), x.flatten(2).mT], 1)
    return m.attended(tokens)[:, 1:].mT.unflatten(2, x.shape[2:])


PLACED = {
    "each position by itself": (each_position_by_itself, ReceptiveField((5, 5), (2, 2), (-2, -2))),
    "tokens and back": (tokens_and_back, ReceptiveField((5, 5), (2, 2), (-2, -2))),
    "every other position": (lambda m, x: x[:, :, 1:, ::2], ReceptiveField((3, 3), (1, 2), (0, -1))),
    "the end": (lambda m, x: x.split([10, 6], 2)[1], ReceptiveField((3, 3), (1, 1), (9, -1))),
    "cropped": (lambda m, x: functional.pad(x, (-2, 1, -1, 0)), ReceptiveField((3, 3), (1, 1), (0, 1))),
}


@pytest.mark.parametrize("name", PLACED)
def test_receptive_fields_follow_rows_and_columns_wherever_they_lie(name: str) -> None:
    between, expected = PLACED[name]
    net = network(Moved(between))
    net = iv.Network(net.module.double(), net.preprocess)
    with torch.no_grad():  # all ReLUs are open
        net.module.linear.bias.fill_(100.0)
    info = {each.name: each for each in net.layers(images(1, size=16).double())}["seen"]
    assert info.receptive_field == expected
    for position in ((0, 0), (3, 2), (5, 6)):
        assert moved_by(net, "seen", 16, position) == clipped(info.receptive_field.box(*position), 16)


@pytest.mark.parametrize(
    ("between", "whole"),
    [
        (with_a_class_token, True),
        (lambda m, x: m.attended(x.flatten(2).mT).mT.unflatten(2, x.shape[2:]), True),
        (lambda m, x: m.norm(x), True),
        (lambda m, x: functional.group_norm(x, 2), True),
        (lambda m, x: x * functional.adaptive_max_pool2d(x, 1), True),
        (lambda m, x: x + x.mean(2, keepdim=True).amax(3, keepdim=True), True),
        (in_windows, False),
        (lambda m, x: x + x.mean(3, keepdim=True), False),
        (lambda m, x: functional.interpolate(x, scale_factor=2), False),
    ],
)
def test_who_reads_all_positions_sees_the_whole_image_and_who_reads_some_has_no_field(
    between: Callable, whole: bool
) -> None:
    fields = {each.name: each.receptive_field for each in network(Moved(between)).layers(images(1, size=16))}
    assert fields["seen"] == (ReceptiveField((16, 16), (0, 0), (0, 0)) if whole else None)


@pytest.mark.parametrize(("name", "size"), [("inception_v3", 96), ("googlenet", 64)])
def test_the_receptive_fields_of_inception_are_those_without_its_mixing_of_channels(name: str, size: int) -> None:
    from torchvision.models import get_model

    module = get_model(name, init_weights=False, aux_logits=False, transform_input=True)
    net = iv.Network(module, iv.Preprocess(size=size))
    plain = get_model(name, init_weights=False, aux_logits=False, transform_input=False)
    mixing, expected = (
        [layer.receptive_field for layer in iv.Network(each, net.preprocess).layers()] for each in (module, plain)
    )
    assert mixing == expected
    assert None not in mixing


def test_receptive_fields_follow_reused_and_residual_blocks() -> None:
    net, size = network(Residual()), 20
    info = {each.name: each for each in net.layers(images(1, size=size))}["block"]
    assert info.receptive_field == ReceptiveField((11, 11), (2, 2), (-4, -4))
    assert pixels_that_matter(net, "block", 4, 4, size) == clipped(info.receptive_field.box(4, 4), size)


def test_pooled_vectors_see_the_whole_image_and_attention_mixes_it() -> None:
    for kind, layer in (("residual", "fc"), ("small", "fc"), ("vit", "block")):
        fields = {each.name: each.receptive_field for each in network(AWKWARD[kind]()).layers()}
        assert fields[layer] is not None
        assert fields[layer].is_whole_image
        assert fields[layer].box(0, 0) == (0, 0, 8, 8)


def test_squeeze_and_excitation_sees_the_whole_image() -> None:
    class Squeeze(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.gate = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return self.gate(x * x.mean((2, 3), keepdim=True).sigmoid()).mean((2, 3))

    fields = {each.name: each.receptive_field for each in network(Squeeze()).layers()}
    assert fields["conv"] == ReceptiveField((3, 3), (1, 1), (0, 0))
    assert fields["gate"].is_whole_image


def test_an_operation_of_unknown_reach_has_no_receptive_field() -> None:
    class Flipped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x.flip(3)).mean((2, 3))

    assert network(Flipped()).layers()[0].receptive_field is None


@pytest.mark.parametrize("pixel", [(0, 0), (7, 3), (14, 14), (9, 12)])
def test_the_nearest_unit_is_the_one_whose_field_has_its_middle_nearest(pixel: tuple[int, int]) -> None:
    field, grid = ReceptiveField((5, 3), (2, 4), (-2, -1)), (8, 4)

    def far(unit: tuple[int, int]) -> float:
        top, left, bottom, right = field.box(*unit)
        return abs((top + bottom - 1) / 2 - pixel[0]) + abs((left + right - 1) / 2 - pixel[1])

    every = [(row, column) for row in range(grid[0]) for column in range(grid[1])]
    assert far(field.nearest(pixel, grid)) == min(map(far, every))
