"""What there is in a network, and what is shown of it by default."""

from itertools import combinations

import torch
from torch import Tensor, nn

import innerview as iv
from zoo.specimen import Subject, as_maps


def predict(s: Subject) -> None:
    """The most probable classes are the module's own."""
    expected = s.scores(s.precise).softmax(1)
    for predictions, row in zip(s.net.predict(s.images, top=3), expected, strict=True):
        found = torch.tensor([each.probability for each in predictions])
        s.agree(found[None], row[[each.index for each in predictions]][None])
        s.agree(found[None], row.topk(3).values[None])


def layers(s: Subject) -> None:
    """Every module that runs is listed with the shape that a plain hook sees, and with its parameters."""
    expected = {name: tuple(each.shape[1:]) for name, each in s.outputs(s.precise[:1]).items()}
    listed = s.net.layers(s.images)
    assert {layer.name: layer.output_shape for layer in listed} == expected
    for layer in listed:
        parameters = s.plain.get_submodule(layer.name).parameters()
        assert layer.parameters == sum(each.numel() for each in parameters)


def receptive_fields(s: Subject) -> None:
    """Where a field is claimed, it is the pixels with a gradient; a network of convolutions has fields throughout."""
    grids = [layer for layer in s.net.layers(s.images) if len(layer.output_shape) == 3]
    fields = {layer.receptive_field: layer for layer in grids if layer.receptive_field}
    if s.specimen.fields:
        assert [layer.name for layer in grids if layer.receptive_field is None] == []
    else:  # where others mix all positions, they may do so within windows only
        fields = {field: layer for field, layer in fields.items() if not field.is_whole_image}
    for field, layer in [*fields.items()][:: max(1, len(fields) // 6)]:
        leaf = s.precise.requires_grad_()
        maps = grid_of(s.outputs(leaf)[layer.name])
        box = field.box(maps.shape[2] // 2, maps.shape[3] // 2)
        assert touched(leaf, maps) == tuple(min(max(edge, 0), s.size) for edge in box)


def grid_of(output: Tensor) -> Tensor:
    """A layer with rows and columns as [image, channel, row, column]; of square images both are as many."""
    return output if output.shape[2] == output.shape[3] else as_maps(output, "byxc")


def touched(leaf: Tensor, maps: Tensor) -> tuple[int, ...]:
    """The box of the pixels that the units in the middle of a layer have a gradient at."""
    here = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    weights = torch.randn(here.shape, generator=torch.Generator().manual_seed(0), dtype=here.dtype)
    (gradient,) = torch.autograd.grad((here * weights).sum(), leaf)
    rows, columns = ((gradient != 0).any(dim).any(0).any(0).nonzero().flatten() for dim in (3, 2))
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def activations(s: Subject) -> None:
    """By default they are what several layers give, down to a deep one; none twice, none without places."""
    found, expected = iv.activations(s.net, s.images), s.outputs(s.precise)
    for name, values in found.items():
        s.agree(values, expected[name])
    inside = attentions(s.plain)
    assert not [name for name in found if any(name.startswith(each) for each in inside)]
    assert not [pair for pair in combinations(found, 2) if same(expected, *pair)]
    assert not [name for name, values in found.items() if values.shape[2:].numel() == 1]
    assert len(found) > 1
    assert [*expected].index([*found][-1]) >= len(expected) / 2 - 1


def maps(s: Subject) -> None:
    """An early, a middle and a late layer as maps are what a plain hook and a permutation give; vectors are none."""
    places = [layer for layer, axes in s.layers.items() if axes != "bc"]
    found = iv.activations(s.net, s.images, places)
    for layer in places:
        s.agree(found.maps(layer), s.maps(layer, s.precise))


def attentions(module: nn.Module) -> list[str]:
    """The inside of each attention."""
    return [f"{name}." for name, each in module.named_modules() if "Attention" in type(each).__name__]


def same(outputs: dict[str, Tensor], one: str, other: str) -> bool:
    return outputs[one].shape == outputs[other].shape and torch.equal(outputs[one], outputs[other])


def filters(s: Subject) -> None:
    """By default they are patterns of pixels: the weights of a convolution of the image wider than one pixel."""
    found = iv.filters(s.net)
    weight = s.plain.get_submodule(found.layer).weight
    torch.testing.assert_close(
        found.kernels.double(), weight.double(), rtol=1e-6, atol=1e-7
    )  # kept in single precision
    assert found.kernels.shape[1] == 3
    assert found.kernels.shape[2:].numel() > 1
