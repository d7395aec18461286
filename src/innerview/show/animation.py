"""A training run as a moving picture."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ..errors import SettingError
from ..files import replacing
from ..recording.recording import Recording
from .colours import Pixels
from .montage import WHITE
from .recordings import frames

HELD = 2.0  # seconds that the last picture stays
FASTEST = 50


def animate(recording: Recording, path: str | Path, *, probe: int = 0, fps: float = 4) -> None:
    """Write what one probe saw as a moving picture: a `.gif`, or an `.mp4` with the extra `video`.

    A picture for each snapshot, all on one scale; the last one stays for two seconds. The file is either written
    whole or left as it was.

    Args:
        recording: the snapshots; `recording.at([1, 10, 100])` chooses some.
        path: the file; its ending says the format.
        probe: the number of the probe, from 0.
        fps: pictures in a second.

    Raises:
        SettingError: the ending or a setting is unknown, or the library for `.mp4` is missing.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise SettingError(f"an animation is written as {' or '.join(_WRITERS)}; got {path.name!r}")
    if not 0 < fps <= FASTEST:
        raise SettingError(f"fps is a number of pictures in a second, above 0 and up to {FASTEST}; got {fps}")
    with replacing(path) as temporary:
        _WRITERS[path.suffix.lower()](temporary, recording, probe, fps)


def _gif(path: Path, recording: Recording, probe: int, fps: float) -> None:
    colours = _palette(recording, probe)
    pictures = (_reduced(pixels, colours) for pixels in frames(recording, probe))
    durations = [round(1000 / fps)] * (len(recording) - 1) + [round(1000 * HELD)]
    first = next(pictures)
    first.save(path, format="GIF", save_all=True, append_images=pictures, duration=durations, loop=0, disposal=1)


def _palette(recording: Recording, probe: int) -> Image.Image:
    """White, and the colours of the first, the middle and the last picture: one palette, so that nothing flickers."""
    some = {recording.iterations[place] for place in (0, len(recording) // 2, -1)}
    pictures = np.concatenate(list(frames(recording.at(some), probe)))
    colours = Image.fromarray(pictures).quantize(255, method=Image.Quantize.MEDIANCUT)
    colours.putpalette([*(colours.getpalette() or [])[: 3 * 255], WHITE, WHITE, WHITE])
    return colours


def _reduced(pixels: Pixels, colours: Image.Image) -> Image.Image:
    return Image.fromarray(pixels).quantize(palette=colours, dither=Image.Dither.NONE)


def _mp4(path: Path, recording: Recording, probe: int, fps: float) -> None:
    try:
        import av
    except ImportError as error:
        raise SettingError('.mp4 needs the library av; install it with: pip install "innerview[video]"') from error
    pictures = map(_even, _held(frames(recording, probe), round(HELD * fps)))
    first = next(pictures)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("h264", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in chain([first], pictures):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))


def _held(pictures: Iterable[Pixels], more: int) -> Iterator[Pixels]:
    """The pictures, and the last one so many times more."""
    last = None
    for last in pictures:
        yield last
    if last is not None:
        yield from [last] * more


def _even(pixels: Pixels) -> UInt8[np.ndarray, "even_row even_column 3"]:
    """With a white row or column more where their number is odd, as the format wants it."""
    rows, columns, _ = pixels.shape
    return np.pad(pixels, ((0, rows % 2), (0, columns % 2), (0, 0)), constant_values=WHITE)


_WRITERS = {".gif": _gif, ".mp4": _mp4}
