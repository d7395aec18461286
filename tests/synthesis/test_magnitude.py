"""The canvas of a fixed spectrum."""

from math import pi

import pytest
import torch

import innerview as iv
from innerview.synthesis.magnitude import MagnitudeConstrained, mirrored
from innerview.synthesis.spectrum import natural_spectrum
from innerview.synthesis.streams import Streams

CORNER = 32


def network(size: int | tuple[int, int], channels: int = 3) -> iv.Network:
    zeros = (0.0,) * channels
    return iv.Network(torch.nn.Flatten(), iv.Preprocess(size=size, mean=zeros, std=(1.0,) * channels))


def spike(waves: torch.Tensor) -> tuple[float, float]:
    """How far the first pixel stands out, in deviations, and the share of energy in the corner around it."""
    wrapped = waves.roll((CORNER, CORNER), (2, 3))[:, :, : 2 * CORNER, : 2 * CORNER]
    return float(waves[:, :, 0, 0].abs().max()), float(wrapped.square().sum() / waves.square().sum())


def test_uniform_phases_have_no_spike_in_the_corner_and_normal_ones_do() -> None:
    net, canvas = network(512), MagnitudeConstrained()
    uniform = canvas.waves(net, canvas.start(net, Streams([0])))
    height, energy = spike(uniform)
    assert height < 6
    assert energy < 0.04
    normal = canvas.waves(net, Streams([0]).normal(3, 512, 257))
    height, energy = spike(normal)
    assert height > 30
    assert energy > 0.15


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (9, 8)])
def test_pictures_have_the_spectrum_whatever_the_phases(size: tuple[int, int]) -> None:
    """Up to one factor for a picture, and but for the frequencies that are their own mirror image."""
    net, spectrum = network(size, 1), natural_spectrum(size, channels=1)
    canvas = MagnitudeConstrained(spectrum=spectrum)
    found = torch.fft.rfft2(canvas.waves(net, canvas.start(net, Streams([1])).double()))[0].abs()
    factor = (found / spectrum).flatten()
    own = torch.zeros_like(found, dtype=torch.bool)
    rows, columns = [0, *([size[0] // 2] if size[0] % 2 == 0 else [])], [0, *([-1] if size[1] % 2 == 0 else [])]
    for row in rows:
        own[:, row, columns] = True
    kept = factor[~own.flatten()]
    torch.testing.assert_close(kept, kept[:1].expand_as(kept), rtol=1e-4, atol=0)


@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
def test_mirrored_phases_are_those_of_a_real_picture(size: tuple[int, int]) -> None:
    phases = torch.rand(1, 1, size[0], size[1] // 2 + 1) * 2 * pi
    found = mirrored(phases, columns=size[1])[0, 0]
    for row in range(1, (size[0] + 1) // 2):
        assert found[-row, 0] == -found[row, 0]
    assert torch.equal(found[:, 1:-1], phases[0, 0, :, 1:-1])


def test_a_picture_is_standardised_before_its_colours_are_mixed() -> None:
    net = network(16)
    waves = MagnitudeConstrained().waves(net, MagnitudeConstrained().start(net, Streams([0, 1])))
    torch.testing.assert_close(waves.mean((1, 2, 3)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(waves.std((1, 2, 3), correction=0), torch.ones(2), atol=1e-3, rtol=0)


def test_it_can_start_from_an_image_whose_phases_it_takes() -> None:
    """Of an image that has the spectrum itself, it is that image."""
    net = network(8, 1)
    image = 0.2 + 0.6 * torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    spectrum = torch.fft.rfft2(image.logit())[0].abs()
    canvas = MagnitudeConstrained(spectrum=spectrum, image=image)
    waves = canvas.waves(net, canvas.start(net, Streams([0])))
    logits = image.logit()
    torch.testing.assert_close(waves, (logits - logits.mean()) / logits.std(correction=0), rtol=1e-3, atol=1e-3)


def test_what_is_no_spectrum_of_the_canvas_is_refused() -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        MagnitudeConstrained(spectrum=torch.ones(3, 8, 5)).start(network((6, 8)), Streams([0]))
    assert str(refused.value) == (
        "the spectrum of a canvas of 6 × 8 is [3, 6, 5]; got [3, 8, 5]. "
        "Measure it in this size: spectrum_of(images, (6, 8))"
    )
