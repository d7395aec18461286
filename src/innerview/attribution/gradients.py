"""Methods that ask how the score changes when a pixel does."""

from dataclasses import dataclass

from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import input_gradient
from .method import About, Inputs, Maps, Method, Reduction


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
        return "max_abs"

    @property
    def signed(self) -> bool:
        """False: the sign says brighter or darker, not for or against."""
        return False

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """∂s / ∂x for each image."""
        return input_gradient(net, images, objective).gradient


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

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """x ⊙ ∂s / ∂x for each image."""
        return images * input_gradient(net, images, objective).gradient
