"""Image sets in memory or behind an index: datasets of torch and of Hugging Face, lists of pictures, digits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image
from torch import Tensor

from ...errors import ImageError
from ..images import PictureSource
from .manifest import Found

_IMAGE = ("image", "img", "pixel_values")
_LABEL = ("label", "labels", "fine_label")


@runtime_checkable
class MapStyle(Protocol):
    """What has a length and gives an item for an index, as a torch `Dataset` does."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(frozen=True)
class DatasetReader:
    """The images of a dataset's items: an item itself, the first part of a tuple, or a column of a row."""

    dataset: MapStyle

    def read(self, place: int) -> PictureSource:
        """The image of one item; whatever the dataset raises is an `ImageError`, so that the others go on."""
        try:
            item = self.dataset[place]
        except Exception as error:  # the dataset is the user's own code
            raise ImageError(f"item {place} of the dataset cannot be read ({error!r})", kind="unreadable") from error
        image = _of_row(item) if isinstance(item, dict) else item[0] if isinstance(item, tuple | list) else item
        if not isinstance(image, Image.Image | np.ndarray | Tensor):
            raise ImageError(
                "a dataset gives a picture, a tuple that begins with one, or a row with the column "
                f"{', '.join(_IMAGE)}; item {place} is {type(item).__name__} with {type(image).__name__}",
                kind="type",
            )
        return image


def in_dataset(dataset: MapStyle) -> Iterator[Found]:
    """A dataset's items by their index, with their classes where the dataset lists them without being read."""
    digits = len(str(max(0, len(dataset) - 1)))
    labels = _labels(dataset)
    return (
        Found(f"{place:0{digits}d}", None if labels is None else labels[place], where=place)
        for place in range(len(dataset))
    )


def digits() -> tuple[Sequence[np.ndarray], Sequence[str]]:
    """The 1,797 handwritten digits that scikit-learn ships, 8 × 8 with a margin of 2 pixels, as in MNIST; and which."""
    from sklearn.datasets import load_digits

    values, numbers = load_digits(return_X_y=True)
    pixels = np.pad(np.reshape(values, (-1, 8, 8)) / 16 * 255, ((0, 0), (2, 2), (2, 2))).round().astype(np.uint8)
    return list(pixels), [str(number) for number in numbers]


def _of_row(row: dict[str, Any]) -> Any:
    return next((row[name] for name in _IMAGE if name in row), None)


def _labels(dataset: Any) -> list[str] | None:
    """Their names: of torchvision's datasets, of a subset of one, and of Hugging Face's."""
    if hasattr(dataset, "indices") and hasattr(dataset, "dataset"):
        whole = _labels(dataset.dataset)
        return None if whole is None else [whole[index] for index in dataset.indices]
    numbers, names = _numbered(dataset)
    if numbers is None or len(numbers) != len(dataset):
        return None
    return [str(names[int(number)]) if names else str(number) for number in numbers]


def _numbered(dataset: Any) -> tuple[list[Any] | None, Sequence[str] | None]:
    """The classes' numbers, and their names, as far as the dataset has them."""
    features = getattr(dataset, "features", None)
    if isinstance(features, dict):  # of Hugging Face
        column = next((name for name in _LABEL if name in features), None)
        names = getattr(features[column], "names", None) if column else None
        return (list(dataset[column]) if column else None), names
    targets = getattr(dataset, "targets", getattr(dataset, "labels", None))
    if isinstance(targets, Tensor | np.ndarray):
        targets = targets.tolist()
    if not isinstance(targets, list | tuple) or not all(isinstance(each, int | str | np.integer) for each in targets):
        return None, None
    return list(targets), getattr(dataset, "classes", None)
