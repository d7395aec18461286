"""The image in which nothing is there: by hand, by another library's blur, and the same for every method."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

import innerview as iv
from innerview.attribution.baselines import Baseline, baseline_of
from innerview.settings import kinds_of
from small_networks import PIXELS, SmallCNN, images, network


@pytest.mark.parametrize("size", [4, 12, 40])
def test_the_blur_is_gaussian_as_wide_as_an_eighth_of_the_image_and_repeats_the_border(size: int) -> None:
    x, sigma = images(2, size=size), size / 8
    expected = torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=3.0))
    torch.testing.assert_close(baseline_of(network(SmallCNN()), x, "blur"), expected, rtol=1e-4, atol=1e-6)


def test_the_shorter_side_says_how_wide_the_blur_is() -> None:
    x = images(1, size=16)[:, :, :12]
    expected = torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, 1.5, 1.5), mode="nearest", truncate=3.0))
    torch.testing.assert_close(baseline_of(network(SmallCNN()), x, "blur"), expected, rtol=1e-4, atol=1e-6)


def test_the_mean_is_each_images_and_each_channels_own() -> None:
    x = images(2)
    absent = baseline_of(network(SmallCNN()), x, "mean")
    assert absent.shape == x.shape
    for image in range(2):
        for channel in range(3):
            torch.testing.assert_close(absent[image, channel], x[image, channel].mean().expand(8, 8))


def test_one_mean_and_deviation_serve_all_channels() -> None:
    grey = iv.Preprocess(size=8, mean=(0.5,), std=(0.25,))
    absent = baseline_of(iv.Network(SmallCNN(), grey), images(1), (0.0, 0.5, 1.0))
    assert absent[0, :, 3, 4].tolist() == [-2, 0, 2]


def test_every_method_that_removes_something_has_the_same_choices_and_the_same_default() -> None:
    defaults = {name: kind().baseline for name, kind in iv.METHODS.items() if hasattr(kind, "baseline")}
    removing = ["integratedgradients", "scorecam", "occlusion", "rise"]
    assert defaults == dict.fromkeys(removing, "mean")
    assert {kinds_of(iv.METHODS[name])["baseline"] for name in removing} == {Baseline}


@pytest.mark.parametrize("baseline", ["mean", "blur", 0.0, (1.0, 0.5, 0.0)])
def test_every_method_shows_the_network_the_same_image_in_which_nothing_is_there(baseline: Baseline) -> None:
    """A window over all of it, a mask that keeps nothing, a channel that masks everything, the start of the way."""
    net, x = iv.Network(network(SmallCNN()).module, iv.Preprocess(size=8, mean=(0.5,) * 3, std=(0.2,) * 3)), images(1)
    absent, asked = baseline_of(net, x, baseline), iv.Logit(1)
    rise = net.logits(x)[:, 1] - net.logits(absent)[:, 1]
    torch.testing.assert_close(iv.IntegratedGradients(baseline=baseline)(net, x, asked).total, rise)
    drop = iv.Occlusion(window=8, baseline=baseline)(net, x, asked).heatmap()
    torch.testing.assert_close(drop, rise[:, None, None].expand(1, 8, 8), rtol=1e-4, atol=1e-6)
    net.layers(x)
    seen = []
    with net.module.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone())):
        iv.RISE(masks=1, cells=1, keep=1e-9, baseline=baseline)(net, x, asked)
        torch.testing.assert_close(seen[-1], absent)
        net.module.conv2.weight.data.zero_()
        iv.ScoreCAM(layer="conv2", baseline=baseline, batch_size=1)(net, x, asked)
        torch.testing.assert_close(seen[-1], absent)


REMOVING = [
    iv.IntegratedGradients(baseline=0.0),
    iv.Occlusion(window=4, baseline=0.0),
    iv.RISE(masks=2, cells=2, baseline=0.0),
    iv.ScoreCAM(baseline=0.0),
]


@pytest.mark.parametrize("method", REMOVING)
@pytest.mark.parametrize("channels", [1, 4])
def test_a_colour_that_cannot_be_normalised_is_refused(channels: int, method: iv.Method) -> None:
    net = iv.Network(network(SmallCNN(channels)).module, PIXELS)
    with pytest.raises(iv.errors.SettingError) as refusal:
        method(net, images(1, channels), iv.Logit(1))
    assert str(refusal.value) == (
        f"a baseline's colour needs the mean and deviation of each channel: the input has {channels} channels, the "
        'preprocessing of SmallCNN 3. Give the network its own Preprocess, or use "mean"'
    )
