"""Methods that ask how the score changes when a pixel does."""

from dataclasses import dataclass, field

import torch

from ..errors import SettingError
from ..network.batching import in_batches
from ..network.network import Network
from ..objectives import Objective
from ..progress import steps
from ..scoring import input_gradient
from .method import About, Images, Maps, Method, Reduction


@dataclass(frozen=True)
class Gradient(Method):
    """Which pixels would change the score most if they were changed a little.

    Bright where a small change counts, whatever its direction; noisy by nature.

        values = ∂s / ∂x

    Reference: Simonyan, Vedaldi and Zisserman, "Deep Inside Convolutional Networks", 2013, section 3. The
    values are in units of the objective per unit of the prepared input.
    """

    about = About(
        title="Gradient",
        reference="Simonyan et al. 2013",
        cost="1 forward and 1 backward pass",
        needs="a differentiable network",
    )

    @property
    def reduction(self) -> Reduction:
        """A pixel counts as much as its most sensitive channel (Simonyan et al. 2013, section 3.1)."""
        return "largest"

    @property
    def signed(self) -> bool:
        """False: the sign says brighter or darker, not for or against."""
        return False

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """∂s / ∂x for each image."""
        return input_gradient(net, images, objective).gradients[0]


@dataclass(frozen=True)
class GradientTimesInput(Method):
    """How much each pixel contributes if the network is taken as linear around this image.

        values = x ⊙ ∂s / ∂x

    For a network that is linear in x without a bias the values add up to the score.

    Reference: Shrikumar, Greenside, Shcherbina and Kundaje, "Not Just a Black Box", 2016, section 2. The
    values are in units of the objective.
    """

    about = About(
        title="Gradient × input",
        reference="Shrikumar et al. 2016",
        cost="1 forward and 1 backward pass",
        needs="a differentiable network",
    )

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """x ⊙ ∂s / ∂x for each image."""
        return images * input_gradient(net, images, objective).gradients[0]


@dataclass(frozen=True)
class SmoothGrad(Method):
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

    of: Method = field(default_factory=Gradient)
    samples: int = 32
    sigma: float = 0.15
    seed: int = 0
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise SettingError(f"samples is a number of noisy copies, at least 1; got {self.samples}")
        if not 0 <= self.sigma <= 1:
            raise SettingError(f"sigma is a fraction of the image's range, 0 to 1; got {self.sigma}")

    @property
    def reduction(self) -> Reduction:
        """That of the method it averages."""
        return self.of.reduction

    @property
    def signed(self) -> bool:
        """That of the method it averages."""
        return self.of.signed

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """The mean of the method's values over the noisy copies, summed up in small batches."""
        noise = torch.Generator().manual_seed(self.seed)
        deviation = self.sigma * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
        draws: dict[int, Images] = {}

        def values(rows: slice) -> Maps:
            for sample in range(rows.start, rows.stop):  # drawn once and in order, also when a batch is repeated
                if sample not in draws:
                    draws[sample] = torch.randn(images.shape[1:], generator=noise).to(images)
            epsilon = torch.stack([draws[sample] for sample in range(rows.start, rows.stop)])
            noisy = images + deviation * epsilon[:, None]
            repeated = objective.rows([*range(len(images))] * len(epsilon))
            maps = self.of.attribute(net, noisy.flatten(0, 1), repeated)
            return maps.unflatten(0, noisy.shape[:2]).sum(0)

        size = net.batch_size(images, graph=True, wanted=self.batch_size)
        total = torch.zeros(())
        with steps("smoothing", self.samples) as advance:
            for rows, part in in_batches(self.samples, max(1, size // len(images)), values):
                total = part if rows.start == 0 else total.add_(part)
                for sample in range(rows.start, rows.stop):
                    del draws[sample]
                advance(rows.stop - rows.start)
        return total.div_(self.samples)
