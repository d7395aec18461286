"""Questions that share forward passes get the answers they get alone, for fewer passes."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

import innerview as iv
from small_networks import Functional, Residual, SmallCNN, TinyViT, images, network

GRADIENTS = [
    iv.Gradient(),
    iv.GradientTimesInput(),
    iv.GuidedBackprop(),
    iv.Deconvolution(),
    iv.GradCAM(),
    iv.LayerCAM(),
    iv.HiResCAM(),
    iv.GradCAMPlusPlus(),
    iv.GuidedGradCAM(),
]
OTHERS = [iv.CAM(), iv.SmoothGrad(samples=3), iv.Occlusion(window=3), iv.IntegratedGradients(points=3), iv.LRP()]
QUESTIONS = [iv.Logit(1), iv.Logit(0) - iv.Logit(2), iv.Probability(3)]


@contextmanager
def counting(module: nn.Module) -> Iterator[list[int]]:
    """How many images go through in each forward pass."""
    passes: list[int] = []
    handle = module.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    try:
        yield passes
    finally:
        handle.remove()


@pytest.mark.parametrize("kind", [SmallCNN, Functional, Residual])
def test_the_answers_are_those_without_sharing(kind: type[nn.Module]) -> None:
    net, x = network(kind()), images(3)
    with iv.sharing(net, x) as shared:
        for method in (*GRADIENTS, *OTHERS):
            for why in QUESTIONS:
                together, alone = method(net, shared, why), method(net, x, why)
                torch.testing.assert_close(together.values, alone.values, rtol=1e-5, atol=1e-7)


def test_the_answers_of_a_transformer_are_those_without_sharing() -> None:
    net, x = network(TinyViT()), images(2)
    methods = [each for each in GRADIENTS if not isinstance(each, iv.GuidedGradCAM)]
    with iv.sharing(net, x) as shared:
        for method in (*methods, iv.AttentionRollout(), iv.AttentionRollout(gradient=True)):
            for why in QUESTIONS:
                together, alone = method(net, shared, why), method(net, x, why)
                torch.testing.assert_close(together.values, alone.values, rtol=1e-5, atol=1e-7)


def test_many_methods_and_questions_share_one_pass() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(2)) as x:
        net.layers(x)
        with counting(net.module) as passes:
            for method in GRADIENTS:
                for why in QUESTIONS:
                    method(net, x, why)
    assert passes == [2]


def test_class_activation_maps_of_many_classes_cost_one_pass() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(2)) as x:
        net.layers(x)
        with counting(net.module) as passes:
            for label in range(5):
                iv.CAM()(net, x, iv.Logit(label))
    assert passes == [2]


def test_occlusion_of_many_classes_covers_the_image_once() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(1)) as x:
        net.layers(x)
        with counting(net.module) as first:
            iv.Occlusion(window=4)(net, x, iv.Logit(0))
        with counting(net.module) as second:
            iv.Occlusion(window=4)(net, x, iv.Logit(1))
        with counting(net.module) as other:
            iv.Occlusion(window=3)(net, x, iv.Logit(1))
    assert sum(first) > 9
    assert second == [1]
    assert sum(other) > 9


def test_a_layer_that_was_not_seen_costs_one_more_pass() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(1)) as x:
        net.layers(x)
        with counting(net.module) as passes:
            iv.GradCAM()(net, x, iv.Logit(0))
            iv.GradCAM(layer="conv1")(net, x, iv.Logit(0))
            iv.GradCAM()(net, x, iv.Logit(1))
    assert passes == [1, 1]


def test_other_images_and_other_networks_are_not_confused() -> None:
    net, other, x, y = network(SmallCNN()), network(SmallCNN(), seed=5), images(1), images(1, seed=9)
    alone = [iv.Gradient()(each, z, iv.Logit(0)).values for each, z in ((net, y), (other, x))]
    with iv.sharing(net, x) as shared:
        iv.Gradient()(net, shared, iv.Logit(0))
        assert torch.equal(iv.Gradient()(net, y, iv.Logit(0)).values, alone[0])
        assert torch.equal(iv.Gradient()(other, shared, iv.Logit(0)).values, alone[1])


def test_changed_weights_are_noticed() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(1)) as x:
        before = iv.Gradient()(net, x, iv.Logit(0)).values
        with torch.no_grad():
            net.module.fc.weight.mul_(2)
        torch.testing.assert_close(iv.Gradient()(net, x, iv.Logit(0)).values, 2 * before)


def test_after_the_block_nothing_is_kept() -> None:
    net = network(SmallCNN())
    with iv.sharing(net, images(1)) as x:
        iv.Gradient()(net, x, iv.Logit(0))
    with counting(net.module) as passes:
        iv.Gradient()(net, x, iv.Logit(0))
    assert passes == [1]


def test_a_failing_question_does_not_spoil_the_next() -> None:
    net, x = network(SmallCNN()), images(1)
    expected = iv.Gradient()(net, x, iv.Logit(0)).values
    with iv.sharing(net, x) as shared:
        with pytest.raises(iv.InnerviewError):
            iv.Gradient()(net, shared, iv.Logit(99))
        assert torch.equal(iv.Gradient()(net, shared, iv.Logit(0)).values, expected)
