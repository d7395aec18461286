"""Files, arrays and tensors become pictures; what comes from a file is not trusted."""

import io
import stat
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from torch import Tensor

from ..errors import ImageError
from .samples import located

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MOST_BYTES = 64 * 2**20
"""The largest file that is read, in bytes."""

PictureSource = str | Path | Image.Image | np.ndarray | Tensor
"""What becomes a picture: a file, a PIL image, or uint8 pixels.

Arrays are [row, column] or [row, column, 1|3|4], tensors [1|3|4, row, column]; four channels are RGBA.
"""

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 50_000
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The list of warning filters belongs to the whole process: two threads that change it at the same time can
# leave it changed, so only one of ours does so at a time.
_filters = threading.Lock()


def to_picture(source: PictureSource) -> Image.Image:
    """The picture in a file, PIL image, uint8 array or uint8 tensor, upright, in mode "RGB" or "L".

    All sources follow the rules of `read_image`: EXIF rotation is applied, transparency is laid over white,
    16-bit grey is scaled to 8 bits. Of an animated PIL image it is the current frame.

    Raises:
        ImageError: the file is not a usable image, or the array has another type or shape.
    """
    if isinstance(source, str | Path):
        return read_image(source)
    if isinstance(source, Image.Image):
        return _usable(source, None)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Tensor):
        return _from_tensor(source)
    raise ImageError(
        f"an image is a path, a PIL image, a uint8 array or a uint8 tensor; got {type(source).__name__}",
        kind="type",
    )


def read_image(
    path: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    max_bytes: int = MOST_BYTES,
    max_pixels: int = 40_000_000,
    max_edge: int = 16_384,
) -> Image.Image:
    """The picture in a file, upright, in mode "RGB" or "L", without any metadata.

    The format is told by the file's content, whatever its name. Transparent pixels (alpha channel,
    transparent palette entry or key colour) are laid over white; palettes, CMYK, YCbCr and LAB become RGB;
    1-bit becomes 8-bit grey; 16-bit grey is divided by 257. Of an animation it is the first frame. The EXIF
    rotation is applied; colour profiles are ignored.

    Args:
        path: a regular file, or `sample:NAME` for one of `SAMPLES`.
        formats: the formats that may be decoded, by their Pillow names.
        max_bytes: the largest file that is read.
        max_pixels: the most pixels, rows x columns, that are decoded; checked in the header, before decoding.
        max_edge: the most rows or columns; checked in the header as well.

    Raises:
        ImageError: with the `path` and the `kind` "missing", "no file", "unreadable", "empty", "too large",
            "format", "truncated", "broken" or "mode".
    """
    path = located(path)
    return decode_image(_content(path, max_bytes), path, formats=formats, max_pixels=max_pixels, max_edge=max_edge)


def decode_image(
    content: bytes,
    path: Path,
    *,
    formats: Sequence[str] = FORMATS,
    max_pixels: int = 40_000_000,
    max_edge: int = 16_384,
) -> Image.Image:
    """The picture in the bytes of a file, as `read_image` gives it; `path` is what errors call it."""
    if content.startswith(_PNG):
        _require_sound_chunks(content, path)
    with _decoding(path, formats):
        image = _opened(content, formats)
    _require_size(image, path, max_pixels, max_edge)
    return _usable(image, path)


def _content(path: Path, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            _refuse(path, "no file", "is not a regular file", "pass the path of one image")
        if status.st_size == 0:
            _refuse(path, "empty", "is empty", "copy or download it again")
        if status.st_size > max_bytes:
            _refuse(path, "too large", f"has {status.st_size:,} bytes, the limit is {max_bytes:,}", "shrink it")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"there is no file {str(path)!r}; check the path", kind="missing", path=path) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(
            f"{str(path)!r} cannot be read ({reason}); check its name and permissions",
            kind="unreadable",
            path=path,
        ) from error


