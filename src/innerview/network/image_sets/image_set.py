"""A population of images in a fixed order: what each is called, and how it is read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ...errors import ImageError
from ...settings import Count, checked
from ..images import PictureSource

if TYPE_CHECKING:
    import pyarrow


@runtime_checkable
class Reader(Protocol):
    """Gives the images of a set by their place; it goes to other processes, where it opens its files again."""

    def read(self, place: int) -> PictureSource:
        """One image.

        Raises:
            ImageError: the file is no longer what it was when the set was made, or no usable image.
        """
        ...


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in a fixed order, each with an id of its own; they are read when they are asked for, one at a time.

    Attributes:
        name: what the set is called, such as its folder.
        manifest: a row for each image: "id", a text such as the path within the folder; "bytes", the size of its file;
            "time", when that was last changed, in nanoseconds since 1970; and "label", the number of its class in
            `classes`. What is not known is null.
        classes: the names of the classes; none if the images have no labels.
        reader: gives the images by their place.
        left_out: what looked like an image of the set and is none of it, with the reason, by its id.
    """

    name: str
    manifest: "pyarrow.Table"
    classes: tuple[str, ...]
    reader: Reader
    left_out: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.manifest.num_rows

    def __iter__(self) -> Iterator[PictureSource]:
        return (self.read(place) for place in range(len(self)))

    def __repr__(self) -> str:
        classes = f" of {len(self.classes):,} classes" if self.classes else ""
        return f"ImageSet({self.name!r}: {len(self):,} images{classes})"

    def read(self, place: int) -> PictureSource:
        """The image at a place from 0 on, as anything `Network.prepare` takes.

        Raises:
            ImageError: it cannot be read, or its file was changed since the set was made.
        """
        return self.reader.read(self._checked(place))

    def id(self, place: int) -> str:
        """What the image at a place is called; no other has the same id."""
        return self.manifest["id"][self._checked(place)].as_py()

    def label(self, place: int) -> str | None:
        """The class of the image at a place; None where it is not known."""
        number = self.manifest["label"][self._checked(place)].as_py()
        return None if number is None else self.classes[number]

    def shards(self, size: int) -> Sequence[range]:
        """The places in consecutive parts of `size` images, the last one of what is left."""
        size = checked("size", size, Count)
        return [range(start, min(start + size, len(self))) for start in range(0, len(self), size)]

    def digest(self) -> str:
        """64 bits, in hexadecimal, of the ids in their order, the files' sizes, and the labels.

        A folder, its archive, and its copy elsewhere have the same.
        """
        total = hashlib.sha256(repr((len(self), self.classes)).encode())
        for batch in self.manifest.select(["id", "bytes", "label"]).to_batches(max_chunksize=65_536):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                total.update(repr(row).encode("utf-8", "surrogatepass"))
        return total.hexdigest()[:16]

    def _checked(self, place: int) -> int:
        if not 0 <= place < len(self):
            raise ImageError(f"the images of {self.name!r} are 0 to {len(self) - 1}; got {place}", kind="missing")
        return place
