"""What an attack gives: images before and after, and the network's answer at every step between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import MethodError
from ..network.network import Prediction
from ..results import Provenance, Result
from .pixels import Inputs, Pixels01, length


@dataclass(frozen=True, eq=False, repr=False)
class Attack(Result):
    """Images that were changed a little, so that the network answers differently.

    The smaller the change, the nearer to each other the two classes lie for the network.

    Attributes:
        inputs, adversarial: the network's input before and after.
        before, after: their pixels in 0–1, in whose units all lengths are; `after` is not rounded to the 255 levels of
            an image file, and an attack that does not clip leaves 0–1.
        classes: the most probable class of each image before the first step (column 0) and after each step; an
            image that has stopped keeps its last. None of a network without class scores.
        confidences: the probability of that class, 0–1; None like `classes`.
        raised: the number that the attack raises: the cross-entropy of the class to leave, or minus that of the
            target, or minus the objective's score.
        steps: the number of steps that each image took.
        success: whether the class to leave was left, the target reached, or the objective lowered; a tie of classes,
            up to rounding, is no success (see `attack`).
        names: the names of the classes that occur.
        provenance: the network, the goal of each image, the attack and its settings.
    """

    inputs: Inputs
    adversarial: Inputs
    before: Pixels01
    after: Pixels01
    classes: Int[Tensor, "batch moment"] | None
    confidences: Float[Tensor, "batch moment"] | None
    raised: Float[Tensor, "batch moment"]
    steps: Int[Tensor, "batch"]
    success: Bool[Tensor, "batch"]
    names: Mapping[int, str]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def difference(self) -> Pixels01:
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

    @property
    def relative_input_distance(self) -> Float[Tensor, "batch"]:
        """The same of the network's input instead of its pixels, as one writes it who attacks a prepared tensor."""
        return (length(self.adversarial - self.inputs) / length(self.inputs)).flatten()

    @property
    def first_classes(self) -> Int[Tensor, "batch"]:
        """The most probable class of each image as it was; `MethodError` if the network has no class scores."""
        if self.classes is None:
            raise MethodError(
                f"{self.provenance.network} gives no class scores, so there is no class that an image had before the "
                "attack; ask about an objective, as the attack did"
            )
        return self.classes[:, 0]

    def history(self, image: int) -> list[Prediction]:
        """The most probable class of one image: as it was, then after each step; none without class scores."""
        if self.classes is None or self.confidences is None:
            return []
        last = int(self.steps[image]) + 1
        rows = zip(self.classes[image, :last].tolist(), self.confidences[image, :last].tolist(), strict=True)
        return [Prediction(self.names[index], index, confidence) for index, confidence in rows]
