"""Preprocessing equals what torchvision and timm do, and can be undone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from innerview.errors import ImageError, SettingError
from innerview.network.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

SIZES = [(90, 61), (61, 90), (64, 64), (33, 40), (200, 3), (7, 9)]


def noise(columns: int, rows: int) -> Image.Image:
    values = np.random.default_rng(rows * 1000 + columns).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", SIZES)
def test_equals_torchvisions_evaluation_preset(size: tuple[int, int], interpolation: str) -> None:
    theirs = ImageClassification(crop_size=32, resize_size=37, interpolation=InterpolationMode(interpolation))
    ours = Preprocess(32, resize=37, interpolation=interpolation)
    torch.testing.assert_close(ours(noise(*size)), theirs(noise(*size)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_without_resize_the_crop_fits_exactly(size: tuple[int, int]) -> None:
    theirs = ImageClassification(crop_size=32, resize_size=32)
    torch.testing.assert_close(Preprocess(32)(noise(*size)), theirs(noise(*size)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("crop_mode", ["center", "squash"])
@pytest.mark.parametrize("crop_pct", [1.0, 0.875, 0.9])
@pytest.mark.parametrize("size", SIZES)
def test_equals_timms_evaluation_transform(size: tuple[int, int], crop_pct: float, crop_mode: str) -> None:
    create_transform = pytest.importorskip("timm.data").create_transform
    theirs = create_transform((3, 32, 32), interpolation="bicubic", crop_pct=crop_pct, crop_mode=crop_mode)
    fit = "squash" if crop_mode == "squash" else "crop"
    ours = Preprocess(32, resize=int(32 / crop_pct), interpolation="bicubic", fit=fit)
    torch.testing.assert_close(ours(noise(*size)), theirs(noise(*size)), rtol=0, atol=1e-6)


def test_squash_equals_a_plain_resize() -> None:
    theirs = transforms.Compose(
        [
            transforms.Resize((20, 30)),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    ours = Preprocess((20, 30), fit="squash")
    torch.testing.assert_close(ours(noise(61, 90)), theirs(noise(61, 90)), rtol=0, atol=1e-6)


@given(st.integers(1, 120), st.integers(1, 120), st.tuples(st.integers(1, 40), st.integers(1, 40)))
@settings(max_examples=60, deadline=None)
def test_a_flat_picture_stays_flat_in_any_shape(columns: int, rows: int, size: tuple[int, int]) -> None:
    flat = Image.new("RGB", (columns, rows), (255, 255, 255))
    prepared = Preprocess(size, mean=(0,) * 3, std=(1,) * 3)(flat)
    assert prepared.shape == (3, *size)
    assert (prepared == 1).all()


def test_one_channel_makes_the_picture_grey() -> None:
    colour = Image.new("RGB", (4, 4), (255, 0, 0))
    prepared = Preprocess(2, mean=(0.25,), std=(0.5,))(colour)
    assert prepared.shape == (1, 2, 2)
    torch.testing.assert_close(prepared, torch.full((1, 2, 2), (76 / 255 - 0.25) / 0.5))


def test_three_channels_make_a_grey_picture_coloured() -> None:
    prepared = Preprocess(2, mean=(0,) * 3, std=(1,) * 3)(Image.new("L", (4, 4), 51))
    torch.testing.assert_close(prepared, torch.full((3, 2, 2), 0.2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_display_and_normalise_undo_each_other(dtype: torch.dtype) -> None:
    preprocess = Preprocess(8)
    pixels = torch.rand(2, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    tolerance = 4 * torch.finfo(dtype).eps
    for there, back in (
        (preprocess.normalise, preprocess.display),
        (preprocess.display, preprocess.normalise),
    ):
        result = back(there(pixels))
        assert result.dtype == dtype
        torch.testing.assert_close(result, pixels, rtol=0, atol=8 * tolerance)


def test_display_does_not_clamp_and_normalise_matches_the_equation() -> None:
    preprocess = Preprocess(1, mean=(0.5,), std=(0.25,))
    assert preprocess.display(torch.full((1, 1, 1), 8.0)).item() == 2.5
    assert preprocess.normalise(torch.full((1, 1, 1), 1.0)).item() == 2.0


def test_channels_and_rows_and_columns() -> None:
    assert Preprocess(5, mean=(0.1,), std=(1.0,)).channels == 1
    assert Preprocess(5).rows_columns == (5, 5)
    assert Preprocess((5, 7)).rows_columns == (5, 7)


def test_lists_are_as_good_as_tuples_and_settings_can_be_compared(unchecked_types: None) -> None:
    assert Preprocess(5, mean=[0.5] * 3, std=[0.5] * 3) == Preprocess(5, mean=(0.5,) * 3, std=(0.5,) * 3)
    assert hash(Preprocess([5, 6])) == hash(Preprocess((5, 6)))


def test_one_number_is_that_of_every_channel() -> None:
    assert Preprocess(8, mean=0, std=1) == Preprocess(8, mean=(0.0,), std=(1.0,))
    assert Preprocess(8, mean=(0.5,) * 3, std=0.25) == Preprocess(8, mean=0.5, std=(0.25,) * 3)
    assert [Preprocess(8, mean=0.5, std=std).channels for std in (1.0, (1.0,), (1.0,) * 4)] == [1, 1, 4]
    assert Preprocess(8, mean=0.5, std=0.25)(noise(8, 8)).shape == (1, 8, 8)


def test_five_channels_need_a_prepared_tensor() -> None:
    with pytest.raises(ImageError) as error:
        Preprocess(5, mean=(0,) * 5, std=(1,) * 5)(noise(5, 5))
    assert str(error.value) == (
        "a picture has 1 or 3 channels, this network's input has 5; "
        "pass a prepared float tensor [batch, channel, row, column]"
    )


def test_a_hair_thin_picture_does_not_fill_the_memory() -> None:
    with pytest.raises(ImageError) as error:
        Preprocess(224)(Image.new("RGB", (1, 16_000)))
    assert str(error.value) == (
        "a picture of 16000 rows and 1 columns is too narrow to be cut to (224, 224); "
        'crop it, or use Preprocess(…, fit="squash")'
    )
    assert Preprocess(224, fit="squash")(Image.new("RGB", (1, 16_000))).shape == (3, 224, 224)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"size": 0}, "size is a whole number, at least 1, or two whole numbers, at least 1; got 0"),
        ({"size": (3, -1)}, "size is a whole number, at least 1, or two whole numbers, at least 1; got (3, -1)"),
        ({"mean": (0.5,)}, "mean and std have one number for each channel, or one for all; got 1 and 3"),
        ({"mean": (), "std": ()}, "mean is a number, or a tuple of numbers, not empty; got ()"),
        ({"mean": "0.5"}, "mean is a number, or a tuple of numbers, not empty; got '0.5'"),
        ({"mean": 0.5, "std": 0}, "std is a number, above 0, or a tuple of numbers, above 0; got 0"),
        ({"std": (1, 0, 1)}, "std is a number, above 0, or a tuple of numbers, above 0; got (1, 0, 1)"),
        ({"resize": 7}, "resize is at least the short side of size, 8 pixels; got 7"),
        (
            {"interpolation": "cubic"},
            'interpolation is "nearest", "bilinear", "bicubic" or "lanczos"; got \'cubic\'',
        ),
        ({"fit": "pad"}, 'fit is "crop" or "squash"; got \'pad\''),
    ],
)
def test_settings_outside_their_range_are_refused(unchecked_types: None, wrong: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as error:
        Preprocess(**{"size": 8, **wrong})
    assert str(error.value) == sentence
