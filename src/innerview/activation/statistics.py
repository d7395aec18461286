"""What a channel does for one image, in a few numbers."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

Maps = Float[Tensor, "batch channel row column"]
Numbers = Float[Tensor, "batch channel"]


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Each channel of a layer, for each image, over all positions of its map.

    Attributes:
        mean, largest: of the values.
        active: the share of positions whose value is above 0; what is not above 0 a rectifier behind would remove.
        selectivity: in 0–1, how few positions make up the map: 1 − (mean a)² / mean(a²), with a the values above 0.
            0 says that all positions respond alike, near 1 that one alone does; 0 also for a dead channel.
            Treves and Rolls 1991, "What determines the capacity of autoassociative memories in the brain?", give
            the ratio as the sparseness of a population.
    """

    mean: Numbers
    largest: Numbers
    active: Numbers
    selectivity: Numbers

    @property
    def sparsity(self) -> Numbers:
        """The share of positions whose value is not above 0."""
        return 1 - self.active

    @property
    def dead(self) -> Bool[Tensor, "batch channel"]:
        """Whether a channel is above 0 nowhere in the image."""
        return self.active == 0


def channel_statistics(maps: Maps) -> ChannelStatistics:
    """The statistics of maps, in single precision at least."""
    values = maps.double().flatten(2)
    above = values.clamp_min(0)
    mean_square = above.square().mean(2)
    ratio = above.mean(2).square() / mean_square.clamp_min(1e-300)
    return ChannelStatistics(
        mean=values.mean(2).float(),
        largest=values.amax(2).float(),
        active=(values > 0).double().mean(2).float(),
        selectivity=(1 - ratio).where(mean_square > 0, 0).float(),
    )
