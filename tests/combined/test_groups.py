"""Channels in groups: planted groups are found, and the contributions add up."""

import pytest
import torch

import innerview as iv
from innerview.combined.contributions import contributions
from innerview.combined.groups import factorized, neuron_groups
from innerview.errors import MethodError, SettingError
from innerview.synthesis.canvas import Pixels
from innerview.synthesis.recipe import Recipe
from small_networks import PIXELS, SmallCNN, TinyViT, images, network

PLAIN = Recipe(canvas=Pixels(), learning_rate=0.1, steps=2)


def test_groups_that_were_planted_are_found() -> None:
    """Activations that are exactly so many maps times vectors with a channel of their own each have one solution."""
    random = torch.Generator().manual_seed(0)
    vectors = torch.tensor([[3.0, 4, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 2, 1, 2]])
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    maps = torch.rand(3, 4, 5, generator=random) * torch.tensor([9.0, 3, 1])[:, None, None]
    maps[:, 0] = torch.eye(3, 5) * 2  # places where only one of them answers
    found_maps, found_vectors = factorized(torch.einsum("gyx,gc->cyx", maps, vectors), 3)
    order = [int((found_vectors @ vector).argmax()) for vector in vectors]
    assert sorted(order) == [0, 1, 2]
    torch.testing.assert_close(found_vectors[order], vectors, atol=1e-3, rtol=0)
    torch.testing.assert_close(found_maps[order], maps, atol=1e-2, rtol=1e-2)


def test_as_many_groups_as_channels_leave_nothing_over() -> None:
    activations = torch.rand(4, 3, 3, generator=torch.Generator().manual_seed(1))
    maps, vectors = factorized(activations, 4)
    torch.testing.assert_close(torch.einsum("gyx,gc->cyx", maps, vectors), activations, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize(("layer", "count"), [("relu", 3), ("conv2", 2)])
def test_the_shares_and_the_remainder_add_up_to_what_the_layer_contributes(layer: str, count: int) -> None:
    net, x = network(SmallCNN()), images(1)
    found = neuron_groups(net, x, layer, objective=iv.Logit(2), groups=count, recipe=PLAIN)
    seen = contributions(net, x, layer, iv.Logit(2))
    torch.testing.assert_close(found.contributions.sum() + found.remainder, seen.values.sum())
    for group in range(count):
        carried = sum(
            float(found.maps[group, row, column] * found.vectors[group, channel] * seen.gradients[channel, row, column])
            for channel in range(6)
            for row in range(4)
            for column in range(4)
        )
        assert float(found.contributions[group]) == pytest.approx(carried, rel=1e-4, abs=1e-6)
    assert found.contributions.tolist() == sorted(found.contributions.tolist(), reverse=True)
    torch.testing.assert_close(found.vectors.norm(dim=1), torch.ones(count))
    assert (found.vectors >= 0).all()
    assert (found.maps >= 0).all()


def test_each_picture_is_that_of_the_group_s_direction() -> None:
    net, x = network(SmallCNN()), images(1)
    found = neuron_groups(net, x, "relu", groups=2, power=1.0, recipe=PLAIN, seed=5)
    asked = [iv.Direction("relu", tuple(vector.tolist()), power=1.0) for vector in found.vectors]
    torch.testing.assert_close(found.pixels, iv.synthesize(net, asked, recipe=PLAIN, seed=5).pixels)


def test_the_channels_that_belong_most_to_a_group_come_first() -> None:
    found = neuron_groups(network(SmallCNN()), images(1), "relu", groups=2, recipe=PLAIN)
    first = found.channels(1, 3)
    weights = found.vectors[1]
    assert len(first) == 3
    assert weights[first].tolist() == sorted(weights.tolist(), reverse=True)[:3]


def test_the_same_call_gives_the_same_groups() -> None:
    net, x = network(TinyViT()), images(1)
    once, again = (neuron_groups(net, x, "block", groups=3, recipe=PLAIN) for _ in range(2))
    assert torch.equal(once.maps, again.maps)
    assert torch.equal(once.pixels, again.pixels)
    assert once.maps.shape == (3, 2, 2)


@pytest.mark.parametrize("count", [0, 7])
def test_too_few_or_too_many_groups_are_refused(count: int) -> None:
    with pytest.raises(SettingError) as refused:
        neuron_groups(network(SmallCNN()), images(1), "relu", groups=count, recipe=PLAIN)
    assert str(refused.value) == (
        f"layer 'relu' has 6 channels at 4 × 4 positions, so there are 1 to 6 groups; got {count}"
    )


def test_a_silent_layer_is_refused() -> None:
    module = SmallCNN()
    net = iv.Network(module, PIXELS)
    with torch.no_grad():
        module.conv2.weight.zero_()
        module.conv2.bias.fill_(-1)
    with pytest.raises(MethodError) as refused:
        neuron_groups(net, images(1), "conv2", groups=2, recipe=PLAIN, objective=iv.Channel("conv2", 0))
    assert str(refused.value) == ("nothing of layer 'conv2' is above zero for this image, so there is nothing to group")
