"""What every attribution method is and gives."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar, final

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from ..errors import SettingError
from ..network.network import Network, require_network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..objectives import Objective, PerImage, Question, as_objective
from ..results import Provenance, Result
from ..settings import Settings
from .covered import Covered

Inputs = Float[Tensor, "batch channel row column"]
Maps = Float[Tensor, "batch map map_row map_column"]
"""What a method gives: as many maps as channels or one, at the input's resolution or a coarser one."""
Reduction = Literal["sum", "max_abs"]
Kind = TypeVar("Kind", bound="Method")


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Result):
    """Where in each image the answer comes from.

    Attributes:
        values: raw and signed, at the method's own resolution: [batch, channel, row, column]. Their unit is
            the objective's (occlusion, gradient × input), or the objective's per unit of input (gradients).
            Occlusion has one for each position of its window.
        pictures: what the network saw, for drawing: [batch, 3 or 1, row, column], 0–255.
        reduction: how `heatmap` makes one number of the channels.
        signed: whether the sign tells for (+) from against (−); where it does not, `heatmap` is the magnitude.
        provenance: the network, the question, the method and its settings.
        total: what the values of each image add up to in theory, for methods that share out the score; else None.
        covered: which pixels were covered for each value, where parts of the image were (occlusion); else None.
    """

    values: Maps
    pictures: UInt8[Tensor, "batch colour height width"]
    reduction: Reduction
    signed: bool
    provenance: Provenance
    total: Float[Tensor, "batch"] | None = None
    covered: Covered | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> bool:
        """Whether all values are numbers; a map with NaN or infinity in it says nothing."""
        return bool(self.values.isfinite().all())

    @property
    def gap(self) -> Float[Tensor, "batch"] | None:
        """How much the values of each image add up to beyond `total`; near 0 where the sharing out is complete."""
        return None if self.total is None else self.values.sum((1, 2, 3)) - self.total

    def heatmap(self) -> Float[Tensor, "batch height width"]:
        """One number per pixel of the input, unnormalised: the larger, the more the pixel speaks for the answer.

        Channels are summed ("sum": a method whose values share out the score), or the one of largest magnitude is
        taken ("max_abs": for gradients). Where the sign does not tell for from against, the number is its magnitude,
        for gradients the map of Simonyan et al. 2013, section 3.1; `values` keep the sign. A coarser grid is
        interpolated bilinearly; where parts of the image were covered, a pixel has the mean of those it lies in.
        """
        if self.covered is not None:
            return self.covered.mean(self._reduced)[:, 0]
        return functional.interpolate(self._reduced, self._size, mode="bilinear", align_corners=False)[:, 0]

    def cells(self) -> Float[Tensor, "batch height width"]:
        """The same with the method's own grid left as it is: each pixel has one of its values, that of its cell.

        A coarser grid divides the image into equal cells; where parts of the image were covered, a pixel has the value
        of the part whose middle is nearest, as an image of the values themselves shows it.
        """
        if self.covered is not None:
            return self.covered.nearest(self._reduced)[:, 0]
        return functional.interpolate(self._reduced, self._size, mode="nearest-exact")[:, 0]

    @property
    def _reduced(self) -> Float[Tensor, "batch 1 map_row map_column"]:
        """One number for each place of the method's own grid."""
        maps = self.values.sum(1, keepdim=True) if self.reduction == "sum" else _largest(self.values)
        return maps if self.signed else maps.abs()

    @property
    def _size(self) -> torch.Size:
        return self.pictures.shape[2:]

    def sum_in_words(self, image: int) -> str:
        """What the values of an image add up to, and to what they should; nothing where they share out no score."""
        if self.total is None:
            return ""
        both = self.values[image].sum(), self.total[image]
        found, wanted = (f"{float(each):.3g}".replace("-", "−") for each in both)
        return f"adds up to {found} of {wanted}"

    def objective(self, image: int) -> str:
        """What was asked of this image, in a few words."""
        asked = self.provenance.objective
        return asked[image % len(asked)]


@dataclass(frozen=True)
class About:
    """What the catalogue says of a method: its title, where it was published, its cost and what it needs.

    `silence` says in a sentence why a map of it may be zero everywhere, and what speaks there; "" where none may.
    """

    title: str
    reference: str
    cost: str
    needs: str
    silence: str = ""


@dataclass(frozen=True)
class Method(Settings, ABC):
    """A way to attribute an objective to the pixels of an image: a frozen dataclass of its settings.

    Call it: `method(net, images, objective)`. To write one, implement `attribute` and add the class to the
    catalogue.
    """

    about: ClassVar[About]

    def __new__(cls: type[Kind], *settings: object, **_: object) -> Kind:
        """Refuse the network among the settings, where any value would be kept."""
        if settings and isinstance(settings[0], Network | nn.Module):
            name = cls.__name__
            raise SettingError(
                f"{name} is made of its settings and then asked, as in iv.{name}()(net, images, question); got "
                f"{type(settings[0]).__name__} as a setting"
            )
        return object.__new__(cls)

    @property
    def reduction(self) -> Reduction:
        """How the channels of its values become one number per pixel."""
        return "sum"

    @property
    def signed(self) -> bool:
        """Whether the sign of its values tells for from against."""
        return True

    @final
    def __call__(self, net: Network, images: Any, objective: Question | None = None) -> Attribution:
        """Where in each image the objective comes from.

        Args:
            net: the network; it is not changed.
            images: anything `net.prepare` takes.
            objective: an objective, or a class by index or name; one for all images or one per image, or None for
                each image's most probable class.

        Raises:
            ImageError, LabelError, ObjectiveError: the images or the question do not fit the network.
            MethodError: this method cannot be applied to this network; the message says why.
        """
        require_network(net)
        images = net.prepare(images)
        asked = as_objective(net, objective, images)

        def run(rows: slice) -> tuple[Maps, Float[Tensor, "batch"] | None]:
            part = asked.rows(range(len(images))[rows])
            return self.attribute(net, images[rows], part).detach(), self.total(net, images[rows], part)

        values, totals = zip(*net.in_batches(images, run, graph=True), strict=True)
        return Attribution(
            values=torch.cat(values),
            pictures=pictures(net, images),
            reduction=self.reduction,
            signed=self.signed,
            provenance=provenance(net, self, asked.objectives if isinstance(asked, PerImage) else [asked]),
            total=None if None in totals else torch.cat(totals),
            covered=self.covered(images),
        )

    def total(self, net: Network, images: Inputs, objective: Objective) -> Float[Tensor, "batch"] | None:
        """What the values of each image should add up to; None for methods that do not share out the score."""
        return None

    def covered(self, images: Inputs) -> Covered | None:
        """Which pixels are covered for each of its values; None for methods that cover no parts of the image."""
        return None

    @abstractmethod
    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The raw values for prepared images and a bound objective; called inside `untouched(net.module)`."""


def _largest(values: Maps) -> Float[Tensor, "batch 1 map_row map_column"]:
    """Of each pixel's channels the value of largest magnitude, with its sign."""
    return values.gather(1, values.abs().argmax(1, keepdim=True))
