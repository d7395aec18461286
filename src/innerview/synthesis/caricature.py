"""Pictures that make a layer answer as it does to a given image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..modules.scope import untouched
from ..network.default_layer import layer_or_default
from ..network.network import Network, require_network
from ..network.seen import Seen
from ..objectives import Objective
from ..objectives.objective import Scores
from ..passes.forward import forward
from ..settings import Amount, Text
from .canvas import Canvas
from .recipe import CLEAR, Recipe
from .result import Synthesis
from .synthesize import synthesize
from .transforms import Transforms


@dataclass(frozen=True, eq=False)
class Resemblance(Objective):
    """How much a layer answers as it once did: the product of its activation with a stored one.

        f(x) = ⟨v(x), v₀⟩ / positions · max(0.1, cos(v(x), v₀))^power

    Attributes:
        layer: the layer's address; by default the last with a grid of features that the class scores depend on.
        activation: v₀ [channel, row, column]; a vector is channels × 1 × 1.
        power: 0 for the product alone, which rewards strong answers; the larger, the more the direction counts.
    """

    layer: Text
    activation: Float[Tensor, "channel row column"] = field(repr=False)
    power: Amount = 0.0

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer it reads."""
        return (self.layer,)

    def __call__(self, seen: Seen) -> Scores:
        maps = seen.maps(self.layer)
        if maps.shape[1:] != self.activation.shape:
            raise ObjectiveError(
                f"the activation to resemble is {list(self.activation.shape)}, but layer {self.layer!r} gives "
                f"{list(maps.shape[1:])}; show the network as many pixels as gave the activation"
            )
        goal = self.activation.to(maps)
        product = (maps * goal).sum((1, 2, 3))
        lengths = maps.square().sum((1, 2, 3)).sqrt() * goal.norm()
        cosine = product / lengths.clamp_min(torch.finfo(maps.dtype).tiny)
        return product / goal[0].numel() * cosine.clamp_min(0.1) ** self.power

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"{self.layer} as for the image"


def caricature(  # noqa: PLR0913 - all but the question are optional
    net: Network,
    images: Any,
    layer: str | None = None,
    *,
    power: float = 0.0,
    canvas: Canvas | None = None,
    recipe: Recipe = CLEAR,
    steps: int | None = None,
    seed: int = 0,
) -> Synthesis:
    """For each image the picture to which a layer answers as to the image, but more strongly: a caricature.

        x* = argmax ⟨v(x), v(image)⟩

    What the layer tells apart is exaggerated, what it ignores is free. For the answer at one position use
    `synthesize` with a `Direction`.

    Reference: Olah et al. 2018, The building blocks of interpretability (activation of an image); Fleuret, Deep
    learning course, lecture 9.4.

    Args:
        net: the network; it is not changed.
        images: anything `net.prepare` takes.
        layer: the layer's address; by default the last with a grid of features that the class scores depend on.
        power: as in `Resemblance`.
        canvas, recipe, steps, seed: as in `synthesize`; the network is shown as many pixels as the picture has.

    Raises:
        LayerError, MethodError: as for `synthesize`.
        SettingError: as for `synthesize`, or no layer is named and there is no default.
    """
    if isinstance(recipe.views, Transforms):
        recipe = replace(recipe, views=replace(recipe.views, keep=True))
    require_network(net)
    x = net.prepare(images)
    goals = _resemblances(net, x, layer_or_default(net, x, layer), power)
    return synthesize(net, goals, canvas=canvas, recipe=recipe, steps=steps, seed=seed)


@torch.no_grad()
def _resemblances(
    net: Network, images: Float[Tensor, "batch channel row column"], layer: str, power: float
) -> Sequence[Resemblance]:
    with untouched(net.module):
        maps = forward(net, images, record=(layer,), stop=True).maps(layer)
    return [Resemblance(layer, each, power) for each in maps]
