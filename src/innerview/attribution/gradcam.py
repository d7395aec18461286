"""Class activation maps from gradients: each feature counts as much as the answer depends on it."""

from abc import abstractmethod
from dataclasses import dataclass

from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import layer_gradient
from .layer_method import LayerMethod, OneMap
from .method import About, Inputs, Maps


@dataclass(frozen=True)
class GradientMap(LayerMethod):
    """One map of a layer's features A and the gradients g = ∂s / ∂A there; the variants differ in one expression.

    What runs before the layer builds no graph, so the way back is only as long as the rest of the network.

    Args:
        layer: the address of the layer, or a tuple of addresses; None for the last grid of features.
        relu: keep only what speaks for the objective; without it the sign tells for from against.
    """

    relu: bool = True

    @property
    def signed(self) -> bool:
        """Whether negative values are kept."""
        return not self.relu

    def layer_map(self, net: Network, images: Inputs, objective: Objective, layer: str) -> OneMap:
        """The combination of features and gradients, both read as maps."""
        back = layer_gradient(net, images, objective, layer)
        cam = self.combined(back.values, back.gradient)
        return cam.relu() if self.relu else cam

    @abstractmethod
    def combined(self, maps: Maps, gradients: Maps) -> OneMap:
        """One map of the features and the gradients there."""


@dataclass(frozen=True)
class GradCAM(GradientMap):
    """Where in the image a late layer holds the evidence for the answer; coarse, but about the object.

        αₖ = 1/Z Σ ∂s / ∂Aₖ(y, x),   values = ReLU(Σₖ αₖ Aₖ)

    The mean of the gradient is made for networks that average a channel over all positions. Where the head flattens
    the grid instead, a channel may speak for the answer at one position and against it at another: the mean then says
    little, and all values may be below zero. `HiResCAM` takes the gradient at each position; where a network averages,
    both maps are the same.

    Reference: Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, "Grad-CAM", 2017, eq. 1 and 2.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.
        relu: keep only what speaks for the objective (eq. 2); without it the sign tells for from against.

    Raises:
        MethodError: the layer gives no grid, or the objective does not depend on it.
    """

    about = About(
        title="Grad-CAM",
        reference="Selvaraju et al. 2017",
        cost="1 forward pass, backward to the layer",
        needs="a layer that keeps a grid",
        silence="Grad-CAM is zero everywhere where its channels, each weighted by the mean of its gradient, speak "
        "against the answer at every position. Where a head flattens the grid, so that each position counts in its "
        "own way, that mean says little: HiResCAM and LayerCAM take the gradient at each position",
    )

    def combined(self, maps: Maps, gradients: Maps) -> OneMap:
        weights = gradients.mean((2, 3), keepdim=True)
        return (weights * maps).sum(1, keepdim=True)


@dataclass(frozen=True)
class GradCAMPlusPlus(GradientMap):
    """Like Grad-CAM, but several objects of one class, and small ones, count as much as a large one.

    With g = ∂s / ∂Aₖ(y, x) and the sum of Aₖ over all positions, 0 where a denominator is 0:

        α = g² / (2g² + g³ Σ Aₖ),   wₖ = Σ α ReLU(g),   values = ReLU(Σₖ wₖ Aₖ)

    Reference: Chattopadhyay, Sarkar, Howlader and Balasubramanian, "Grad-CAM++", 2018, eq. 19. The paper
    explains exp(s), which only multiplies the map of an image by a constant. It is derived for features that
    are not negative: name a layer behind a ReLU.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.
        relu: keep only what speaks for the objective; without it the sign tells for from against.

    Raises:
        MethodError: the layer gives no grid, or the objective does not depend on it.
    """

    about = About(
        title="Grad-CAM++",
        reference="Chattopadhyay et al. 2018",
        cost="1 forward pass, backward to the layer",
        needs="a layer that keeps a grid",
    )

    def combined(self, maps: Maps, gradients: Maps) -> OneMap:
        inverse = 2 + gradients * maps.sum((2, 3), keepdim=True)  # α = 1 / inverse: g² itself underflows
        alpha = (1 / inverse).where(inverse != 0, 0)
        weights = (alpha * gradients.relu()).sum((2, 3), keepdim=True)
        return (weights * maps).sum(1, keepdim=True)


@dataclass(frozen=True)
class HiResCAM(GradientMap):
    """Where in the image the features that the answer was computed from lie; nothing is averaged over positions.

    Where one linear layer reads the features, the values without the ReLU add up to the score but for the bias.

        values = ReLU(Σₖ ∂s / ∂Aₖ ⊙ Aₖ)

    Reference: Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
    neural networks", 2020. The values are in units of the objective.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.
        relu: keep only what speaks for the objective; without it the sign tells for from against.

    Raises:
        MethodError: the layer gives no grid, or the objective does not depend on it.
    """

    about = About(
        title="HiResCAM",
        reference="Draelos and Carin 2020",
        cost="1 forward pass, backward to the layer",
        needs="a layer that keeps a grid",
    )

    def combined(self, maps: Maps, gradients: Maps) -> OneMap:
        return (gradients * maps).sum(1, keepdim=True)


@dataclass(frozen=True)
class LayerCAM(GradientMap):
    """Where in the image more of a feature would help the answer; sharp also at early layers, whose grid is fine.

        values = ReLU(Σₖ ReLU(∂s / ∂Aₖ) ⊙ Aₖ)

    Reference: Jiang, Zhang, Hou, Cheng and Wei, "LayerCAM", 2021. The values are in units of the objective.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.
        relu: keep only what speaks for the objective; without it features below zero count as against.

    Raises:
        MethodError: the layer gives no grid, or the objective does not depend on it.
    """

    about = About(
        title="LayerCAM",
        reference="Jiang et al. 2021",
        cost="1 forward pass, backward to the layer",
        needs="a layer that keeps a grid",
    )

    def combined(self, maps: Maps, gradients: Maps) -> OneMap:
        return (gradients.relu() * maps).sum(1, keepdim=True)
