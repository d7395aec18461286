"""The spectra of images: dense sums, images whose spectrum is known, and photographs."""

import json
import math
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import innerview as iv
from innerview.synthesis import spectrum
from innerview.synthesis.canvas import frequencies
from innerview.synthesis.colour import correlated
from innerview.synthesis.magnitude import MagnitudeConstrained
from innerview.synthesis.spectrum import natural_spectrum, ring_means, spectrum_of, waves
from innerview.synthesis.streams import Streams

RECIPE = Path(__file__).parents[2] / "recipes" / "spectrum.py"
SLOPE = 1.0
ENERGY = (0.03, 0.02, 0.02)


def seamless(image: np.ndarray) -> np.ndarray:
    """An image [row, column] less the smooth image whose Laplacian is the steps of its edges, all equations written."""
    rows, columns = image.shape
    number = np.arange(rows * columns).reshape(rows, columns)
    laplacian, steps = np.zeros((rows * columns,) * 2), np.zeros(rows * columns)
    for row in range(rows):
        for column in range(columns):
            here = number[row, column]
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                y, x = row + down, column + right
                there = number[y % rows, x % columns]
                laplacian[here, here] -= 1
                laplacian[here, there] += 1
                if not (0 <= y < rows and 0 <= x < columns):
                    steps[here] += image.flat[there] - image.flat[here]
    smooth = np.linalg.lstsq(laplacian, steps, rcond=None)[0]
    return image - (smooth - smooth.mean()).reshape(rows, columns)


def independent(image: np.ndarray) -> np.ndarray:
    """[row, column, 3] in 0–255 as [3, row, column] in independent colours around grey."""
    colours = np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]])
    colours /= np.sqrt((colours**2).sum(0)).max()
    return np.einsum("ij,yxj->iyx", np.linalg.inv(colours), image / 255 - 0.5)


def known(size: tuple[int, int], seed: int) -> Image.Image:
    """A picture whose waves have the size ENERGY · k^−SLOPE, k in cycles per picture, and any phases."""
    noise = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    cycles = frequencies(size) * math.sqrt(size[0] * size[1])
    cycles[0, 0] = math.inf
    sizes = size[0] * size[1] * cycles**-SLOPE * torch.tensor(ENERGY).double()[:, None, None]
    picture = torch.fft.irfft2(sizes * torch.exp(1j * torch.fft.rfft2(noise).angle()), s=size)
    pixels = (correlated(picture)[0] + 0.5).clamp(0, 1)
    return Image.fromarray((pixels * 255).round().byte().permute(1, 2, 0).numpy())


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict:
    """The table of known pictures, by the script."""
    folder = tmp_path_factory.mktemp("known")
    for seed in range(6):
        known((128, 160) if seed == 5 else (128, 128), seed).save(folder / f"{seed}.png")
    known((100, 128), 9).save(folder / "small.png")
    main = runpy.run_path(str(RECIPE))["main"]
    main(folder, what="known ones", out=folder / "out" / "table.json", least=128)
    return json.loads((folder / "out" / "table.json").read_text())


def test_the_script_finds_the_spectrum_that_the_images_have(measured) -> None:
    assert measured["waves"] == pytest.approx([2 ** (ring / 2) for ring in range(13)], rel=1e-3)
    places = np.fft.fftfreq(128) * 128
    cycles = np.hypot(places[:, None], places[None, :])
    half_octaves = np.round(2 * np.log2(np.where(cycles > 0, cycles, 0.1)))
    for ring, found in enumerate(zip(*measured["sizes"]["colours"], strict=True)):
        mean = (cycles[half_octaves == ring] ** -SLOPE).mean()
        assert found == pytest.approx([energy * mean for energy in ENERGY], rel=0.15)
    assert measured["constant"]["colours"] == pytest.approx([0, 0, 0], abs=0.01)
    about = measured["measured_on"]
    assert (about["what"], about["photographs"], about["short_sides"]) == ("known ones", 6, [128, 128])


def test_a_canvas_of_another_size_reads_the_spectrum_of_images_made_as_large(measured, monkeypatch) -> None:
    monkeypatch.setattr(spectrum, "_table", lambda: measured)
    images = [known((128, 128), seed) for seed in range(6)]
    for size in (24, 48):
        expected, found = (np.log(radial(each)) for each in (spectrum_of(images, size), natural_spectrum((size, size))))
        np.testing.assert_allclose(found, expected, atol=0.2)
    plain = natural_spectrum((256, 256))[0] / 256**2
    beyond = plain[0, 128] / torch.tensor(0.5).sinc() ** 2
    assert beyond == pytest.approx(ENERGY[0] * 128**-SLOPE, rel=0.2)


