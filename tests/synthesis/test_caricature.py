"""Pictures to which a layer answers as to an image."""

import pytest
import torch
from torch import nn

import innerview as iv
from innerview.errors import SettingError
from innerview.network.seen import Seen
from innerview.synthesis.caricature import Resemblance, caricature
from planted import INPUT, PLAIN, planted, templates
from small_networks import SmallCNN, images, network


def test_of_a_linear_layer_the_best_picture_is_known() -> None:
    """max ⟨Wx, Wx₀⟩ between black and white is where Wᵀ W x₀ is positive."""
    wanted, x = (
        templates(5),
        INPUT.normalise(torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(3)).double()),
    )
    found = caricature(planted(wanted), x, "look", recipe=PLAIN)
    rows = wanted.flatten(1)
    slope = (rows.T @ (rows @ x.flatten(1).T)).T.reshape(2, 3, 8, 8)
    torch.testing.assert_close(found.pixels, (slope > 0).double(), atol=1e-12, rtol=0)
    assert found.objective(0) == "look as for the image"


def test_at_one_position_a_direction_is_the_same_question() -> None:
    vector = torch.randn(5, 1, 1, dtype=torch.float64)
    seen = Seen({"look": torch.randn(3, 5, 1, 1, dtype=torch.float64)}, None)
    same = iv.Direction("look", tuple(vector.flatten().tolist()), (0, 0))
    torch.testing.assert_close(Resemblance("look", vector)(seen), same(seen))


def test_the_cosine_counts_with_its_power() -> None:
    goal = torch.randn(4, 2, 3)
    maps = torch.randn(5, 4, 2, 3, generator=torch.Generator().manual_seed(1))
    found = Resemblance("layer", goal, power=2.0)(Seen({"layer": maps}, None))
    for one, value in zip(maps, found, strict=True):
        product = float((one * goal).sum())
        cosine = product / (float(one.norm()) * float(goal.norm()))
        assert float(value) == pytest.approx(product / 6 * max(0.1, cosine) ** 2, rel=1e-4)


def test_a_caricature_answers_more_strongly_than_the_image() -> None:
    net, x = network(SmallCNN()), images(1)
    found = caricature(net, x, "conv2", recipe=PLAIN, steps=25)
    own = iv.activations(net, x, ["conv2"])["conv2"][0]
    assert found.scores[0] > found.curve[0, 0]
    torch.testing.assert_close(
        Resemblance("conv2", own)(Seen({"conv2": own[None]}, None)), own.square().sum()[None] / own[0].numel()
    )


def test_what_cannot_be_resembled_is_refused() -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        Resemblance("look", torch.ones(3, 1, 1))(Seen({"look": torch.ones(1, 5, 1, 1)}, None))
    assert str(refused.value) == (
        "the activation to resemble is [3, 1, 1], but layer 'look' gives [5, 1, 1]; "
        "show the network as many pixels as gave the activation"
    )
    with pytest.raises(iv.InnerviewError, match="power is a number, at least 0; got -1"):
        Resemblance("look", torch.ones(3, 1, 1), power=-1)


def test_the_default_is_the_last_grid_that_the_scores_depend_on() -> None:
    net, x = network(SmallCNN()), images(2)
    found, expected = (caricature(net, x, layer, recipe=PLAIN, steps=2) for layer in (None, "relu"))
    assert found.provenance == expected.provenance
    assert torch.equal(found.pixels, expected.pixels)
    with pytest.raises(SettingError, match="has no grid of features that its scores depend on; name a layer"):
        caricature(network(nn.Sequential(nn.Flatten(), nn.Linear(192, 4))), x)
