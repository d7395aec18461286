"""Methods that look at many noisy copies of the image, so that no single pixel decides."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ..modules.batching import in_batches
from ..network.network import Network
from ..objectives import Objective
from ..progress import steps
from ..settings import Count, Fraction, Seed
from .covered import Covered
from .gradients import Gradient
from .method import About, Inputs, Maps, Method, Reduction

Samples = Float[Tensor, "sample batch map map_row map_column"]


@dataclass(frozen=True)
class _OfNoisyCopies(Method):
    of: Method = field(default_factory=Gradient)
    samples: Count = 32
    sigma: Fraction = 0.15
    seed: Seed = 0
    batch_size: Count | None = None

    @property
    def reduction(self) -> Reduction:
        """That of the method whose maps are taken together."""
        return self.of.reduction

    def covered(self, images: Inputs) -> Covered | None:
        """What the method covers."""
        return self.of.covered(images)

    def _maps(self, net: Network, images: Inputs, objective: Objective) -> Iterator[Samples]:
        """The method's values for some noisy copies at a time."""
        noise = torch.Generator().manual_seed(self.seed)
        deviation = self.sigma * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
        draws: dict[int, Inputs] = {}

        def values(rows: slice) -> Samples:
            for sample in range(rows.start, rows.stop):  # drawn once and in order, also when a batch is repeated
                if sample not in draws:
                    draws[sample] = torch.randn(images.shape[1:], generator=noise).to(images)
            epsilon = torch.stack([draws[sample] for sample in range(rows.start, rows.stop)])
            noisy = images + deviation * epsilon[:, None]
            repeated = objective.rows([*range(len(images))] * len(epsilon))
            return self.of.attribute(net, noisy.flatten(0, 1), repeated).unflatten(0, noisy.shape[:2])

        size = net.batch_size(images, graph=True, wanted=self.batch_size)
        with steps("smoothing", self.samples) as advance:
            for rows, maps in in_batches(self.samples, max(1, size // len(images)), values):
                yield maps
                for sample in range(rows.start, rows.stop):
                    del draws[sample]
                advance(rows.stop - rows.start)


@dataclass(frozen=True)
class SmoothGrad(_OfNoisyCopies):
    """Another method's map, averaged over noisy copies of the image: what stays is not an accident of one pixel.

        values = 1/n Σⱼ M(x + σ · (max x − min x) · εⱼ),   εⱼ ~ N(0, 1)

    Reference: Smilkov, Thorat, Kim, Viégas and Wattenberg, "SmoothGrad", 2017, section 3. With `sigma` 0 it is
    the method itself.

    Args:
        of: the method that is averaged.
        samples: the number n of noisy copies.
        sigma: the noise's standard deviation as a fraction of the image's range, 0–1; 0.1 to 0.2 in the paper.
        seed: the same seed gives the same noise, for every image and whatever the batch size.
        batch_size: images in one pass; None for what fits.
    """

    about = About(
        title="SmoothGrad",
        reference="Smilkov et al. 2017",
        cost="its method, once per sample",
        needs="what its method needs",
    )

    @property
    def signed(self) -> bool:
        """That of the method it averages."""
        return self.of.signed

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The mean of the method's values over the noisy copies, summed up in small batches."""
        parts = self._maps(net, images, objective)
        total = next(parts).sum(0)
        for part in parts:
            total.add_(part.sum(0))
        return total.div_(self.samples)


@dataclass(frozen=True)
class VarGrad(_OfNoisyCopies):
    """How much another method's map varies between noisy copies of the image: where its answer hangs on details.

    Bright where the map depends on noise, which tends to be along the edges of what the network looks at.

        values = 1/n Σⱼ (M(x + σ · (max x − min x) · εⱼ) − mean of these)²,   εⱼ ~ N(0, 1)

    Reference: Adebayo, Gilmer, Goodfellow and Kim, "Local Explanation Methods for Deep Neural Networks Lack
    Sensitivity to Parameter Values", 2018, section 2. The values are in the squared unit of the method's. With
    `sigma` 0 or a single sample they are 0.

    Args:
        of: the method whose variance is taken.
        samples: the number n of noisy copies.
        sigma: the noise's standard deviation as a fraction of the image's range, 0–1.
        seed: the same seed gives the same noise, for every image and whatever the batch size.
        batch_size: images in one pass; None for what fits.
    """

    about = About(
        title="VarGrad",
        reference="Adebayo et al. 2018",
        cost="its method, once per sample",
        needs="what its method needs",
    )

    @property
    def signed(self) -> bool:
        """False: a variance has no sign."""
        return False

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The variance of the method's values, put together from small batches (Chan, Golub and LeVeque 1979)."""
        parts = self._maps(net, images, objective)
        first = next(parts)
        count, mean = len(first), first.mean(0)
        squares = (first - mean).square().sum(0)
        for part in parts:
            new, off = len(part), part.mean(0) - mean
            squares += (part - part.mean(0)).square().sum(0) + off.square() * (count * new / (count + new))
            mean += off * (new / (count + new))
            count += new
        return squares / count
