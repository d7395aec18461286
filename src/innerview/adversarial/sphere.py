"""Is it the direction of an attack that fools the network, or just the distance?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ..errors import ImageError
from ..modules.batching import in_batches
from ..modules.scope import untouched
from ..network.network import Network, require_network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..passes.forward import forward
from ..progress import Advance, steps
from ..results import Provenance, Result
from ..settings import Amount, Count, checked
from .pixels import Inputs, direction, prepared
from .result import Attack

Counts = Int[Tensor, "batch label"]
Pictures = UInt8[Tensor, "batch colour height width"]


@dataclass(frozen=True, eq=False, repr=False)
class SphereTest(Result):
    """What the network answers all around an image, farther away than its adversarial example.

    Where nearly all points keep the image's class, an attack is a matter of direction: a random change of that
    size, or larger, fools nobody.

    Attributes:
        counts: how many points around each image the network gives each class.
        classes: the class of each image itself.
        radii: the distance of the points from each image, in pixels of 0–1.
        names: the names of the classes that occur.
        pictures: what the network saw, for drawing: [batch, 3 or 1, row, column], 0–255.
        examples: the first of the points around each image, in the same way; what lies beyond 0–1 is cut off.
        provenance: the network, the classes, the settings and those of the attack.
    """

    counts: Counts
    classes: Int[Tensor, "batch"]
    radii: Float[Tensor, "batch"]
    names: Mapping[int, str]
    pictures: Pictures
    examples: Pictures
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def share(self) -> Float[Tensor, "batch"]:
        """The share of the points around each image that keep its class, 0–1."""
        return self.counts.gather(1, self.classes[:, None])[:, 0] / self.counts.sum(1)

    def ranking(self, image: int) -> list[tuple[str, int]]:
        """The classes of the points around an image and how many there are of each, the most frequent first."""
        counts = self.counts[image]
        order = counts.argsort(descending=True, stable=True)
        return [(self.names[index], int(counts[index])) for index in order.tolist() if counts[index] > 0]


def sphere(  # noqa: PLR0913 - all but the first three are optional
    net: Network, images: Any, attack: Attack, *, samples: int = 1000, radius: float = 2.0, seed: int = 0
) -> SphereTest:
    """The network's answers at random points around each image, at `radius` times the distance of its attack.

        x + r · u / ‖u‖₂,   u ~ N(0, 1),   r = radius · ‖x̃ − x‖₂

    The points are uniformly distributed on the sphere, in pixels of 0–1. Pixels near black or white may leave 0–1:
    brought back they would be nearer to the image than r.

    Args:
        net: the network; it is not changed.
        images: those that were attacked; anything `net.prepare` takes.
        attack: what the attack gave.
        samples: the number of points around each image.
        radius: their distance from it, in units of the attack's own.
        seed: the same seed gives the same directions, for every image and whatever the batch size.

    Raises:
        ImageError: the images are not those that were attacked.
        SettingError: a setting is outside its range.
    """
    require_settings(samples, radius)
    require_network(net)
    images = net.prepare(images)
    if images.shape != attack.inputs.shape or not torch.equal(images, attack.inputs.to(images)):
        raise ImageError("a sphere is around the images that were attacked; these are others", kind="others")
    before, classes = attack.before.to(images.device), attack.first_classes.to(images.device)
    radii = radius * attack.distance.to(images.device)
    around = [_Around(net, images[[i]], before[[i]], radii[i], seed) for i in range(len(images))]
    with untouched(net.module), torch.no_grad(), steps("around the image", samples * len(images)) as advance:
        counts = torch.stack([each.counts(samples, advance) for each in around])
        examples = torch.cat([each.inputs(each.noise()[None]) for each in around])
    asked, attacked = map(net.label, classes.tolist()), attack.provenance.how
    occurring = {*counts.sum(0).nonzero().flatten().tolist(), *classes.tolist()}
    return SphereTest(
        counts=counts,
        classes=classes,
        radii=radii,
        names={index: net.label(index) for index in sorted(occurring)},
        pictures=pictures(net, images),
        examples=pictures(net, examples),
        provenance=provenance(net, "sphere", asked, samples=samples, radius=radius, seed=seed, attack=attacked),
    )


def require_settings(samples: int, radius: float) -> None:
    """Refuse, before any work, settings that `sphere` cannot use."""
    checked("samples", samples, Count)
    checked("radius", radius, Amount)


@dataclass(frozen=True)
class _Around:
    """One image, its pixels, and how far from it to look."""

    net: Network
    image: Inputs
    before: Inputs
    radius: Tensor
    seed: int

    def counts(self, samples: int, advance: Advance) -> Int[Tensor, "label"]:
        """How many of the points the network gives each class; the points are made and forgotten batch by batch."""
        random = torch.Generator().manual_seed(self.seed)
        draws: dict[int, Tensor] = {}

        def answers(rows: slice) -> Int[Tensor, "label"]:
            for sample in range(rows.start, rows.stop):  # drawn once and in order, also when a batch is repeated
                if sample not in draws:
                    draws[sample] = self.noise(random)
            return self._answers(torch.stack([draws[sample] for sample in range(rows.start, rows.stop)]))

        total = torch.zeros((), dtype=torch.int64, device=self.image.device)
        for rows, found in in_batches(samples, self.net.batch_size(self.image, graph=False), answers):
            total = total + found
            for sample in range(rows.start, rows.stop):
                del draws[sample]
            advance(rows.stop - rows.start)
        return total

    def noise(self, random: torch.Generator | None = None) -> Float[Tensor, "channel row column"]:
        """What gives the next direction, or the first one."""
        return torch.randn(self.before.shape[1:], generator=random or torch.Generator().manual_seed(self.seed))

    def inputs(self, noise: Inputs) -> Inputs:
        """The points in these directions, as the network's input."""
        points = self.before + self.radius * direction(noise.to(self.before))
        return prepared(self.net, self.image, self.before, points)

    def _answers(self, noise: Inputs) -> Int[Tensor, "label"]:
        scores = forward(self.net, self.inputs(noise)).class_scores
        return scores.argmax(1).bincount(minlength=scores.shape[1])
