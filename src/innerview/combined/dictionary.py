"""What a network sees at one position of an image: its strongest units there, each with what it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from ..attribution.gradients import Gradient
from ..attribution.method import Method
from ..attribution.relu_rules import Deconvolution, GuidedBackprop
from ..errors import MethodError
from ..network.network import Network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..objectives import Channel, Direction, Neuron, Question
from ..operations.receptive_field import ReceptiveField
from ..passes.sharing import sharing
from ..results import Provenance, Result
from ..settings import Count, checked
from ..synthesis.canvas import Canvas
from ..synthesis.recipe import CLEAR, Recipe
from ..synthesis.synthesize import synthesize
from .contributions import Contributions, Input, Position, looked_at

Projection = Literal["guided", "deconvolution", "gradient"]
_METHODS: dict[str, Method] = {"guided": GuidedBackprop(), "deconvolution": Deconvolution(), "gradient": Gradient()}


@dataclass(frozen=True, eq=False, repr=False)
class SemanticDictionary(Result):
    """The strongest units at one position of a layer, strongest first, and what each of them stands for.

    A unit with a large contribution is one that the answer rests on; one that is strong but contributes nothing is seen
    and not used.

    Attributes:
        layer, position: where; the row and column are of the layer's own grid.
        grid: how many rows and columns that has.
        units: the channels' numbers.
        activations: how strong each is there.
        contributions: what each contributes to the objective from there, a · ∂s / ∂a, in units of the objective.
        pixels: what each looks for, wherever it is, pixels in 0–1.
        projections: what of the image each answers to there, projected back to the network's input; brighter or
            darker, per unit of activation.
        whole: the picture of all channels there together: what the layer sees at the position.
        alive: whether a gradient reached each picture, last that of the whole; one that is not alive shows nothing.
        contribution: what all channels there contribute together.
        score: the objective.
        picture: what the network saw.
        field: which pixels the units of the layer see; None where that is not defined.
        provenance: the network, the objective, the settings; "project" is the rule that the projections followed.
    """

    layer: str
    position: Position
    grid: tuple[int, int]
    units: Int[Tensor, "unit"]
    activations: Float[Tensor, "unit"]
    contributions: Float[Tensor, "unit"]
    pixels: Float[Tensor, "unit channel row column"]
    projections: Float[Tensor, "unit channel height width"]
    whole: Float[Tensor, "channel row column"]
    alive: Bool[Tensor, "picture"]
    contribution: Float[Tensor, ""]
    score: Float[Tensor, ""]
    picture: UInt8[Tensor, "colour height width"]
    field: ReceptiveField | None
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.units)


def semantic_dictionary(  # noqa: PLR0913 - all but what is looked at are optional
    net: Network,
    image: Any,
    layer: str | None = None,
    position: Position | None = None,
    *,
    objective: Question | None = None,
    units: int = 6,
    project: Projection = "guided",
    power: float = 2.0,
    canvas: Canvas | None = None,
    recipe: Recipe = CLEAR,
    steps: int | None = None,
    seed: int = 0,
) -> SemanticDictionary:
    """What the network sees at one position of an image: the strongest units there, and what each stands for.

    Of each unit you get how strongly it answers, how much of the answer that is, a picture of what it looks for, and
    what it found in the image. A unit with a large contribution is one that the answer rests on; one that is strong but
    contributes nothing is seen, and not used.

        contributionₖ = aₖ ∂s / ∂aₖ   at the position,
        picture of the whole = argmax ⟨v(x), a⟩ · max(0.1, cos(v(x), a))^power

    Reference: Olah et al. 2018, The building blocks of interpretability (semantic dictionaries); projections:
    Zeiler and Fergus 2014, Springenberg et al. 2015.

    Args:
        net: the network; it is not changed.
        image: one image, anything `net.prepare` takes.
        layer: the layer's address; by default the last with a grid of features that the class scores depend on.
        position: row and column of the layer's grid; vectors have only (0, 0), tokens without a grid (token, 0). By
            default the position with the largest contribution in the objective.
        objective: what is contributed to: an objective, or a class by index or name; by default the most probable
            class.
        units: how many; fewer if fewer are above zero there.
        project: by which rule activations go back to the pixels: "guided", "deconvolution", or the plain "gradient",
            which takes the place of the others where no ReLU lies on the way.
        power: how much the direction counts against the strength in the picture of the whole.
        canvas, recipe, steps, seed: how the pictures are made, as in `synthesize`.

    Raises:
        ImageError: there are several images.
        LayerError, LabelError, ObjectiveError: the question does not fit the network.
        SettingError: the layer has no such position, none is named and there is no default, or a setting is outside
            its range.
        MethodError: no unit is above zero there, the objective does not depend on the layer, or as in `synthesize`.
    """
    _require(units, project)
    x, seen = looked_at(net, image, layer, objective)
    place = seen.place(position)
    chosen = _strongest(seen, place, units)
    made = synthesize(net, _asked(seen, place, chosen, power), canvas=canvas, recipe=recipe, steps=steps, seed=seed)
    project, projections = _projected(net, x, [Neuron(seen.layer, unit, place) for unit in chosen], project)
    how = {"layer": seen.layer, "position": place, "units": units, "project": project, "power": power}
    return SemanticDictionary(
        **_there(net, x, seen, place, chosen),
        pixels=made.pixels[:-1],
        projections=projections,
        whole=made.pixels[-1],
        alive=made.alive,
        provenance=provenance(net, "semantic_dictionary", [seen.question], **how, **made.provenance.settings),
    )


def _there(net: Network, image: Input, seen: Contributions, position: Position, units: list[int]) -> dict[str, Any]:
    """What the dictionary says before its pictures are made."""
    row, column = position
    activations, contributed = seen.activations[:, row, column], seen.values[:, row, column]
    return {
        "layer": seen.layer,
        "position": position,
        "grid": (seen.values.shape[1], seen.values.shape[2]),
        "units": torch.tensor(units),
        "activations": activations[units],
        "contributions": contributed[units],
        "contribution": contributed.sum(),
        "score": seen.score,
        "picture": pictures(net, image)[0],
        "field": {info.name: info.receptive_field for info in net.traced(image)}.get(seen.layer),
    }


def _asked(seen: Contributions, position: Position, units: list[int], power: float) -> list[Channel | Direction]:
    """What the pictures answer: each unit, and last all channels of the position together."""
    together = seen.activations[:, position[0], position[1]]
    return [
        *(Channel(seen.layer, unit) for unit in units),
        Direction(seen.layer, tuple(together.tolist()), power=power),
    ]


def _require(units: int, project: str) -> None:
    checked("units", units, Count)
    checked("project", project, Projection)


def _strongest(seen: Contributions, position: Position, units: int) -> list[int]:
    """The units above zero, strongest first; of equals, as at the cap of a ReLU6, those that matter most."""
    there, contributed = (each[:, position[0], position[1]].tolist() for each in (seen.activations, seen.values))
    order = sorted(range(len(there)), key=lambda unit: (-there[unit], -abs(contributed[unit])))
    chosen = [unit for unit in order[:units] if there[unit] > 0]
    if not chosen:
        raise MethodError(
            f"no unit of layer {seen.layer!r} is above zero at position {position}, so there is nothing to look up; "
            "ask for another position"
        )
    return chosen


def _projected(
    net: Network, image: Input, neurons: Sequence[Neuron], project: Projection
) -> tuple[Projection, Float[Tensor, "unit channel height width"]]:
    """The rule that applies, and each neuron's projection by it."""
    try:
        with sharing(net, image) as x:
            return project, torch.cat([_METHODS[project](net, x, each).values for each in neurons])
    except MethodError:
        if project == "gradient":
            raise
        return _projected(net, image, neurons, "gradient")
