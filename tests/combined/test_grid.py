"""An image as a layer sees it: the picture of each position, against its closed form."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.combined.grid import activation_grid
from innerview.errors import SettingError
from innerview.synthesis.canvas import Pixels
from innerview.synthesis.recipe import Recipe
from small_networks import SmallCNN, TinyViT, images, network

PLAIN = Recipe(canvas=Pixels(), learning_rate=0.1, steps=20)


class Patches(nn.Module):
    """Products of patches that do not overlap with known templates."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 5, 4, stride=4, bias=False, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.look(x).mean((2, 3))


def test_of_a_linear_layer_each_picture_is_known() -> None:
    """max ⟨Wx, a⟩ between black and white is where Wᵀ a is positive, in every patch."""
    net, x = network(Patches()), images(1).double()
    maps = iv.activations(net, x, ["look"])["look"][0]
    found = activation_grid(net, x, "look", power=0.0, recipe=PLAIN, steps=20)
    slopes = torch.einsum("kcji,kyx->yxcji", net.module.look.weight.detach(), maps)
    torch.testing.assert_close(found.pixels, (slopes > 0).double().repeat(1, 1, 1, 2, 2), atol=1e-12, rtol=0)
    torch.testing.assert_close(found.magnitudes, maps.square().sum(0).sqrt())
    assert found.provenance.objective == ("each position of look",)
    assert found.picture.shape == (3, 8, 8)


@pytest.mark.parametrize(("most", "size"), [(8, (8, 8)), (7, (7, 7)), (4, (4, 4)), (1, (1, 1))])
def test_a_fine_grid_is_averaged(most: int, size: tuple[int, int]) -> None:
    net, x = network(SmallCNN()), images(1)
    found = activation_grid(net, x, "conv1", most=most, recipe=PLAIN, steps=1)
    assert found.magnitudes.shape == size
    maps = iv.activations(net, x, ["conv1"])["conv1"][0]
    if 8 % most == 0:
        parts = maps.unflatten(1, (most, 8 // most)).unflatten(3, (most, 8 // most)).mean((2, 4))
        torch.testing.assert_close(found.magnitudes, parts.norm(dim=0))


def test_the_proportions_of_the_grid_are_kept() -> None:
    net = network(SmallCNN())
    wide = torch.randn(1, 3, 8, 24, generator=torch.Generator().manual_seed(0))
    assert activation_grid(net, wide, "conv1", most=6, recipe=PLAIN, steps=1).magnitudes.shape == (2, 6)


def test_tokens_have_their_places_and_vectors_one() -> None:
    net, x = network(TinyViT()), images(1)
    assert activation_grid(net, x, "block", recipe=PLAIN, steps=1).pixels.shape == (2, 2, 3, 8, 8)
    assert activation_grid(net, x, "head", recipe=PLAIN, steps=1).pixels.shape == (1, 1, 3, 8, 8)


class Choosy(nn.Module):
    """A network that refuses images below a size."""

    def __init__(self, smallest: int) -> None:
        super().__init__()
        self.conv, self.smallest = nn.Conv2d(3, 2, 16, stride=16), smallest

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2] < self.smallest:
            raise ValueError
        return self.conv(x).mean((2, 3))


@pytest.mark.parametrize(("smallest", "own", "side"), [(1, 160, 64), (70, 160, 96), (97, 160, 128), (160, 160, 160)])
def test_pictures_are_small_where_the_network_takes_that(smallest: int, own: int, side: int) -> None:
    net = iv.Network(Choosy(smallest), iv.Preprocess(size=own))
    found = activation_grid(net, torch.rand(1, 3, own, own), "conv", most=1, steps=1)
    assert found.pixels.shape[-2:] == (side, side)


@pytest.mark.parametrize(("steps", "half"), [(20, 10), (1, 1)])
def test_small_pictures_climb_half_as_many_steps_as_the_recipe_says(steps: int, half: int) -> None:
    net, x, recipe = network(SmallCNN()), images(1), replace(PLAIN, steps=steps)
    found = activation_grid(net, x, "conv2", most=2, recipe=recipe)
    expected = activation_grid(net, x, "conv2", most=2, recipe=recipe, steps=half)
    assert torch.equal(found.pixels, expected.pixels)
    assert found.provenance == expected.provenance


def test_the_network_sees_as_many_pixels_as_a_small_picture_has() -> None:
    assert iv.CLEAR.views.seen((64, 64), (224, 224)) == (64, 64)


def test_no_rows_are_refused() -> None:
    with pytest.raises(SettingError) as refused:
        activation_grid(network(SmallCNN()), images(1), "conv2", most=0)
    assert str(refused.value) == "most is a whole number, at least 1; got 0"
