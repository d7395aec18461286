"""The question: its value against the network's own numbers, its arithmetic, its errors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import innerview as iv
from innerview.modules.scope import untouched
from innerview.network.seen import Seen
from innerview.objectives import as_objective
from innerview.objectives.scoring import input_gradient, score
from small_networks import SmallCNN, TinyViT, images, network

SEEN = Seen(
    {"maps": torch.arange(24.0).reshape(1, 2, 3, 4), "tokens": torch.arange(6.0).reshape(1, 3, 2)},
    torch.tensor([[1.0, 2.0, 4.0]]),
)


def value(objective: iv.Objective) -> float:
    return float(objective(SEEN))


def test_each_objective_is_the_number_it_names() -> None:
    maps, scores = SEEN.activations["maps"], SEEN.output
    assert value(iv.Logit(2)) == 4
    assert value(iv.Probability(1)) == pytest.approx(float(scores.softmax(1)[0, 1]))
    assert value(iv.Channel("maps", 1)) == float(maps[0, 1].mean())
    assert value(iv.Neuron("maps", 0, (1, 2))) == 6
    assert value(iv.Neuron("maps", 1)) == 23
    assert value(iv.LayerEnergy("maps")) == float((maps**2).mean())
    assert value(iv.Direction("maps", (2.0, -1.0), (0, 1))) == 2 * 1 - 13
    assert value(iv.Direction("maps", (1.0, 0.0))) == float(maps[0, 0].mean())


def test_tokens_and_vectors_have_channels_too() -> None:
    assert value(iv.Channel("tokens", 1)) == pytest.approx((1 + 3 + 5) / 3)
    assert value(iv.Neuron("tokens", 0, (2, 0))) == 4
    assert float(iv.Channel("v", 1)(Seen({"v": torch.tensor([[3.0, 5.0]])}, None))) == 5


def test_the_only_output_of_a_network_has_a_sigmoid_probability() -> None:
    assert float(iv.Probability(0)(Seen({}, torch.tensor([[0.0]])))) == 0.5


numbers = st.floats(-5, 5)


@given(a=numbers, b=numbers)
def test_arithmetic_is_that_of_the_values(a: float, b: float) -> None:
    x, y = iv.Logit(1), iv.Logit(2)
    combined = a * x - y * b + (x - 3) * -y + (1 - x)
    assert value(combined) == pytest.approx(a * 2 - 4 * b + (2 - 3) * -4 + (1 - 2), abs=1e-4)


@pytest.mark.usefixtures("unchecked_types")
def test_combining_with_something_else_is_refused() -> None:
    with pytest.raises(iv.InnerviewError, match="objectives combine with objectives and numbers; got str"):
        iv.Logit(1) + "ox"  # type: ignore[operator]


def test_combined_objectives_read_all_their_layers() -> None:
    combined = iv.Channel("a", 1) + 2 * iv.Neuron("b", 0) - iv.Channel("a", 2)
    assert combined.layers == ("a", "b")
    assert not combined.reads_output
    assert (combined * iv.Logit(1)).reads_output


def test_descriptions_read_like_the_question() -> None:
    net = network(SmallCNN(), labels=["ox", "bison", "cat", "dog", "emu"])
    asked = as_objective(net, iv.Logit("ox") - iv.Logit("Bison"), images())
    assert asked.describe(net) == "ox − bison"
    assert (2 * iv.Probability(2)).describe(net) == "2 · probability of cat"
    assert iv.Neuron("conv1", 3).describe(net) == "conv1 channel 3, strongest position"


def test_names_become_indices_and_unknown_ones_list_the_nearest() -> None:
    net = network(SmallCNN(), labels=["ox", "bison", "cat", "dog", "emu"])
    assert as_objective(net, iv.Logit("dog"), images()) == iv.Logit(3)
    with pytest.raises(iv.InnerviewError, match="bison"):
        as_objective(net, iv.Logit("bisom"), images())
    with pytest.raises(iv.InnerviewError, match="SmallCNN has no class names, so ask for an index; got 'dog'"):
        as_objective(network(SmallCNN()), iv.Logit("dog"), images())


def test_a_list_is_one_objective_per_image() -> None:
    net, x = network(SmallCNN()), images(3)
    scores = net.logits(x)
    asked = as_objective(net, [iv.Logit(4), iv.Logit(0), iv.Logit(4)], x)
    with untouched(net.module):
        torch.testing.assert_close(score(net, x, asked), scores[[0, 1, 2], [4, 0, 4]])
        torch.testing.assert_close(score(net, x[[2, 1]], asked.rows([2, 1])), scores[[2, 1], [4, 0]])
    with pytest.raises(iv.InnerviewError, match="one objective for all images or one per image; got 2 for 3"):
        as_objective(net, [iv.Logit(0)] * 2, x)


OBJECTIVES = [
    iv.Logit(1),
    iv.Probability(2),
    iv.Channel("conv2", 3),
    iv.Neuron("conv2", 1, (1, 2)),
    iv.Neuron("conv1", 0),
    iv.LayerEnergy("relu:1"),
    iv.Direction("conv2", (1.0, -1, 0.5, 0, 2, 1)),
    iv.Logit(1) * iv.Channel("conv1", 2) - 0.5 * iv.LayerEnergy("relu"),
]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_gradients_are_finite_differences(objective: iv.Objective) -> None:
    """In double precision, along a random direction."""
    net = network(SmallCNN())
    net = iv.Network(net.module.double(), net.preprocess)
    x = images(2).double()
    direction, step = images(2, seed=5).double(), 1e-6
    with untouched(net.module):
        slope = (input_gradient(net, x, objective).gradient * direction).sum((1, 2, 3))
        above, below = (score(net, x + sign * step * direction, objective) for sign in (1, -1))
    torch.testing.assert_close(slope, (above - below) / (2 * step), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("objective", "sentence"),
    [
        (iv.Channel("conv1", 4), "layer 'conv1' has channels 0 to 3; got 4"),
        (iv.Neuron("conv2", 0, (4, 0)), r"layer 'conv2' has 4 × 4 positions \(row, column\); got \(4, 0\)"),
        (iv.Direction("conv1", (1.0,)), "the direction has 1 numbers, but layer 'conv1' has 4 channels"),
        (iv.Channel("conv9", 0), "no layer 'conv9' in SmallCNN; did you mean 'conv"),
        (iv.Logit(5), "this network has classes 0 to 4; got 5"),
    ],
)
def test_questions_that_do_not_fit_are_refused(objective: iv.Objective, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError, match=sentence):
        iv.Gradient()(network(SmallCNN()), images(), objective)


def test_class_scores_of_another_shape_are_refused() -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 5, 1)))
    with pytest.raises(
        iv.InnerviewError, match=r"class scores are \[batch, class\]; this network gives \[2, 5, 8, 8\]"
    ):
        iv.Gradient()(net, images(), iv.Logit(1))
    assert iv.Gradient()(net, images(), iv.Channel("0", 1)).values.shape == (2, 3, 8, 8)


def test_a_question_read_before_the_pixels_matter_is_refused() -> None:
    """The class token of a transformer does not depend on the image before the first block."""
    net = network(TinyViT())
    with pytest.raises(iv.InnerviewError, match=r"has no gradient at conv2 of SmallCNN"):
        iv.GradCAM(layer="conv2")(network(SmallCNN()), images(), iv.Channel("conv1", 0))
    assert iv.Gradient()(net, images(), iv.Channel("block", 2)).values.abs().sum() > 0
