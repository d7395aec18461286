"""The channels of a layer in a few groups that answer together."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from ..errors import MethodError, SettingError
from ..modules.scope import untouched
from ..network.network import Network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..objectives import Direction, Question
from ..results import Provenance, Result
from ..synthesis.canvas import Canvas
from ..synthesis.recipe import CLEAR, Recipe
from ..synthesis.synthesize import synthesize
from .contributions import Contributions, Values, looked_at

_FROM_SINGULAR_VECTORS = {"init": "nndsvd", "random_state": 0, "tol": 0, "max_iter": 300}
Maps = Float[Tensor, "group row column"]
Vectors = Float[Tensor, "group channel"]


@dataclass(frozen=True, eq=False, repr=False)
class NeuronGroups(Result):
    """A layer's channels in groups that answer at the same places, the group with the largest contribution first.

    A group with a large contribution is one that the answer rests on.

    Attributes:
        layer: its address.
        maps: how strongly each group answers at each position, in the layer's own unit.
        vectors: how much each channel belongs to each group; never negative, of length 1.
        contributions: what each group contributes to the objective, in units of the objective.
        remainder: what the layer contributes beyond its groups; the contributions and this add up to Σ a · ∂s / ∂a.
        pixels: what each group looks for, pixels in 0–1.
        alive: whether a gradient reached each picture; one that is not alive shows nothing.
        score: the objective.
        picture: what the network saw.
        provenance: the network, the objective, the settings.
    """

    layer: str
    maps: Maps
    vectors: Vectors
    contributions: Float[Tensor, "group"]
    remainder: Float[Tensor, ""]
    pixels: Float[Tensor, "group colour height width"]
    alive: Bool[Tensor, "group"]
    score: Float[Tensor, ""]
    picture: UInt8[Tensor, "shade _ _"]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.vectors)

    def channels(self, group: int, count: int) -> list[int]:
        """The channels that belong most to a group, the most important first."""
        return self.vectors[group].argsort(descending=True, stable=True)[:count].tolist()


def neuron_groups(  # noqa: PLR0913 - all but what is looked at are optional
    net: Network,
    image: Any,
    layer: str | None = None,
    *,
    objective: Question | None = None,
    groups: int = 6,
    power: float = 2.0,
    canvas: Canvas | None = None,
    recipe: Recipe = CLEAR,
    steps: int | None = None,
    seed: int = 0,
) -> NeuronGroups:
    """What a layer sees in an image, in a few parts: groups of channels that answer at the same places.

    Of each group you get where it answers, a picture of what it looks for, and how much of the answer it is.

        max(a, 0) ≈ Σ_g W_g H_g   (W, H ≥ 0, ‖H_g‖ = 1),   contribution_g = Σ W_g H_g ⊙ ∂s / ∂a

    over all positions and channels, so that the contributions and the remainder Σ (a − Σ_g W_g H_g) ⊙ ∂s / ∂a add up
    to what the whole layer contributes. What is below zero belongs to no group, and so to the remainder.

    Reference: Olah et al. 2018, The building blocks of interpretability (factorized groups); Lee and Seung 1999,
    Learning the parts of objects by non-negative matrix factorization.

    Args:
        net: the network; it is not changed.
        image: one image, anything `net.prepare` takes.
        layer: the layer's address; by default the last with a grid of features that the class scores depend on.
        objective: what is contributed to: an objective, or a class by index or name; by default the most probable
            class.
        groups: how many; no more than the layer has channels, or positions.
        power: how much a group's direction counts against the strength in its picture, as in `Direction`.
        canvas, recipe, steps, seed: how the pictures are made, as in `synthesize`.

    Raises:
        ImageError: there are several images.
        LayerError, LabelError, ObjectiveError: the question does not fit the network.
        SettingError: there cannot be so many groups, no layer is named and there is no default, or a setting is outside
            its range.
        MethodError: nothing of the layer is above zero, the objective does not depend on it, or as in `synthesize`.
    """
    x, seen = looked_at(net, image, layer, objective)
    maps, vectors, carried = _grouped(net, seen, groups)
    asked = [Direction(seen.layer, tuple(vector.tolist()), power=power) for vector in vectors]
    made = synthesize(net, asked, canvas=canvas, recipe=recipe, steps=steps, seed=seed)
    how = {"layer": seen.layer, "groups": groups, "power": power}
    return NeuronGroups(
        layer=seen.layer,
        maps=maps,
        vectors=vectors,
        contributions=carried,
        remainder=seen.values.sum() - carried.sum(),
        pixels=made.pixels,
        alive=made.alive,
        score=seen.score,
        picture=pictures(net, x)[0],
        provenance=provenance(net, "neuron_groups", [seen.question], **how, **made.provenance.settings),
    )


def _grouped(net: Network, seen: Contributions, groups: int) -> tuple[Maps, Vectors, Float[Tensor, "group"]]:
    """The groups' maps, channels and contributions, the largest contribution first."""
    _require(seen, groups)
    with untouched(net.module):  # the first import of scikit-learn draws random numbers
        maps, vectors = factorized(seen.activations.clamp_min(0), groups)
    carried = torch.einsum("gyx,gc,cyx->g", maps, vectors, seen.gradients)
    order = carried.argsort(descending=True, stable=True)
    return maps[order], vectors[order], carried[order]


def factorized(activations: Values, groups: int) -> tuple[Maps, Vectors]:
    """The best groups of non-negative activations: their maps, and their channels as vectors of length 1.

    They start from the singular vectors, so that the same activations give the same groups.
    """
    from sklearn.decomposition import NMF

    by_position = activations.flatten(1).T.cpu().double().numpy()
    # The library has no types; those of the results would be worked out from half of its code at every check.
    model: Any = NMF(groups, **_FROM_SINGULAR_VECTORS)  # pyright: ignore[reportArgumentType]
    there, vectors = (torch.from_numpy(each) for each in (model.fit_transform(by_position), model.components_))
    lengths = vectors.norm(dim=1, keepdim=True)
    maps = (there * lengths.T).T.unflatten(1, activations.shape[1:])
    return maps.to(activations), (vectors / lengths.clamp_min(torch.finfo(lengths.dtype).tiny)).to(activations)


def _require(seen: Contributions, groups: int) -> None:
    channels, rows, columns = seen.activations.shape
    most = min(channels, rows * columns)
    if not 1 <= groups <= most:
        raise SettingError(
            f"layer {seen.layer!r} has {channels} channels at {rows} × {columns} positions, so there are 1 to {most} "
            f"groups; got {groups}"
        )
    if not bool((seen.activations > 0).any()):
        raise MethodError(f"nothing of layer {seen.layer!r} is above zero for this image, so there is nothing to group")
