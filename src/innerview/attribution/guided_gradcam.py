"""Guided back-propagation where Grad-CAM finds the evidence."""

from dataclasses import dataclass

from torch.nn import functional

from ..network.default_layer import grid_layer
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import input_gradient, layer_gradient
from ..passes.sharing import sharing
from ..settings import Text
from .gradcam import GradCAM
from .method import About, Inputs, Maps, Method, Reduction


@dataclass(frozen=True)
class GuidedGradCAM(Method):
    """The fine lines that the network notices, only where a late layer holds evidence for the answer.

    As sharp as guided back-propagation and about the object, as Grad-CAM is; black where Grad-CAM is.

        values = G ⊙ L,   G by guided back-propagation,   L by Grad-CAM, interpolated bilinearly to the input

    Reference: Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, "Grad-CAM", 2017, section 3.2; L by eq. 1
    and 2. The values are in units of the objective squared per unit of the prepared input.

    Args:
        layer: the address of Grad-CAM's layer; None for the last grid of features.

    Raises:
        MethodError: no ReLU lies between the input and the objective, or the layer gives no grid.
    """

    about = About(
        title="Guided Grad-CAM",
        reference="Selvaraju et al. 2017",
        cost="1 forward and 1 backward pass, and once more backward to the layer",
        needs="ReLUs and a layer that keeps a grid",
        silence=GradCAM.about.silence,
    )

    layer: Text | None = None

    @property
    def reduction(self) -> Reduction:
        """A pixel counts as much as its strongest channel."""
        return "max_abs"

    @property
    def signed(self) -> bool:
        """False: the sign says brighter or darker, not for or against."""
        return False

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The product of the two maps, both from one forward pass."""
        layer = grid_layer(net, images, self.layer)
        with sharing(net, images) as shared:
            features = layer_gradient(net, shared, objective, layer)
            pixels = input_gradient(net, shared, objective, "guided")
        cam = GradCAM().combined(features.values, features.gradient).relu()
        fine = functional.interpolate(cam, size=images.shape[2:], mode="bilinear", align_corners=False)
        return pixels.gradient * fine
