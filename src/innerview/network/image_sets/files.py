"""Image sets of files: a folder with all below it, or a list of paths."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import ImageError
from ..images import PictureSource, read_image
from .manifest import Found

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""The endings of what is taken for an image in a folder or an archive, in upper or lower case."""

Stamp = tuple[int, int]
"""A file's size in bytes and the time of its last change in nanoseconds since 1970."""


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image: by its ending, unless it is hidden."""
    base = name.rpartition("/")[2]
    return base.lower().endswith(ENDINGS) and not base.startswith(".")


@dataclass(frozen=True)
class FileReader:
    """Files by their paths, each only while it is as it was when it was found; None for one that was not there."""

    paths: tuple[str, ...]
    stamps: tuple[Stamp | None, ...]

    def read(self, place: int) -> PictureSource:
        """The image in the file."""
        path, before = Path(self.paths[place]), self.stamps[place]
        if before is not None and path.exists():
            require_unchanged(str(path), path.stat(), before)
        return read_image(path)


def in_folder(root: Path, left_out: dict[str, str]) -> Iterator[Found]:
    """The images below a folder; the folder that one lies in first is its class.

    Links to folders are not followed, links to files only within the root; what is left out for that is noted.
    """
    top = root.resolve()
    for folder, _, names in os.walk(root):
        for name in filter(is_image, names):
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                left_out[as_id(place)] = "a link that leads out of the folder"
            else:
                yield _found(path, as_id(place), class_of(place))


def in_list(paths: Sequence[Path]) -> Iterator[Found]:
    """The files of a list; their ids are the paths as they are given."""
    return (_found(each, as_id(str(each)), None) for each in paths)


def class_of(place: str) -> str | None:
    """The first folder of a path within a set; None for what lies in none."""
    first, slash, _ = place.partition("/")
    return as_id(first) if slash else None


def as_id(place: str) -> str:
    """The path as text; bytes of a name that are no UTF-8 are spelled out."""
    return os.fsencode(place).decode("utf-8", "backslashreplace")


def stamp(status: os.stat_result) -> Stamp:
    """What changes with a file."""
    return status.st_size, status.st_mtime_ns


def require_unchanged(path: str, status: os.stat_result, before: Stamp) -> None:
    """`ImageError` if the file is another one now."""
    if stamp(status) != before:
        raise ImageError(
            f"{path!r} was changed since the image set was made; make the set anew", kind="changed", path=Path(path)
        )


def _found(path: Path, name: str, label: str | None) -> Found:
    """What is known of a file; one that is missing is listed all the same, and is an error when it is read."""
    size, time = stamp(path.stat()) if path.exists() else (None, None)
    return Found(name, label, size, time, where=str(path))
