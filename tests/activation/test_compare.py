"""Comparisons of what two images do inside."""

import pytest
import torch

import innerview as iv
from innerview.errors import ImageError
from small_networks import SmallCNN, images, network


def test_an_image_does_not_differ_from_itself() -> None:
    net, x = network(SmallCNN()), images(2)
    found = iv.compare(net, x, x, ["conv1", "fc"])
    assert {name: each.tolist() for name, each in found.distances().items()} == {"conv1": [0, 0], "fc": [0, 0]}
    assert not found.shares("conv1").any()


def test_the_numbers_are_those_of_the_two_layers() -> None:
    net, x, y = network(SmallCNN()), images(2, seed=1), images(2, seed=2)
    found = iv.compare(net, x, y, ["conv1"])
    one, other = (iv.activations(net, each, ["conv1"])["conv1"] for each in (x, y))
    assert torch.equal(found.difference("conv1"), other - one)
    for pair in range(2):
        expected = torch.dist(one[pair], other[pair]) / one[pair].norm()
        assert found.distances()["conv1"][pair].item() == pytest.approx(expected.item(), rel=1e-5)
    squares = (other - one).square()
    assert torch.allclose(found.shares("conv1"), squares.sum((2, 3)) / squares.sum((1, 2, 3))[:, None], rtol=1e-5)
    assert torch.allclose(found.places("conv1").sum((1, 2)), torch.ones(2))
    assert found.channels("conv1", 1, image=1) == [squares[1].sum((1, 2)).argmax().item()]


def test_only_units_that_see_the_change_differ() -> None:
    """One pixel changes; the receptive field says which units can know."""
    net, x = network(SmallCNN()), images(1)
    y = x.clone()
    y[0, :, 0, 0] += 1
    places = iv.compare(net, x, y, ["conv1"]).places("conv1")[0]
    field = next(info.receptive_field for info in net.layers(x) if info.name == "conv1")
    assert field is not None
    for row, column in torch.cartesian_prod(*map(torch.arange, places.shape)).tolist():
        top, left, bottom, right = field.box(row, column)
        assert bool(places[row, column] > 0) == (top <= 0 < bottom and left <= 0 < right)


def test_one_image_is_compared_with_many() -> None:
    net, x = network(SmallCNN()), images(3)
    distances = iv.compare(net, x, x[1:2], ["conv1"]).distances()["conv1"]
    assert [value == 0 for value in distances.tolist()] == [False, True, False]


def test_images_of_two_sizes_cannot_be_compared() -> None:
    sentence = r"^compared images have one size and come in pairs; got \[2, 3, 8, 8\] and \[2, 3, 9, 9\]$"
    with pytest.raises(ImageError, match=sentence):
        iv.compare(network(SmallCNN()), images(2), images(2, size=9))
