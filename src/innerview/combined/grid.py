"""What a layer sees at each place of an image, as a grid of pictures."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from ..modules.scope import untouched
from ..network.default_layer import layer_or_default
from ..network.network import Network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..objectives import Direction
from ..passes.forward import forward
from ..results import Provenance, Result
from ..settings import Count, checked
from ..synthesis.canvas import Canvas
from ..synthesis.recipe import CLEAR, Recipe
from ..synthesis.synthesize import synthesize
from .contributions import Input, Values, one_image

_SIDES = (64, 96, 128)


@dataclass(frozen=True, eq=False, repr=False)
class ActivationGrid(Result):
    """For each position of a layer the picture that its activation stands for.

    Where neighbours look alike, the layer sees one thing.

    Attributes:
        layer: its address.
        pixels: the pictures, pixels in 0–1.
        magnitudes: the length of the activation vector at each position: how strongly the layer answers there.
        picture: what the network saw.
        provenance: the network and the settings.
    """

    layer: str
    pixels: Float[Tensor, "row column channel height width"]
    magnitudes: Float[Tensor, "row column"]
    picture: UInt8[Tensor, "colour _ _"]
    provenance: Provenance


def activation_grid(  # noqa: PLR0913 - all but what is looked at are optional
    net: Network,
    image: Any,
    layer: str | None = None,
    *,
    most: int = 14,
    power: float = 4.0,
    canvas: Canvas | None = None,
    recipe: Recipe = CLEAR,
    steps: int | None = None,
    seed: int = 0,
) -> ActivationGrid:
    """The image through the eyes of a layer: for each position the picture that its activation stands for.

    Where neighbours look alike, the layer sees one thing; what differs in the image but not in the grid is lost to
    it. Each picture shows what would give the activation's direction everywhere:

        x*_p = argmax mean ⟨v(x), a_p⟩ · max(0.1, cos(v(x), a_p))^power

    Reference: Olah et al. 2018, The building blocks of interpretability (activation grids).

    Args:
        net: the network; it is not changed.
        image: one image, anything `net.prepare` takes.
        layer: the layer's address; its grid is [row, column], vectors have one position. By default the last with a
            grid of features that the class scores depend on.
        most: how many rows and columns at most; the activations of a finer grid are averaged over equal parts of it.
        power: how much the direction counts against the strength.
        canvas: what each picture is drawn on, by default `Fourier` of 64 × 64 pixels, or the next of 96, 128 and its
            input's own size that the network takes.
        recipe, seed: how the pictures are made, as in `synthesize`; all start from the same noise.
        steps: how many steps each climbs; by default half as many as the recipe says, as the pictures are small.

    Raises:
        ImageError: there are several images.
        LayerError: there is no such layer.
        SettingError: no layer is named and there is no default, or a setting is outside its range.
        MethodError: as in `synthesize`.
    """
    most = checked("most", most, Count)
    x = one_image(net, image)
    layer = layer_or_default(net, x, layer)
    maps = _coarse(_maps(net, x, layer), most)
    asked = [Direction(layer, tuple(vector), power=power) for vector in maps.flatten(1).T.tolist()]
    steps = max(1, recipe.steps // 2) if steps is None else steps
    canvas = replace(recipe.canvas, size=_side(net)) if canvas is None else canvas
    made = synthesize(net, asked, canvas=canvas, recipe=recipe, steps=steps, seed=seed)
    how = {"layer": layer, "most": most, "power": power}
    return ActivationGrid(
        layer=layer,
        pixels=made.pixels.unflatten(0, maps.shape[1:]),
        magnitudes=maps.norm(dim=0),
        picture=pictures(net, x)[0],
        provenance=provenance(net, "activation_grid", [f"each position of {layer}"], **how, **made.provenance.settings),
    )


@torch.no_grad()
def _maps(net: Network, image: Input, layer: str) -> Values:
    with untouched(net.module):
        return forward(net, image, record=(layer,), stop=True).maps(layer)[0]


def _coarse(maps: Values, most: int) -> Float[Tensor, "map _ _"]:
    """The maps on a grid of the same proportions with at most so many rows and columns."""
    factor = max(1.0, max(maps.shape[1:]) / most)
    rows, columns = (max(1, round(each / factor)) for each in maps.shape[1:])
    return functional.adaptive_avg_pool2d(maps, (rows, columns))


def _side(net: Network) -> int | tuple[int, int]:
    """The smallest pictures in which forms are made out, or the smallest above that the network takes."""
    own = net.preprocess.rows_columns
    return next((side for side in _SIDES if side < min(own) and net.takes((side, side))), own)
