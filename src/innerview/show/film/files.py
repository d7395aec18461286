"""Pictures one after another as a file: `.gif`, or `.mp4`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ...errors import SettingError
from ...files import replacing
from ...settings import Above, AtMost, checked
from ..drawing.colours import Picture
from ..drawing.montage import WHITE

HELD = 2.0  # seconds that the last picture stays
FASTEST = 50


@dataclass(frozen=True)
class Film:
    """Pictures of one size, drawn when they are needed, not held.

    Attributes:
        length: how many there are.
        drawn: those at the places that it is given, in their order; places are counted from 0.
    """

    length: int
    drawn: Callable[[Sequence[int]], Iterator[Picture]]

    @property
    def pictures(self) -> Iterator[Picture]:
        """All of them."""
        return self.drawn(range(self.length))


def require(path: Path, fps: float) -> None:
    """Refuse, before any work, a file or a speed that `write` cannot do."""
    if path.suffix.lower() not in _WRITERS:
        raise SettingError(f"an animation is written as {' or '.join(_WRITERS)}; got {path.name!r}")
    checked("fps", fps, Annotated[float, Above(0), AtMost(FASTEST)])
    if path.suffix.lower() == ".mp4":
        _library()


def write(film: Film, path: Path, fps: float) -> None:
    """The film as a file, whole or not at all; the last picture stays for two seconds."""
    with replacing(path) as temporary:
        _WRITERS[path.suffix.lower()](film, temporary, fps)


def _gif(film: Film, path: Path, fps: float) -> None:
    colours = _palette(film)
    pictures = (_reduced(pixels, colours) for pixels in film.pictures)
    durations = [round(1000 / fps)] * (film.length - 1) + [round(1000 * HELD)]
    first = next(pictures)
    first.save(path, format="GIF", save_all=True, append_images=pictures, duration=durations, loop=0, disposal=1)


def _palette(film: Film) -> Image.Image:
    """White, and the colours of the first, the middle and the last picture: one palette, so that nothing flickers."""
    some = sorted({0, film.length // 2, film.length - 1})
    pictures = np.concatenate(list(film.drawn(some)))
    colours = Image.fromarray(pictures).quantize(255, method=Image.Quantize.MEDIANCUT)
    colours.putpalette([*(colours.getpalette() or [])[: 3 * 255], WHITE, WHITE, WHITE])
    return colours


def _reduced(pixels: Picture, colours: Image.Image) -> Image.Image:
    return Image.fromarray(pixels).quantize(palette=colours, dither=Image.Dither.NONE)


def _mp4(film: Film, path: Path, fps: float) -> None:
    av = _library()
    pictures = map(_even, _held(film.pictures, round(HELD * fps)))
    first = next(pictures)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("h264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in chain([first], pictures):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))


def _library() -> ModuleType:
    try:
        return import_module("av")
    except ImportError as error:
        raise SettingError('.mp4 needs the library av; install it with: pip install "innerview[video]"') from error


def _held(pictures: Iterable[Picture], more: int) -> Iterator[Picture]:
    """The pictures, and the last one so many times more."""
    last = None
    for last in pictures:
        yield last
    if last is not None:
        yield from [last] * more


def _even(pixels: Picture) -> UInt8[np.ndarray, "even_row even_column 3"]:
    """With a white row or column more where their number is odd, as the format wants it."""
    rows, columns, _ = pixels.shape
    return np.pad(pixels, ((0, rows % 2), (0, columns % 2), (0, 0)), constant_values=WHITE)


_WRITERS = {".gif": _gif, ".mp4": _mp4}