def _require_sound_chunks(content: bytes, path: Path) -> None:
    """Check the checksums of a PNG, which the decoder skips, and that it is not ground to dust."""
    place, kind, view = len(_PNG), b"", memoryview(content)
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(view[place : place + 4], "big"), bytes(view[place + 4 : place + 8])
        end = place + 12 + length
        if end > len(content):
            _refuse(path, "truncated", "is truncated and cannot be decoded", "copy or download it again")
        if zlib.crc32(view[place + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            _refuse(path, "broken", "is broken: a checksum is wrong", "copy or download it again")
        if kind == b"IEND":
            return
        place = end
    _refuse(path, "too large", f"has more than {_MOST_CHUNKS:,} chunks", "save it again")


def _opened(content: bytes, formats: Sequence[str]) -> ImageFile.ImageFile:
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sizes and metadata, both of which are judged here
        return Image.open(io.BytesIO(content), formats=tuple(formats))


def _require_size(image: Image.Image, path: Path, max_pixels: int, max_edge: int) -> None:
    columns, rows = image.size
    if columns * rows > max_pixels or max(columns, rows) > max_edge:
        _refuse(
            path,
            "too large",
            f"has {rows:,} × {columns:,} pixels, more than {max_pixels:,} in all or {max_edge:,} an edge",
            "shrink it",
        )


@contextmanager
def _decoding(path: Path | None, formats: Sequence[str] = FORMATS) -> Iterator[None]:
    """Turn whatever a decoder raises about hostile bytes into an `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        names = f"{', '.join(formats[:-1])} or {formats[-1]}" if len(formats) > 1 else formats[0]
        sentence = f"{_named(path)} is not a {names} image, judged by its content; convert it to PNG"
        raise ImageError(sentence, kind="format", path=path) from error
    except Image.DecompressionBombError as error:
        sentence = f"{_named(path)} has far too many pixels to be decoded; shrink it"
        raise ImageError(sentence, kind="too large", path=path) from error
    except Exception as error:
        kind = "truncated" if "truncated" in str(error).lower() else "broken"
        sentence = f"{_named(path)} is {kind} and cannot be decoded ({error}); copy or download it again"
        raise ImageError(sentence, kind=kind, path=path) from error


def _usable(image: Image.Image, path: Path | None) -> Image.Image:
    """Decoded, upright, 8-bit RGB or L, and nothing but pixels."""
    with _decoding(path):
        if 0 in image.size:
            _refuse(path, "empty", f"has {image.height} rows and {image.width} columns", "pass at least one pixel")
        image.load()
        turn = _turn(image)
        picture = _eight_bit(image, path)
        return picture if turn is None else picture.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright, if its metadata asks for it."""
    try:
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  broken metadata is no reason to refuse good pixels
        return None


def _eight_bit(image: Image.Image, path: Path | None) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _scaled_grey(image, path)
    if image.has_transparency_data:
        return _over_white(image)
    mode = "L" if image.mode in ("1", "L") else "RGB"
    return _pixels_of(image.convert(mode))


def _scaled_grey(image: Image.Image, path: Path | None) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65_535:
        _refuse(
            path,
            "mode",
            f'has mode "{image.mode}" without a known range',
            "scale it to 0-255 and make it uint8",
        )
    return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    grey = image.mode in ("1", "L", "LA", "La")
    image = image.convert("LA") if image.mode == "La" else image
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return _pixels_of(Image.alpha_composite(white, picture).convert("L" if grey else "RGB"))


def _pixels_of(image: Image.Image) -> Image.Image:
    pixels = Image.new(image.mode, image.size)
    pixels.paste(image)
    return pixels


def _from_array(array: np.ndarray) -> Image.Image:
    shape_fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if array.dtype != np.uint8 or not shape_fits or array.size == 0:
        raise ImageError(
            "an image array holds uint8 pixels [row, column] or [row, column, 1|3|4]; "
            f"got {array.dtype} {list(array.shape)}; scale it to 0-255, .astype('uint8'), channels last",
            kind="array",
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return _usable(Image.fromarray(np.ascontiguousarray(array)), None)


def _from_tensor(tensor: Tensor) -> Image.Image:
    shape_fits = tensor.dim() == 3 and tensor.shape[0] in (1, 3, 4)
    if str(tensor.dtype) != "torch.uint8" or not shape_fits or tensor.numel() == 0:
        raise ImageError(
            "an image tensor holds uint8 pixels [1|3|4, row, column]; "
            f"got {str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}; "
            "scale it to 0-255, .to(torch.uint8), channels first",
            kind="array",
        )
    return _from_array(tensor.detach().cpu().permute(1, 2, 0).numpy())


def _named(path: Path | None) -> str:
    return "the image" if path is None else repr(str(path))


def _refuse(path: Path | None, kind: str, what: str, remedy: str) -> NoReturn:
    raise ImageError(f"{_named(path)} {what}; {remedy}", kind=kind, path=path)
