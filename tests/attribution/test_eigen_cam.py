"""Eigen-CAM against a full singular value decomposition, a rank-one layer worked out by hand and a peer."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from torch.nn import functional

import innerview as iv
from innerview.attribution.eigen_cam import EigenCAM, first_component
from innerview.errors import ObjectiveError
from small_networks import SmallCNN, Tokens, images, network


def by_svd(maps: torch.Tensor) -> torch.Tensor:
    """One image, [channel, row, column]."""
    features = maps.flatten(1).T.double()
    left, values, _ = torch.linalg.svd(features)
    projection = left[:, 0] * values[0]
    return (projection * (features.sum(1) @ projection).sign()).reshape(maps.shape[1:])


@pytest.mark.parametrize("channels", [3, 16, 40])
def test_the_first_component_is_that_of_a_full_decomposition(channels: int) -> None:
    maps = images(4, channels=channels, size=4).double()
    expected = torch.stack([by_svd(each) for each in maps])[:, None]
    torch.testing.assert_close(first_component(maps), expected)
    torch.testing.assert_close(first_component(maps.float()), expected.float(), rtol=1e-3, atol=1e-4)


def test_a_layer_of_one_pattern_is_that_pattern_times_its_length() -> None:
    pattern = torch.tensor([[1.0, 2], [3, 4]])
    maps = torch.stack([3 * pattern, -4 * pattern, 2 * pattern])[None]
    torch.testing.assert_close(first_component(maps)[0, 0], 29**0.5 * pattern)
    torch.testing.assert_close(first_component(-maps)[0, 0], -(29**0.5) * pattern)


def test_features_that_are_not_negative_give_a_map_that_is_not_negative() -> None:
    values = EigenCAM(layer="relu")(network(SmallCNN()), images(3), iv.Logit(1)).values
    assert values.min() > -1e-5
    assert values.max() > 0


def test_a_dead_layer_gives_zeros() -> None:
    assert not first_component(torch.zeros(2, 3, 4, 4)).any()
    assert not first_component(torch.zeros(2, 30, 4, 4)).any()


@pytest.mark.parametrize("module", [SmallCNN, Tokens])
def test_it_is_the_same_for_every_class_and_every_batch(module: type) -> None:
    net, x = network(module()), images(3)
    together = EigenCAM()(net, x, [iv.Logit(0), iv.Probability(1), iv.Logit(2)]).values
    apart = torch.cat([EigenCAM()(net, x[[i]], iv.Logit(4)).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


def test_a_question_that_does_not_fit_is_refused_all_the_same() -> None:
    with pytest.raises(ObjectiveError, match="this network has classes 0 to 4; got 99"):
        EigenCAM()(network(SmallCNN()), images(), iv.Logit(99))


def test_the_pass_stops_where_the_question_and_the_layer_are_behind() -> None:
    net, ran = network(SmallCNN()), []
    net.layers(images())
    net.module.fc.register_forward_hook(lambda *_: ran.append(True))
    EigenCAM(layer="conv2")(net, images(1), iv.Channel("conv1", 0))
    assert not ran


def test_pytorch_grad_cam_centres_the_features_which_the_paper_does_not() -> None:
    """Its map is ours of the centred features, up to the sign, which it leaves to chance."""
    maps = images(2, channels=5, size=4) + 3
    theirs = torch.from_numpy(get_2d_projection(maps.numpy()))
    centred = first_component(maps - maps.mean((2, 3), keepdim=True))[:, 0]
    torch.testing.assert_close(theirs.abs(), centred.abs(), rtol=1e-3, atol=1e-4)
    ours = first_component(maps)[:, 0]
    assert np.corrcoef(ours.flatten(), maps.sum(1).flatten())[0, 1] > 0.9
    assert not torch.allclose(theirs.abs(), ours.abs(), atol=0.1)


def centred(maps: torch.Tensor) -> torch.Tensor:
    """As a fresh layer normalisation gives them: the channels of each position add up to zero, up to rounding."""
    return functional.layer_norm(maps.movedim(1, 3), maps.shape[1:2]).movedim(3, 1)


@pytest.mark.parametrize(("channels", "size"), [(24, 8), (96, 4), (192, 14)])
def test_where_the_channels_add_up_to_nothing_the_largest_magnitude_is_positive(channels: int, size: int) -> None:
    maps = centred(images(6, channels=channels, size=size, seed=3) + images(6, channels=channels, size=1, seed=4))
    values = first_component(maps).flatten(1)
    assert bool((values.amax(1) == values.abs().amax(1)).all())
    by_svd = torch.linalg.svd(maps.flatten(2).mT.double())
    expected = by_svd.U[:, :, 0] * by_svd.S[:, :1]
    expected = expected * expected.gather(1, expected.abs().argmax(1, keepdim=True)).sign()
    torch.testing.assert_close(values.double(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("channels", "size"), [(24, 8), (96, 4)])
def test_the_sign_is_the_same_alone_in_a_batch_and_for_nearly_the_same_image(channels: int, size: int) -> None:
    maps = centred(images(40, channels=channels, size=size, seed=5) + images(40, channels=channels, size=1, seed=6))
    together = first_component(maps)
    alone = torch.cat([first_component(each) for each in maps.split(1)])
    nearly = first_component(maps + 1e-6 * images(40, channels=channels, size=size, seed=7))
    other_channels = first_component(maps.flip(1))  # another order of summation
    for again in (alone, nearly, other_channels):
        assert bool(((together * again).sum((1, 2, 3)) > 0).all())


def test_a_sum_of_channels_that_is_small_but_no_rounding_decides() -> None:
    maps = torch.tensor([[1.0, -4.0], [-0.99, 3.96]]).view(1, 2, 1, 2)
    values = first_component(maps).flatten()
    torch.testing.assert_close(values, torch.tensor([1.0, -4.0]) * (1 + 0.99**2) ** 0.5)