def radial(half: torch.Tensor) -> np.ndarray:
    """The means of whole rings of a spectrum of a square of even side; the other half is the mirror image."""
    other = half[:, :, 1:-1].flip(2).roll(-1, 1).flip(1)
    return ring_means(torch.cat([half, other], 2))[:, : int(2 * math.log2(half.shape[1] / 2)) + 1].numpy()


def test_the_shipped_spectrum_is_that_of_the_photographs(shared_data) -> None:
    photographs = shared_data / "photos"
    ratio = radial(natural_spectrum((96, 96))) / radial(spectrum_of(photographs, 96))
    assert np.abs(np.log(ratio)).max() < 0.3
    assert np.abs(np.log(ratio)).mean() < 0.06


def test_a_smaller_picture_has_the_low_frequencies_of_the_large_one() -> None:
    large, small = (natural_spectrum((side, side))[0] / side**2 / resized(side) for side in (256, 64))
    torch.testing.assert_close(small[:32, :33], large[:32, :33])


def resized(side: int) -> torch.Tensor:
    """What is left of each wave: the transform of a triangle that is two pixels wide, as a sum."""
    places = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    lines = [
        torch.cos(2 * math.pi * f[:, None] * places) @ (1 - places.abs()) / 1000
        for f in (torch.fft.fftfreq(side).double(), torch.fft.rfftfreq(side).double())
    ]
    return torch.outer(*lines)


def test_the_spectrum_of_a_canvas_that_is_no_square_follows_its_pixels() -> None:
    """Waves of one length in pixels are of one size, whatever their direction, but for resizing."""
    found = natural_spectrum((100, 400))[0]
    assert found[25, 0] == pytest.approx(float(found[0, 100]), rel=1e-6)
    square = natural_spectrum((200, 200))[0]
    assert found[0, 100] == pytest.approx(float(square[0, 50]), rel=1e-6)


def test_other_numbers_of_channels_have_the_spectrum_of_grey() -> None:
    one, four = natural_spectrum((16, 16), channels=1), natural_spectrum((16, 16), channels=4)
    assert torch.equal(four, one.repeat(4, 1, 1))
    assert not torch.equal(natural_spectrum((16, 16))[0], one[0])


@pytest.mark.parametrize("size", [(5, 6), (6, 4)])
def test_waves_are_those_of_the_image_less_its_seams(size: tuple[int, int]) -> None:
    pixels = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = [np.fft.fft2(seamless(each[0].numpy() - 0.5)) for each in pixels]
    torch.testing.assert_close(waves(pixels)[:, 0], torch.from_numpy(np.stack(expected)))


def test_nothing_but_grey_is_left_of_what_is_one_large_step() -> None:
    """A ramp from dark to bright is a step at the edge; cut out as it is, it has waves of all lengths."""
    ramp = torch.linspace(0, 1, 32, dtype=torch.float64).expand(1, 1, 32, 32)
    plain = torch.fft.fft2(ramp - 0.5).abs().square().sum()
    assert waves(ramp).abs().square().sum() < 0.05 * plain


def test_rings_are_half_octaves_of_cycles_per_picture() -> None:
    sizes = torch.rand(2, 12, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    members: dict[int, list[torch.Tensor]] = {}
    for row in range(12):
        for column in range(8):
            f = math.hypot(min(row, 12 - row) / 12, min(column, 8 - column) / 8)
            if f > 0:
                half_octave = round(2 * math.log2(f * math.sqrt(96)))
                members.setdefault(half_octave, []).append(sizes[:, row, column])
    expected = torch.stack([torch.stack(members[ring]).mean(0) for ring in sorted(members)], 1)
    torch.testing.assert_close(ring_means(sizes), expected)


def test_a_spectrum_is_the_mean_over_images_in_independent_colours(tmp_path) -> None:
    random = np.random.default_rng(0)
    arrays = [random.integers(0, 256, (6, 6, 3), dtype=np.uint8) for _ in range(2)]
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    images = [np.stack([seamless(each) for each in independent(array)]) for array in arrays]
    expected = np.mean([np.abs(np.fft.rfft2(each)) for each in images], 0)
    found = spectrum_of(tmp_path, 6)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(spectrum_of(arrays, (6, 6)), found)
    net = iv.Network(torch.nn.Flatten(), iv.Preprocess(size=6))
    MagnitudeConstrained(spectrum=found).start(net, Streams([0]))


def test_a_spectrum_of_nothing_is_refused(tmp_path) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        spectrum_of(tmp_path, 8)
    assert str(refused.value) == f"a spectrum is measured on at least one image; got none in {str(tmp_path)!r}"
    with pytest.raises(SystemExit, match="holds no photograph of 300 pixels or more on its short side"):
        runpy.run_path(str(RECIPE))["main"](tmp_path, what="none")
