"""Every kind of picture becomes the RGB or grey pixels that a person would see."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageFile

from innerview.errors import ImageError
from innerview.network.images import read_image, to_picture

RED, CLEAR = (200, 30, 60), (0, 0, 0, 0)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def test_a_png_file_gives_its_own_pixels(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.array_equal(pixels(read_image(tmp_path / "a.png")), values)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif"])
def test_every_format_shows_the_same_colour(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (16, 16), RED).save(tmp_path / f"a.{suffix}")
    picture = read_image(tmp_path / f"a.{suffix}")
    assert picture.mode == "RGB"
    assert np.abs(pixels(picture) - RED).max() <= 3


def test_content_decides_the_format_and_not_the_name(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), RED).save(tmp_path / "a.jpg", format="PNG")
    assert read_image(tmp_path / "a.jpg").getpixel((0, 0)) == RED


def with_alpha(mode: str, *values: int | tuple[int, ...]) -> Image.Image:
    image = Image.new(mode, (len(values), 1))
    for column, value in enumerate(values):
        image.putpixel((column, 0), value)
    return image


def palette(transparency: int | bytes | None = None) -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, 10, 20, 30])
    image.putpixel((1, 0), 1)
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


GOLDEN = {
    "1": (with_alpha("1", 0, 1), "L", [0, 255]),
    "L": (with_alpha("L", 7, 200), "L", [7, 200]),
    "LA": (with_alpha("LA", (100, 255), (100, 0), (0, 51)), "L", [100, 255, 204]),
    "RGBA": (with_alpha("RGBA", (*RED, 255), CLEAR, (0, 0, 0, 51)), "RGB", [RED, (255,) * 3, (204,) * 3]),
    "RGBa": (with_alpha("RGBA", (*RED, 255), CLEAR).convert("RGBa"), "RGB", [RED, (255,) * 3]),
    "P": (palette(), "RGB", [RED, (10, 20, 30)]),
    "P with a transparent entry": (palette(1), "RGB", [RED, (255,) * 3]),
    "P with alpha by entry": (palette(bytes([255, 51])), "RGB", [RED, (206, 208, 210)]),
    "CMYK": (with_alpha("CMYK", (0, 0, 0, 0), (0, 255, 255, 0)), "RGB", [(255,) * 3, (255, 0, 0)]),
    "YCbCr": (with_alpha("YCbCr", (128, 128, 128), (76, 85, 255)), "RGB", [(128,) * 3, (254, 0, 0)]),
    "HSV": (with_alpha("HSV", (0, 255, 255), (0, 0, 9)), "RGB", [(255, 0, 0), (9, 9, 9)]),
    "I;16": (Image.fromarray(np.array([[0, 257, 65535]], np.uint16)), "L", [0, 1, 255]),
    "I": (Image.fromarray(np.array([[0, 32896, 65535]], np.int32)), "L", [0, 128, 255]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_pixels_of_every_mode(name: str) -> None:
    image, mode, expected = GOLDEN[name]
    picture = to_picture(image)
    assert picture.mode == mode
    assert np.abs(pixels(picture)[0] - np.array(expected)).max() <= 1


def test_lab_becomes_the_srgb_it_was_made_from() -> None:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.applyTransform(Image.new("RGB", (2, 2), RED), ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    assert np.abs(pixels(to_picture(lab)) - RED).max() <= 4


@pytest.mark.parametrize(("mode", "key", "background"), [("L", 7, 255), ("RGB", RED, (255,) * 3)])
def test_the_key_colour_of_a_png_is_transparent(tmp_path: Path, mode: str, key, background) -> None:
    Image.new(mode, (1, 1), key).save(tmp_path / "a.png", transparency=key)
    assert read_image(tmp_path / "a.png").getpixel((0, 0)) == background


def test_a_cmyk_jpeg_shows_its_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(pixels(read_image(tmp_path / "a.jpg")) - (255, 0, 0)).max() <= 4


def test_a_16_bit_png_is_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 512).astype(np.uint16)[None]
    Image.fromarray(ramp).save(tmp_path / "a.png")
    grey = pixels(read_image(tmp_path / "a.png"))[0]
    assert len(np.unique(grey)) == 256
    assert np.abs(grey - ramp[0] / 257).max() <= 0.5


def test_float_pixels_have_no_known_range() -> None:
    with pytest.raises(ImageError) as error:
        to_picture(Image.fromarray(np.ones((2, 2), np.float32)))
    assert str(error.value) == ('the image has mode "F" without a known range; scale it to 0-255 and make it uint8')


def test_of_an_animation_it_is_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.gif").getpixel((1, 1)) == (255, 0, 0)


UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
def test_exif_rotation_is_applied(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.kron(STORED[orientation], np.ones((16, 16), np.uint8))
    Image.fromarray(stored).convert("RGB").save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    picture = read_image(tmp_path / f"a.{suffix}")
    middles = pixels(picture)[8::16, 8::16, 0]
    assert middles.shape == UPRIGHT.shape
    assert np.abs(middles - UPRIGHT).max() <= 4
    with Image.open(tmp_path / f"a.{suffix}") as opened:
        assert np.array_equal(pixels(to_picture(opened)), pixels(picture))


def test_the_picture_carries_no_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "<script>"
    Image.new("RGB", (2, 2)).save(tmp_path / "a.jpg", exif=exif, comment=b"<script>")
    picture = read_image(tmp_path / "a.jpg")
    assert picture.info == {}
    assert dict(picture.getexif()) == {}


def test_arrays_and_tensors_are_the_same_pictures_as_files(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    tensor = torch.from_numpy(values).permute(2, 0, 1)
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), values, tensor, values[::1, ::-1][:, ::-1]):
        assert np.array_equal(pixels(to_picture(source)), values)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_arrays_of_one_channel_are_grey(shape: tuple[int, ...]) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(shape)
    picture = to_picture(values)
    assert picture.mode == "L"
    assert np.array_equal(pixels(picture), values.reshape(4, 6))
    assert to_picture(torch.from_numpy(values.reshape(1, 4, 6))).mode == "L"


def test_arrays_of_four_channels_are_laid_over_white() -> None:
    clear = np.zeros((2, 2, 4), np.uint8)
    assert to_picture(clear).getpixel((0, 0)) == (255, 255, 255)
    assert to_picture(torch.zeros(4, 2, 2, dtype=torch.uint8)).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            np.zeros((3, 8, 8)),
            "an image array holds uint8 pixels [row, column] or [row, column, 1|3|4]; got float64 [3, 8, 8]; "
            "scale it to 0-255, .astype('uint8'), channels last",
        ),
        (
            torch.zeros(8, 8, 3),
            "an image tensor holds uint8 pixels [1|3|4, row, column]; got float32 [8, 8, 3]; "
            "scale it to 0-255, .to(torch.uint8), channels first",
        ),
        (7, "an image is a path, a PIL image, a uint8 array or a uint8 tensor; got int"),
    ],
)
def test_other_sources_are_refused_with_the_rule(unchecked_types: None, source, sentence: str) -> None:
    with pytest.raises(ImageError) as error:
        to_picture(source)
    assert str(error.value) == sentence


@pytest.mark.parametrize("shape", [(0, 4), (4, 0, 3), (2, 2, 2), (4,), (1, 2, 2, 3)])
def test_empty_and_odd_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="an image array holds uint8 pixels"):
        to_picture(np.zeros(shape, np.uint8))


def test_the_formats_can_be_widened_and_narrowed(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2), RED).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif", formats=("TIFF",)).getpixel((0, 0)) == RED
    with pytest.raises(ImageError) as error:
        read_image(tmp_path / "a.tif")
    assert str(error.value) == (
        f"{str(tmp_path / 'a.tif')!r} is not a JPEG, PNG, WEBP, BMP or GIF image, judged by its content; "
        "convert it to PNG"
    )
    assert (error.value.kind, error.value.path) == ("format", tmp_path / "a.tif")


def test_the_caps_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (30, 20)).save(path)
    assert read_image(path, max_pixels=600, max_edge=30).size == (30, 20)
    for caps in ({"max_pixels": 599}, {"max_edge": 29}, {"max_bytes": 10}):
        with pytest.raises(ImageError) as error:
            read_image(path, **caps)
        assert error.value.kind == "too large"


def test_the_settings_of_pillow_stay_untouched(tmp_path: Path) -> None:
    before = _settings()
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    read_image(tmp_path / "a.png")
    assert _settings() == before


def _settings() -> tuple:
    return Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, warnings.filters[:]


def test_a_truncated_pil_image_is_refused() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    opened = Image.open(io.BytesIO(buffer.getvalue()[:900]))
    with pytest.raises(ImageError, match="the image is truncated and cannot be decoded"):
        to_picture(opened)
