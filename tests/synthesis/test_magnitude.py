"""The canvas of a fixed spectrum, and the spectra themselves."""

from math import pi

import numpy as np
import pytest
import torch
from PIL import Image

import innerview as iv
from innerview.synthesis.magnitude import MagnitudeConstrained, mirrored
from innerview.synthesis.spectrum import natural_spectrum, spectrum_of
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


def test_the_natural_spectrum_has_the_published_slopes_and_energies() -> None:
    spectrum = natural_spectrum((512, 512))
    line = spectrum[0, 0].log()
    f = torch.arange(257) / 512

    def slope(low: float, high: float) -> float:
        chosen = (f >= low) & (f <= high)
        x, y = f[chosen].double().log(), line[chosen]
        return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())

    assert slope(0.004, 0.02) == pytest.approx(-1.2, abs=0.01)
    assert slope(0.02, 0.1) == pytest.approx(-1.4, abs=0.01)
    assert -2.8 < slope(0.1, 0.4) < -2.5
    assert 0.03 <= spectrum[0, 0, 256] <= 0.05
    at = torch.tensor(0.009 * 512)
    assert spectrum[0, 0, 4] > 1.4e4 > spectrum[0, 0, 5], at
    energies = spectrum.flatten(1)[:, 1:].square().sum(1)
    torch.testing.assert_close(energies / energies[0], torch.tensor([1, 1.07, 0.67]).double())


def test_a_smaller_picture_has_the_low_frequencies_of_the_large_one() -> None:
    large, small = natural_spectrum((512, 512), channels=1), natural_spectrum((64, 64), channels=1)
    torch.testing.assert_close(small[0, :32, :33], large[0, :32, :33])


def test_a_spectrum_is_the_mean_over_images_in_independent_colours(tmp_path) -> None:
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in range(2)]
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    colours = np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]])
    colours /= np.sqrt((colours**2).sum(0)).max()
    expected = np.mean(
        [np.abs(np.fft.rfft2(np.einsum("ij,yxj->iyx", np.linalg.inv(colours), each / 255))) for each in arrays], 0
    )
    found = spectrum_of(tmp_path, 6)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(spectrum_of(arrays, (6, 6)), found)
    MagnitudeConstrained(spectrum=found).start(network(6), Streams([0]))


def test_what_is_no_spectrum_of_the_canvas_is_refused(tmp_path) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        MagnitudeConstrained(spectrum=torch.ones(3, 8, 5)).start(network((6, 8)), Streams([0]))
    assert str(refused.value) == (
        "the spectrum of a canvas of 6 × 8 is [3, 6, 5]; got [3, 8, 5]. "
        "Measure it in this size: spectrum_of(images, (6, 8))"
    )
    with pytest.raises(iv.InnerviewError, match="a spectrum is measured on at least one image; got none in"):
        spectrum_of(tmp_path, 8)
