"""The rows of an image set: sorted ids, sizes, times and classes."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ImageError

if TYPE_CHECKING:
    import pyarrow


class Found(NamedTuple):
    """An image that was found: its id, its class, its file's size and time, and where its reader finds it."""

    id: str
    label: str | None = None
    bytes: int | None = None
    time: int | None = None
    where: Any = None


def in_order(found: Iterable[Found], name: str) -> list[Found]:
    """By their ids, letter by letter as in UTF-8, which is the same on every system.

    Raises:
        ImageError: there is none, or two have the same id.
    """
    ordered = sorted(found, key=lambda each: each.id.encode("utf-8", "surrogateescape"))
    if not ordered:
        raise ImageError(f"an image set holds at least one image; there is none in {name!r}", kind="empty")
    for one, other in pairwise(ordered):
        if one.id == other.id:
            sentence = f"each image of a set has an id of its own; {name!r} has two called {one.id!r}; leave one out"
            raise ImageError(sentence, kind="duplicate")
    return ordered


def manifest(found: Sequence[Found], classes: Sequence[str]) -> "pyarrow.Table":
    """The rows as a table."""
    import pyarrow as pa

    numbers = {name: number for number, name in enumerate(classes)}
    labels = [None if each.label is None else numbers[each.label] for each in found]
    return pa.table(
        {
            "id": pa.array([each.id for each in found], pa.string()),
            "bytes": pa.array([each.bytes for each in found], pa.int64()),
            "time": pa.array([each.time for each in found], pa.int64()),
            "label": pa.array(labels, pa.int32()),
        }
    )


def classes_of(found: Iterable[Found]) -> tuple[str, ...]:
    """The names of the classes that occur, sorted."""
    return tuple(sorted({each.label for each in found if each.label is not None}))
