"""Fills against a Gaussian blur of another library, and what is asked of colours."""

import pytest
import torch
from scipy.ndimage import gaussian_filter

import innerview as iv
from innerview.attribution.fills import filled
from small_networks import PIXELS, SmallCNN, images, network


@pytest.mark.parametrize("sigma", [0.5, 1.5, 4.0])
def test_the_blur_is_gaussian_and_repeats_the_border(sigma: float) -> None:
    x = images(2, size=9)
    expected = torch.from_numpy(gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode="nearest", truncate=3.0))
    torch.testing.assert_close(filled(network(SmallCNN()), x, "blur", sigma), expected, rtol=1e-4, atol=1e-6)


def test_the_mean_is_each_images_and_each_channels_own() -> None:
    x = images(2)
    fill = filled(network(SmallCNN()), x, "mean")
    assert fill.shape == x.shape
    for image in range(2):
        for channel in range(3):
            torch.testing.assert_close(fill[image, channel], x[image, channel].mean().expand(8, 8))


def test_one_mean_and_deviation_serve_all_channels() -> None:
    grey = iv.Preprocess(size=8, mean=(0.5,), std=(0.25,))
    fill = filled(iv.Network(SmallCNN(), grey), images(1), (0.0, 0.5, 1.0))
    assert fill[0, :, 3, 4].tolist() == [-2, 0, 2]


@pytest.mark.parametrize("method", [iv.IntegratedGradients(), iv.Occlusion(window=4, fill=0.0)])
@pytest.mark.parametrize("channels", [1, 4])
def test_a_colour_that_cannot_be_normalised_is_refused(channels: int, method: iv.Method) -> None:
    net = iv.Network(network(SmallCNN(channels)).module, PIXELS)
    with pytest.raises(iv.errors.SettingError) as refusal:
        method(net, images(1, channels), iv.Logit(1))
    assert str(refusal.value) == (
        f"a fill colour needs the mean and deviation of each channel: the input has {channels} channels, the "
        'preprocessing of SmallCNN 3. Give the network its own Preprocess, or use "mean"'
    )
