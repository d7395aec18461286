"""One function for every source of images."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ImageError, LabelError
from .archives import ArchiveReader, in_archives, is_archive
from .datasets import DatasetReader, MapStyle, digits, in_dataset
from .files import FileReader, Stamp, in_folder, in_list
from .image_set import ImageSet, Reader
from .manifest import Found, classes_of, in_order, manifest

Labels = Sequence[str] | Mapping[str, str] | str | Path


def image_set(source: Any, *, labels: Labels | None = None, name: str | None = None) -> ImageSet:
    """A population of images: listed now, in an order that depends on nothing but their names, and read when needed.

    ====================  ==========================================================================================
    source                which images
    ====================  ==========================================================================================
    a folder              all below it; the folder that an image lies in first is its class. Hidden files and links
                          that lead out are left out
    a ``.tar`` archive    its members as they lie, like a folder; several archives as a list
    a list of paths       these files, sorted
    a list of pictures    PIL images, uint8 arrays or tensors, as `Network.prepare` takes them
    a map-style dataset   what torchvision, `torch.utils.data` or Hugging Face's datasets give for an index: a picture,
                          a tuple that begins with one, or a row with an image; its classes as far as it lists them
    ``"digits"``          the 1,797 handwritten digits that scikit-learn ships
    an image set          itself
    ====================  ==========================================================================================

    A file that cannot be used, or is no longer the same, is an error when it is read, and not here.

    Args:
        source: one of the above.
        labels: the classes' names, in place of those of the source: one for each image in the order of a list or a
            dataset; one by id; or a CSV file with the columns "path" (or "id") and "label".
        name: what the set is called; by default the folder, file or kind of dataset.

    Raises:
        ImageError: there is no such folder or archive, it holds no image, or two images have the same id.
        LabelError: the labels are not one for each image.
    """
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, str) and source == "digits":
        pictures, which = digits()
        return _of_dataset(pictures, which if labels is None else labels, name or "digits")
    if isinstance(source, str | os.PathLike):
        source = Path(source).expanduser()
        if source.is_dir():
            return _of_folder(source, labels, name or source.resolve().name)
        if not source.is_file():
            raise ImageError(
                f"there is no folder or archive {str(source)!r}; check the path", kind="missing", path=source
            )
        return _of_paths([source], labels, name or source.name)
    if isinstance(source, list | tuple) and source and all(isinstance(each, str | os.PathLike) for each in source):
        return _of_paths([Path(each) for each in source], labels, name or f"{len(source):,} files")
    if not (hasattr(source, "__len__") and hasattr(source, "__getitem__")) or isinstance(source, Mapping):
        raise ImageError(
            "an image set is made of a folder, an archive, a list of paths or pictures, a dataset with a length, or "
            f"'digits'; got {type(source).__name__}",
            kind="type",
        )
    return _of_dataset(source, labels, name or type(source).__name__)


def _of_folder(root: Path, labels: Labels | None, name: str) -> ImageSet:
    left_out: dict[str, str] = {}
    return _of_files(_labelled(list(in_folder(root, left_out)), labels), name, left_out)


def _of_paths(paths: Sequence[Path], labels: Labels | None, name: str) -> ImageSet:
    if not all(map(is_archive, paths)):
        return _of_files(_labelled(list(in_list(paths)), labels), name, {})
    stamps: dict[str, Stamp] = {}
    found = in_order(_labelled(list(in_archives(paths, stamps)), labels), name)
    return _made(found, name, ArchiveReader(tuple(each.where for each in found), stamps))


def _of_files(found: Sequence[Found], name: str, left_out: dict[str, str]) -> ImageSet:
    found = in_order(found, name)
    stamps = tuple(None if each.bytes is None or each.time is None else (each.bytes, each.time) for each in found)
    return _made(found, name, FileReader(tuple(each.where for each in found), stamps), left_out)


def _of_dataset(dataset: MapStyle, labels: Labels | None, name: str) -> ImageSet:
    return _made(in_order(_labelled(list(in_dataset(dataset)), labels), name), name, DatasetReader(dataset))


def _made(found: Sequence[Found], name: str, reader: Reader, left_out: Mapping[str, str] | None = None) -> ImageSet:
    classes = classes_of(found)
    return ImageSet(name, manifest(found, classes), classes, reader, dict(left_out or {}))


def _labelled(found: list[Found], labels: Labels | None) -> list[Found]:
    """With the classes that were given instead of those that were found."""
    if labels is None:
        return found
    if isinstance(labels, str | Path):
        labels = _of_csv(Path(labels))
    if isinstance(labels, Mapping):
        unknown = sorted({*labels} - {each.id for each in found})
        if unknown:
            raise LabelError(f"labels are of images of the set; there is none called {unknown[0]!r}: check the ids")
        return [each._replace(label=labels.get(each.id)) for each in found]
    if len(labels) != len(found):
        raise LabelError(f"labels are one for each image; got {len(labels):,} for {len(found):,} images")
    return [each._replace(label=str(label)) for each, label in zip(found, labels, strict=True)]


def _of_csv(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelError(f"labels are read from a CSV file in UTF-8; {str(path)!r} cannot be read ({error})") from error
    key = next((name for name in ("path", "id") if rows and name in rows[0]), None)
    if key is None or "label" not in rows[0]:
        columns = ", ".join(rows[0]) if rows else "no rows"
        raise LabelError(
            f"a CSV file of labels has the columns 'path' (or 'id') and 'label'; {str(path)!r} has {columns}"
        )
    return {row[key]: row["label"] for row in rows}
