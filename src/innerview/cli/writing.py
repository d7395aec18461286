"""Where results are written, and what is said if they cannot be."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import InnerviewError, SettingError


class OutputError(InnerviewError):
    """A result could not be written to its file."""


def place(out: Path | None, images: Sequence[Path], suffixes: Sequence[str]) -> Path:
    """The file to write: `out`, or one in the current folder that is named after the first image.

    Raises:
        SettingError: the file's ending is none of `suffixes`, or the file is one of the images.
    """
    out = named(out, images[0].stem, suffixes)
    if any(_same(out, image) for image in images):
        raise SettingError(f"--out would overwrite the image {str(out)!r}; choose another name")
    return out


def named(out: Path | None, subject: str, suffixes: Sequence[str]) -> Path:
    """The file to write: `out`, or one in the current folder that is named after its subject.

    Raises:
        SettingError: the file's ending is none of `suffixes`.
    """
    if out is None:
        return Path(f"innerview-{subject}{suffixes[0]}")
    if out.suffix.lower() not in suffixes:
        raise SettingError(f"--out is a file that ends in {' or '.join(suffixes)}; got {str(out)!r}")
    return out


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within the block `path` is written; a full disk or a folder without permission is an `OutputError`."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{str(path)!r} cannot be written ({reason}); choose another place with --out") from error


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
