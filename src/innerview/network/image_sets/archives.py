"""Image sets in tar archives, which are read where they lie and never unpacked."""

import os
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...errors import ImageError
from ..images import MOST_BYTES, PictureSource, decode_image
from .files import Stamp, as_id, class_of, is_image, require_unchanged, stamp
from .manifest import Found

ENDING = ".tar"
_COMPRESSED = (".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst")


class Member(NamedTuple):
    """Where an image lies: in which archive, what it is called there, from which byte on, and how many."""

    archive: str
    name: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class ArchiveReader:
    """Members of archives by their bytes; of an archive only while it is as it was when they were found."""

    members: tuple[Member, ...]
    stamps: dict[str, Stamp]

    def read(self, place: int) -> PictureSource:
        """The image in the member."""
        member = self.members[place]
        called = Path(member.archive, member.name)
        if member.bytes > MOST_BYTES:
            raise ImageError(
                f"{str(called)!r} has {member.bytes:,} bytes, the limit is {MOST_BYTES:,}; shrink it",
                kind="too large",
                path=called,
            )
        try:
            with Path(member.archive).open("rb") as file:
                require_unchanged(member.archive, os.fstat(file.fileno()), self.stamps[member.archive])
                file.seek(member.offset)
                content = file.read(member.bytes)
        except OSError as error:
            raise ImageError(
                f"{member.archive!r} cannot be read ({error.strerror}); check its name and permissions",
                kind="unreadable",
                path=called,
            ) from error
        return decode_image(content, called)


def is_archive(path: Path) -> bool:
    """Whether a file of this name is taken for an archive.

    Raises:
        ImageError: it is a compressed one, of which no member can be read without all before it.
    """
    name = path.name.lower()
    if name.endswith(_COMPRESSED):
        raise ImageError(
            f"archives of images are not compressed, as each image is read where it lies; got {path.name!r}. "
            "Uncompress it once; photographs are compressed already",
            kind="format",
            path=path,
        )
    return name.endswith(ENDING)


def in_archives(paths: Iterable[Path], stamps: dict[str, Stamp]) -> Iterator[Found]:
    """The images of some archives; of a name that one holds twice the last counts, as when it is unpacked."""
    for path in paths:
        yield from _in_archive(str(path), stamps)


def _in_archive(path: str, stamps: dict[str, Stamp]) -> Iterable[Found]:
    found: dict[str, Found] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            stamps[path] = stamp(Path(path).stat())
            for each in archive:
                name = os.path.normpath(each.name).replace(os.sep, "/").lstrip("/")
                if each.isreg() and not each.issparse() and is_image(name):
                    where = Member(path, name, each.offset_data, each.size)
                    time = int(each.mtime * 1e9)
                    found[name] = Found(as_id(name), class_of(name), each.size, time, where)
    except (OSError, tarfile.TarError) as error:
        raise ImageError(
            f"{path!r} is no tar archive that can be read ({error}); copy or download it again",
            kind="format",
            path=Path(path),
        ) from error
    return found.values()
