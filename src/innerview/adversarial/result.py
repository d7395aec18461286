"""What an attack gives: images before and after, and the network's answer at every step between them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import ResultError
from ..network.network import Prediction
from ..results import Provenance, read, write
from .pixels import Images, Pixels, length

_TENSORS = ("images", "adversarial", "before", "after", "classes", "confidences", "raised", "steps", "success")


@dataclass(frozen=True, eq=False)
class Attack:
    """Images that were changed a little, so that the network answers differently.

    All lengths are in pixels of 0–1. `after` is not rounded to the 255 levels of an image file.

    Attributes:
        images, adversarial: the network's input before and after.
        before, after: their pixels in 0–1.
        classes: the most probable class of each image before the first step (column 0) and after each step; an
            image that has stopped keeps its last.
        confidences: the probability of that class, 0–1.
        raised: the number that the attack raises: the cross-entropy of the class to leave, or minus that of the
            target, or minus the objective's score.
        steps: the number of steps that each image took.
        success: whether the class to leave was left, the target reached, or the objective lowered; a tie of classes,
            up to rounding, is no success (see `attack`).
        names: the names of the classes that occur.
        provenance: the network, the goal of each image, the attack and its settings.
    """

    images: Images
    adversarial: Images
    before: Pixels
    after: Pixels
    classes: Int[Tensor, "batch moment"]
    confidences: Float[Tensor, "batch moment"]
    raised: Float[Tensor, "batch moment"]
    steps: Int[Tensor, "batch"]
    success: Bool[Tensor, "batch"]
    names: Mapping[int, str]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.images)

    @property
    def difference(self) -> Pixels:
        """x̃ − x, in pixels of 0–1 and signed."""
        return self.after - self.before

    @property
    def distance(self) -> Float[Tensor, "batch"]:
        """‖x̃ − x‖₂ of each image."""
        return length(self.difference).flatten()

    @property
    def relative_distance(self) -> Float[Tensor, "batch"]:
        """‖x̃ − x‖₂ / ‖x‖₂ of each image; NaN for a black image that stayed black."""
        return self.distance / length(self.before).flatten()

    def history(self, image: int) -> list[Prediction]:
        """The most probable class of one image: as it was, then after each step that it took."""
        last = int(self.steps[image]) + 1
        rows = zip(self.classes[image, :last].tolist(), self.confidences[image, :last].tolist(), strict=True)
        return [Prediction(self.names[index], index, confidence) for index, confidence in rows]

    def save(self, path: str | Path) -> None:
        """Write it as one safetensors file, with names and provenance as JSON in the header."""
        facts = {"names": {str(index): name for index, name in self.names.items()}}
        tensors = {name: getattr(self, name) for name in _TENSORS}
        write(path, "attack", tensors, facts | {"provenance": asdict(self.provenance)})

    @classmethod
    def load(cls, path: str | Path) -> "Attack":
        """Read what `save` wrote; `ResultError` if the file is something else or damaged."""
        tensors, facts = read(path, "attack")
        try:
            names = {int(index): name for index, name in facts["names"].items()}
            return cls(**tensors, names=names, provenance=Provenance.from_json(facts["provenance"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ResultError(f"{path} is an attack with missing or unknown parts: {error}") from error
