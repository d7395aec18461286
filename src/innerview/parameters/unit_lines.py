"""The lines that the first units of a perceptron draw across the plane of its two inputs: their geometry."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..results import Provenance, Result

Extent = tuple[float, float, float, float]
"""Left, right, bottom, top."""

_OPTIONAL = ("points", "labels")


@dataclass(frozen=True, eq=False, repr=False)
class UnitLines(Result):
    """Where each unit of the first layer changes its sign, and how the network divides the plane.

    A unit is positive on the side that its weights point to. The decision regions can only bend where they cross
    a line.

        line of unit i = {x : wᵢ · x + bᵢ = 0}

    Attributes:
        weights, bias: of the first layer, as they are.
        extent: the part of the plane that is looked at: left, right, bottom, top, in units of the data.
        regions: the class predicted at the centre of each cell of a grid over the extent; row 0 is at the bottom.
        provenance: the network and the settings.
        points, labels: the data, if they were given.
        deeper: by layer, what each linear layer behind the first gives, on the same grid; its units change their
            sign along curves.
    """

    weights: Float[Tensor, "unit 2"]
    bias: Float[Tensor, "unit"]
    extent: Extent
    regions: Int[Tensor, "row column"]
    provenance: Provenance
    points: Float[Tensor, "point 2"] | None = None
    labels: Int[Tensor, "point"] | None = None
    deeper: Mapping[str, Float[Tensor, "_ row column"]] = field(default_factory=dict)

    @property
    def without_line(self) -> tuple[int, ...]:
        """The units that have no line: both weights are 0, or one is not finite."""
        has_line = self.weights.isfinite().all(1) & self.bias.isfinite() & self.weights.any(1)
        return tuple((~has_line).nonzero()[:, 0].tolist())

    @property
    def normals(self) -> Float[Tensor, "unit 2"]:
        """The direction of unit length in which each unit grows; NaN for a unit without a line."""
        weights = self.weights.double()
        return weights / weights.norm(dim=1, keepdim=True)

    def segments(self) -> Float[Tensor, "unit end 2"]:
        """The two ends of the part of each line inside the extent; NaN where no part of it is inside.

        From the line's point nearest to the origin, f = −b w / |w|², along the line's direction d = (−w₂, w₁) / |w|,
        to where it leaves the extent: the largest and smallest t with f + t d on a side of it.
        """
        left, right, bottom, top = self.extent
        low, high = torch.tensor([left, bottom]).double(), torch.tensor([right, top]).double()
        normals = self.normals
        foot = -normals * (self.bias.double() / self.weights.double().norm(dim=1))[:, None]
        along = torch.stack([-normals[:, 1], normals[:, 0]], 1)
        sides = torch.stack([(low - foot) / along, (high - foot) / along])
        infinite = torch.where((low <= foot) & (foot <= high), torch.inf, -torch.inf)
        enters = torch.where(along == 0, -infinite, sides.amin(0)).amax(1)
        leaves = torch.where(along == 0, infinite, sides.amax(0)).amin(1)
        ends = foot[:, None] + torch.stack([enters, leaves], 1)[..., None] * along[:, None]
        return ends.where((enters <= leaves)[:, None, None], torch.nan)

    def tensors(self) -> dict[str, Tensor]:
        """All its tensors by name; `of` makes the same lines of them."""
        given = {name: each for name in _OPTIONAL if (each := getattr(self, name)) is not None}
        own = {"weights": self.weights, "bias": self.bias, "regions": self.regions}
        extent = torch.tensor(self.extent, dtype=torch.float64)
        return own | {"extent": extent} | given | {f"deeper/{name}": each for name, each in self.deeper.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], provenance: Provenance) -> "UnitLines":
        """The lines whose `tensors` these are."""
        names = ("weights", "bias", "regions", *_OPTIONAL)
        deeper = {name.removeprefix("deeper/"): each for name, each in tensors.items() if name.startswith("deeper/")}
        left, right, bottom, top = tensors["extent"].tolist()
        own = {name: tensors[name] for name in names if name in tensors or name not in _OPTIONAL}
        return cls(**own, extent=(left, right, bottom, top), deeper=deeper, provenance=provenance)
