"""Methods that go back to the pixels with another rule at the ReLUs."""

from abc import abstractmethod
from dataclasses import dataclass

from ..modules.relu_rules import ReluRule
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import input_gradient
from .method import About, Inputs, Maps, Method, Reduction


@dataclass(frozen=True)
class _ByRule(Method):
    @property
    def reduction(self) -> Reduction:
        """A pixel counts as much as its strongest channel."""
        return "max_abs"

    @property
    def signed(self) -> bool:
        """False: the sign says brighter or darker, not for or against."""
        return False

    @property
    @abstractmethod
    def _rule(self) -> ReluRule: ...

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """What arrives at the pixels of each image when ReLUs follow the rule."""
        return input_gradient(net, images, objective, self._rule).gradient


@dataclass(frozen=True)
class Deconvolution(_ByRule):
    """The pattern that an activation answers to, projected back down to the pixels.

    Edges and textures, sharp where the network pools by maximum, as these positions are remembered; nothing else
    in the map depends on the image. Ask about a `Neuron` to see the structure that excites it.

        a ReLU passes max(g, 0),   values = what arrives of ∂s / ∂x

    Reference: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 2.1; as
    a rule for gradients, Simonyan, Vedaldi and Zisserman, 2013, section 4. The values are in units of the
    objective per unit of the prepared input; the paper starts from the activation instead of 1, which scales
    the map of a `Neuron` by its activation.

    Raises:
        MethodError: no ReLU lies between the input and the objective.
    """

    about = About(
        title="Deconvolution",
        reference="Zeiler and Fergus 2014",
        cost="1 forward and 1 backward pass",
        needs="ReLUs",
    )

    @property
    def _rule(self) -> ReluRule:
        return "deconvolution"


@dataclass(frozen=True)
class GuidedBackprop(_ByRule):
    """The structures in the image that excite what is asked about, in fine clean lines.

    Whatever would lower a unit on the way is left out, so the map shows what the network notices; asked about
    different classes, the maps look much alike.

        a ReLU with output y passes max(g, 0) · [y > 0],   values = what arrives of ∂s / ∂x

    Reference: Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity", 2015, section 3.4 and
    the equations of figure 1. The values are in units of the objective per unit of the prepared input.

    Raises:
        MethodError: no ReLU lies between the input and the objective.
    """

    about = About(
        title="Guided back-propagation",
        reference="Springenberg et al. 2015",
        cost="1 forward and 1 backward pass",
        needs="ReLUs",
    )

    @property
    def _rule(self) -> ReluRule:
        return "guided"
