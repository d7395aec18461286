"""Several starts of one objective that should not all end in the same picture."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import SettingError
from ..network.network import Network
from ..network.seen import Seen
from ..objectives import Objective
from ..objectives.objective import Scores
from ..settings import Amount, Count


@dataclass(frozen=True)
class Diverse(Objective):
    """An objective less the likeness of each picture to the others of its group, of `starts` pictures in a row.

    Of each picture there are `views` in a row; the first view is compared with the first ones, and so on.

        likenessᵢ = Σ_{j ≠ i} ⟨Gᵢ, Gⱼ⟩ / starts,   G = A Aᵀ / ‖A Aᵀ‖

    with A the layer's maps, channels × positions: G says which channels answer at the same places, wherever that is.

    Reference: Olah, Mordvintsev and Schubert 2017, Feature visualization, on diversity; numbers of Lucid.
    """

    objective: Objective
    starts: Count
    views: Count
    weight: Amount

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers:
            raise SettingError(
                "diversity compares what a layer shows, and this objective reads none; add one of weight 0: "
                'Logit(3) + 0 * LayerEnergy("layer4")'
            )

    @property
    def layers(self) -> tuple[str, ...]:
        """Those that the objective reads."""
        return self.objective.layers

    @property
    def reads_output(self) -> bool:
        """Whether the objective does."""
        return self.objective.reads_output

    def __call__(self, seen: Seen) -> Scores:
        likeness = sum(_likeness(seen.maps(layer), self.starts, self.views) for layer in self.layers)
        return self.objective(seen) - self.weight * likeness

    def describe(self, net: Network) -> str:
        """The objective's words."""
        return f"{self.objective.describe(net)}, diverse"


def _likeness(maps: Float[Tensor, "batch channel row column"], starts: int, views: int) -> Scores:
    flat = maps.flatten(2)
    gram = (flat @ flat.mT).flatten(1)
    unit = gram / gram.norm(dim=1, keepdim=True).clamp_min(torch.finfo(gram.dtype).tiny)
    groups = unit.unflatten(0, (-1, starts, views)).transpose(1, 2)
    alike = groups @ groups.mT
    others = alike.sum(3) - alike.diagonal(dim1=2, dim2=3)
    return others.transpose(1, 2).flatten() / starts
