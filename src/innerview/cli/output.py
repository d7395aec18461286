"""The file that a command writes: which one it is, whether it may be written, and what is said of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import innerview as iv

from ..errors import InnerviewError, SettingError
from .terminal import clean, tell

FILMS = (".gif", ".mp4")


class OutputError(InnerviewError):
    """A result could not be written to its file."""


def output(out: Path | None, name: str, images: Sequence[Path] = (), endings: Sequence[str] = ()) -> Path:
    """The file to write: `out`, or one in the current folder that is named after the command and the first image.

    Args:
        out: what was asked for.
        name: the command's, and what else tells its files apart.
        images: what is read, and not overwritten.
        endings: those that the file may have, by default those of a result.

    Raises:
        SettingError: the file's ending is none of these, or the file is one of the images.
    """
    endings = endings or result_endings()
    if out is None:
        out = Path("-".join(["innerview", name, *(_stem(image) for image in images[:1])]) + endings[0])
    if out.suffix.lower() not in endings:
        raise SettingError(f"--out is a file that ends in {' or '.join(endings)}; got {str(out)!r}")
    if any(_same(out, image) for image in images):
        raise SettingError(f"--out would overwrite the image {str(out)!r}; choose another name")
    return out


def result_endings() -> tuple[str, ...]:
    """Those of the files that a result is written to: a figure, or its values."""
    from ..show.figures import FORMATS

    return FORMATS


def write(result: Any, out: Path, **settings: Any) -> None:
    """Write a result as its file's ending says; the settings are those of its figure, or of its film."""
    with writing(out):
        (iv.animate if out.suffix.lower() in FILMS else iv.save)(result, out, **settings)


def wrote(*files: Path) -> None:
    """Say what was written, as the last that a command says."""
    for file in files:
        tell(clean(f"wrote {file}"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within the block `path` is written; a full disk or a folder without permission is an `OutputError`."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{str(path)!r} cannot be written ({reason}); choose another place with --out") from error


def _stem(image: Path) -> str:
    """The name without its ending, or what stands behind `sample:`."""
    return image.stem.rpartition(":")[2]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
