"""How much each value of a layer contributes to an answer."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..errors import ImageError, SettingError
from ..modules.scope import untouched
from ..network.default_layer import layer_or_default
from ..network.network import Network, require_network
from ..objectives import Objective, Question, as_objective
from ..objectives.scoring import layer_gradient

Input = Float[Tensor, "1 channel row column"]
Values = Float[Tensor, "map map_row map_column"]
Position = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Contributions:
    """What a layer gives for one image, and what that contributes to an objective.

    Attributes:
        layer: its address.
        activations: a, what it gives; vectors are channels × 1 × 1, tokens without a grid channels × tokens × 1.
        gradients: ∂s / ∂a, by how much the score rises for each unit of it.
        score: s, the objective.
        question: that objective.
    """

    layer: str
    activations: Values
    gradients: Values
    score: Float[Tensor, ""]
    question: Objective

    @property
    def values(self) -> Values:
        """a ⊙ ∂s / ∂a, in units of the objective."""
        return self.activations * self.gradients

    @property
    def strongest(self) -> Position:
        """The position that contributes most: the largest sum over its channels."""
        row, column = divmod(int(self.values.sum(0).argmax()), self.values.shape[2])
        return row, column

    def place(self, position: Position | None) -> Position:
        """This position, or the strongest one; `SettingError` if the layer has no such position."""
        rows, columns = self.values.shape[1:]
        row, column = self.strongest if position is None else position
        if not (0 <= row < rows and 0 <= column < columns):
            raise SettingError(
                f"layer {self.layer!r} has {rows} × {columns} positions, (0, 0) to ({rows - 1}, {columns - 1}); got "
                f"{(row, column)}"
            )
        return row, column


def contributions(net: Network, image: Input, layer: str, objective: Question | None = None) -> Contributions:
    """How much each value of a layer contributes to an answer, by default to the score of the most probable class.

        s ≈ Σ a ⊙ ∂s / ∂a + what does not depend on the layer

    with equality where what follows the layer is linear: then the rest is the bias.

    Reference: Olah et al. 2018, The building blocks of interpretability (spatial and channel attribution).

    Raises:
        LayerError, LabelError, ObjectiveError: the question does not fit the network.
        MethodError: the objective does not depend on the layer.
    """
    with untouched(net.module):
        asked = as_objective(net, objective, image)
        found = layer_gradient(net, image, asked, layer)
    return Contributions(layer, found.values[0], found.gradient[0], found.scores[0], asked.of(0))


def looked_at(net: Network, image: Any, layer: str | None, objective: Question | None) -> tuple[Input, Contributions]:
    """One image as the network's input, and what a layer, by default the last grid, contributes to the answer."""
    x = one_image(net, image)
    return x, contributions(net, x, layer_or_default(net, x, layer), objective)


def one_image(net: Network, image: Any) -> Input:
    """The network's input made of one image; `ImageError` if there are several."""
    require_network(net)
    prepared = net.prepare(image)
    if len(prepared) != 1:
        raise ImageError(f"these views are of one image; got {len(prepared)}: look at them one by one", kind="several")
    return prepared
