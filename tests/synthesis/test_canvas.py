"""Canvases: what their parameters stand for, against dense sums and the numbers that other libraries start from."""

import math

import pytest
import torch

import innerview as iv
from innerview.synthesis.canvas import Fourier, Pixels
from innerview.synthesis.colour import correlated, decorrelated
from innerview.synthesis.streams import Streams
from planted import GREY_INPUT, INPUT, planted, templates


def network(size: int | tuple[int, int] = 8, channels: int = 3) -> iv.Network:
    zeros = (0.0,) * channels
    return iv.Network(torch.nn.Flatten(), iv.Preprocess(size=size, mean=zeros, std=(1.0,) * channels))


@pytest.mark.parametrize(("size", "deviation"), [(32, 0.0153), (64, 0.0174), (128, 0.0186), (224, 0.0205)])
def test_fourier_starts_with_the_deviation_that_lucid_starts_with(size: int, deviation: float) -> None:
    net, canvas = network(size), Fourier()
    waves = canvas.waves(net, canvas.start(net, Streams(range(2048 // size))))
    assert waves.std() == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (8, 5)])
def test_fourier_is_a_sum_of_waves(size: tuple[int, int]) -> None:
    """The discrete transform written out, for even and odd sides."""
    net, canvas = network(size, 1), Fourier()
    parameters = canvas.start(net, Streams([3]))[0, 0].double()
    rows, columns = size
    y, x = torch.meshgrid(torch.arange(rows).double(), torch.arange(columns).double(), indexing="ij")
    expected = torch.zeros(size, dtype=torch.float64)
    for row in range(rows):
        for column in range(columns // 2 + 1):
            f = math.hypot((row if row <= rows // 2 else row - rows) / rows, column / columns)
            scale = math.sqrt(rows * columns) / max(f, 1 / max(rows, columns))
            angle = 2 * math.pi * (row * y / rows + column * x / columns)
            twice = 1 if column == 0 or 2 * column == columns else 2
            real, imaginary = parameters[row, column].tolist()
            expected += twice * scale * (real * angle.cos() - imaginary * angle.sin()) / (rows * columns) / 4
    found = canvas.waves(net, parameters[None, None])[0, 0]
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(canvas.pixels(net, parameters[None, None])[0, 0], expected.sigmoid())


def test_fourier_without_decay_is_white_noise() -> None:
    net = network(32, 1)
    waves = Fourier(decay=0).waves(net, Fourier().start(net, Streams(range(64))))
    power = torch.fft.rfft2(waves).abs().square().mean((0, 1))[:, 1:-1]
    assert power.std() / power.mean() < 0.2


def test_colours_are_the_published_matrix_and_its_inverse() -> None:
    one_each = torch.eye(3, dtype=torch.float64).reshape(3, 3, 1, 1)
    published = [[0.562829, 0.194825, 0.043295], [0.584476, 0, -0.108236], [0.584476, -0.194825, 0.064942]]
    found = correlated(one_each)[:, :, 0, 0].T
    torch.testing.assert_close(found, torch.tensor(published).double(), atol=1e-5, rtol=0)
    colours = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(correlated(decorrelated(colours)), colours)
    grey = colours[:, :1]
    assert correlated(grey) is grey


def test_a_parameter_of_zero_is_grey() -> None:
    net = network(8)
    zero = torch.zeros_like(Fourier().start(net, Streams([0])))
    assert (Fourier().pixels(net, zero) == 0.5).all()


@pytest.mark.parametrize("canvas", [Fourier, Pixels])
@pytest.mark.parametrize("preprocess", [INPUT, GREY_INPUT])
def test_a_canvas_can_start_from_an_image(canvas: type, preprocess: iv.Preprocess) -> None:
    net = planted(templates(1, preprocess.channels))
    shown = 0.02 + 0.96 * torch.rand(1, preprocess.channels, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    started = canvas(image=preprocess.normalise(shown))
    parameters = started.start(net, Streams([0, 1]))
    torch.testing.assert_close(started.pixels(net, parameters), shown.repeat(2, 1, 1, 1))


def test_an_image_is_resized_to_the_canvas() -> None:
    net = network(8)
    even = torch.full((1, 3, 8, 8), 0.3)
    started = Pixels(size=(4, 12), image=even)
    torch.testing.assert_close(started.pixels(net, started.start(net, Streams([0]))), torch.full((1, 3, 4, 12), 0.3))


def test_pixels_start_as_noise_around_the_mean_colour_in_units_of_the_input() -> None:
    net = planted(templates(1))
    canvas = Pixels(size=64)
    start = canvas.start(net, Streams([0]))
    assert start.std() == pytest.approx(0.01, rel=0.05)
    mean = canvas.pixels(net, start).mean((0, 2, 3))
    torch.testing.assert_close(mean, torch.tensor(INPUT.mean).double(), atol=1e-3, rtol=0)


def test_pixels_stay_within_black_and_white() -> None:
    net = planted(templates(1))
    far = torch.tensor([-9.0, 0.1, 9.0]).double().reshape(1, 3, 1, 1).repeat(1, 1, 2, 2)
    shown = Pixels().pixels(net, Pixels().bounded(net, far))
    torch.testing.assert_close(shown[0, :, 0, 0], torch.tensor([0.0, 0.45, 1.0]).double())


def test_streams_do_not_depend_on_their_neighbours() -> None:
    together, alone = Streams([4, 9]), Streams([9])
    for draw in (lambda s: s.normal(3), lambda s: s.uniform(2, 2), lambda s: s.choice((1, 2, 5), 4)):
        assert torch.equal(draw(together)[1], draw(alone)[0])


def test_an_empty_canvas_is_refused() -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        Fourier(size=(8, 0))
    assert (
        str(refused.value)
        == "size is a whole number, at least 1, or two whole numbers, at least 1, or None; got (8, 0)"
    )


def test_waves_of_every_decay_begin_with_the_same_contrast() -> None:
    """The waves are independent, so the variance of a picture is the sum of their squares."""
    net, contrasts = network((40, 56)), []
    for decay in (0.0, 1.0, 1.5, 2.0):
        canvas = Fourier((40, 56), decay=decay)
        waves = canvas.waves(net, canvas.start(net, Streams(range(64))))
        contrasts.append(float(waves.square().mean().sqrt()))
    assert max(contrasts) / min(contrasts) < 1.15
