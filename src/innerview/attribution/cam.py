"""Class activation maps: which positions of a late layer speak for the class."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import MethodError
from ..network.network import Network
from ..network.seen import Seen
from ..network.tap import look
from ..objectives import Objective
from ..scoring import layer_gradients
from .method import About, Images, Maps, Method


@dataclass(frozen=True)
class CAM(Method):
    """Where the evidence for a class lies, exactly, in a network that ends in global average pooling.

    Positive where a position speaks for the class, negative where against; the mean over all positions plus
    the classifier's bias is the logit.

        values(y, x) = Σₖ wₖᶜ fₖ(y, x)

    Reference: Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning Deep Features for Discriminative
    Localization", 2016, eq. 2. For an objective that mixes classes, wᶜ is mixed with its gradient.

    Raises:
        MethodError: the class scores are not one linear layer over the average of a grid of features, or the
            objective is not about class scores. `GradCAM` works there.
    """

    about = About(
        title="CAM",
        reference="Zhou et al. 2016",
        cost="1 forward pass",
        needs="global average pooling, then one linear layer",
    )

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """The class activation map at the last grid's resolution, one channel."""
        if objective.layers:
            raise MethodError("CAM explains class scores, not layers inside the network; GradCAM explains both")
        with torch.no_grad(), _LastGrid() as last:
            scores = look(net, images).class_scores
        if not bool(scores.isfinite().all()):
            raise MethodError(f"CAM needs finite class scores; those of {net.name} hold NaN or infinity here")
        head = _head(net, images)
        if last.grid is None or head is None or not _averages(last.grid, head, scores):
            raise MethodError(
                "CAM needs class scores that are one linear layer over the global average of the last features; "
                f"{net.name} computes them otherwise. GradCAM works for any layer with a grid"
            )
        with torch.inference_mode(False), torch.enable_grad():
            scores = scores.clone().requires_grad_()
            (slope,) = torch.autograd.grad(objective(Seen({}, scores)).sum(), scores)
        return torch.einsum("bk,kc,bcyx->byx", slope, head.weight.to(slope), last.grid.to(slope))[:, None]


@dataclass(frozen=True)
class GradCAM(Method):
    """Where in the image a late layer holds the evidence for the answer; coarse, but about the object.

        αₖ = 1/Z Σ ∂s / ∂Aₖ(y, x),   values = ReLU(Σₖ αₖ Aₖ)

    Reference: Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, "Grad-CAM", 2017, eq. 1 and 2.

    Args:
        layer: the address of the layer; None for the last grid of features.
        relu: keep only what speaks for the objective (eq. 2); without it the sign tells for from against.
    """

    about = About(
        title="Grad-CAM",
        reference="Selvaraju et al. 2017",
        cost="1 forward pass, backward to the layer",
        needs="a layer that keeps a grid",
    )

    layer: str | None = None
    relu: bool = True

    @property
    def signed(self) -> bool:
        """Whether negative values are kept."""
        return not self.relu

    def attribute(self, net: Network, images: Images, objective: Objective) -> Maps:
        """The map at the layer's resolution, one channel."""
        layer = grid_layer(net, images, self.layer)
        back = layer_gradients(net, images, objective, [layer])
        maps, gradients = back.activations[0], back.gradients[0]
        weights = gradients.mean((2, 3), keepdim=True)
        cam = (weights * maps).sum(1, keepdim=True)
        return cam.relu() if self.relu else cam


def grid_layer(net: Network, images: Images, name: str | None) -> str:
    """The layer asked for, or the sensible default; `MethodError` unless it gives a grid of features."""
    layers = {layer.name: layer for layer in net.layers(images)}
    if name is None:
        name = next((layer.name for layer in layers.values() if layer.cam), None)
    if name is None:
        raise MethodError(
            f"class activation maps need a layer that gives [channel, row, column]; {net.name} ends in tokens or "
            "vectors. Name a layer with a grid (layer=…), or use Gradient, SmoothGrad or Occlusion"
        )
    net.address(name, images)
    shape = layers[name.partition(":")[0]].output_shape
    if len(shape) != 3:
        raise MethodError(
            f"class activation maps need a layer that gives [channel, row, column]; {name!r} of {net.name} gives "
            f"{list(shape)}"
        )
    return name


class _LastGrid(TorchDispatchMode):
    """Keeps the last [batch, channel, row, column] tensor of a pass, whoever computed it."""

    grid: Tensor | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            self.grid = output
        return output


def _head(net: Network, images: Images) -> nn.Linear | None:
    """The linear layer that runs last."""
    order = sorted(net.layers(images), key=lambda layer: layer.finished[-1], reverse=True)
    modules = (net.module.get_submodule(layer.name) for layer in order)
    return next((each for each in modules if isinstance(each, nn.Linear)), None)


def _averages(maps: Maps, head: nn.Linear, scores: Float[Tensor, "batch label"]) -> bool:
    """Whether, for these very images, the scores are the head applied to the mean of the maps."""
    if head.weight.shape != (scores.shape[1], maps.shape[1]):
        return False
    weight, means = head.weight.to(scores), maps.to(scores).mean((2, 3))
    bias = 0 if head.bias is None else head.bias.to(scores)
    largest = (means.abs() @ weight.abs().T).max()
    tolerance = max(1e-4, 16 * torch.finfo(maps.dtype).eps) * largest
    return bool((means @ weight.T + bias - scores).abs().max() <= tolerance)
