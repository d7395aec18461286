"""How much a layer's values contribute, against closed forms and finite differences."""

import pytest
import torch

import innerview as iv
from innerview.combined.contributions import contributions, one_image
from innerview.errors import ImageError, MethodError
from innerview.modules.scope import hooked, untouched
from small_networks import OneConv, SmallCNN, images, network


def test_before_pooling_and_one_linear_layer_they_add_up_to_the_score_less_the_bias() -> None:
    net, x = network(SmallCNN()), images(1)
    found = contributions(net, x, "relu", iv.Logit(2))
    torch.testing.assert_close(found.score, net.logits(x)[0, 2])
    torch.testing.assert_close(found.values.sum(), found.score - net.module.fc.bias[2])
    dense = found.activations * net.module.fc.weight[2, :, None, None] / 16
    torch.testing.assert_close(found.values, dense.detach())


def test_by_default_they_are_of_the_most_probable_class() -> None:
    net, x = network(SmallCNN()), images(1)
    best = net.predict(x)[0][0]
    assert contributions(net, x, "relu").question == iv.Logit(best.index)
    assert torch.equal(contributions(net, x, "relu").values, contributions(net, x, "relu", iv.Logit(best.index)).values)


def test_the_gradients_are_finite_differences() -> None:
    net, x = network(SmallCNN().double()), images(1).double()
    found = contributions(net, x, "conv2", iv.Probability(1))

    def nudged(place: tuple[int, int, int], by: float) -> float:
        def nudge(_module: object, _inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            changed = output.clone()
            changed[0, *place] += by
            return changed

        with untouched(net.module), hooked({net.module.conv2: nudge}):
            return float(net.logits(x).softmax(1)[0, 1])

    for place in ((0, 0, 0), (3, 1, 2), (5, 3, 3)):
        slope = (nudged(place, 1e-5) - nudged(place, -1e-5)) / 2e-5
        assert float(found.gradients[place]) == pytest.approx(slope, abs=1e-9)


def test_a_vector_has_one_position() -> None:
    net = network(SmallCNN())
    found = contributions(net, images(1), "fc", iv.Logit(3))
    assert found.values.shape == (5, 1, 1)
    assert found.place(None) == found.place((0, 0)) == (0, 0)
    assert found.values.flatten().nonzero().tolist() == [[3]]


def test_the_strongest_position_has_the_largest_sum() -> None:
    found = contributions(network(SmallCNN()), images(1), "relu", iv.Logit(0))
    sums = {(r, c): float(found.values[:, r, c].sum()) for r in range(4) for c in range(4)}
    assert found.strongest == max(sums, key=lambda place: sums[place])
    assert found.place(None) == found.strongest
    assert found.place((2, 1)) == (2, 1)


@pytest.mark.parametrize("position", [(4, 0), (0, -1), (-1, 2), (1, 4)])
def test_a_position_off_the_grid_is_refused(position: tuple[int, int]) -> None:
    found = contributions(network(SmallCNN()), images(1), "relu", iv.Logit(0))
    with pytest.raises(iv.InnerviewError) as refused:
        found.place(position)
    assert str(refused.value) == f"layer 'relu' has 4 × 4 positions, (0, 0) to (3, 3); got {position}"


def test_several_images_are_refused() -> None:
    with pytest.raises(ImageError) as refused:
        one_image(network(SmallCNN()), images(2))
    assert str(refused.value) == "these views are of one image; got 2: look at them one by one"
    assert refused.value.kind == "several"


def test_a_layer_that_the_question_does_not_depend_on_is_refused() -> None:
    net = iv.Network(OneConv(), iv.Preprocess(size=4, mean=(0.0,), std=(1.0,)))
    with pytest.raises(MethodError) as refused:
        contributions(net, torch.ones(1, 1, 4, 4), "fc1", iv.Channel("conv1", 0))
    assert str(refused.value) == (
        "the question has no gradient at fc1 of OneConv: it is read earlier in the network, or the forward pass "
        "detaches it. Ask about a later layer, or use a method without gradients (occlusion)"
    )
