"""Class activation maps: which positions of a late layer speak for the class."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import MethodError
from ..network.grids import channels_first
from ..network.network import Network
from ..network.outputs import first_tensor
from ..network.seen import Seen
from ..network.sharing import once
from ..network.tap import look
from ..objectives import Objective
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
        grid, head, scores = once(net, images, "cam", lambda: _features(net, images))
        with torch.inference_mode(False), torch.enable_grad():
            scores = scores.clone().requires_grad_()
            (slope,) = torch.autograd.grad(objective(Seen({}, scores)).sum(), scores)
        return torch.einsum("bk,kc,bcyx->byx", slope, head.weight.to(slope), grid.to(slope))[:, None]


def _features(net: Network, images: Images) -> tuple[Maps, nn.Linear, Float[Tensor, "batch label"]]:
    """The features that are averaged, the linear layer that reads the averages, and the class scores."""
    with torch.no_grad(), _LastGrid(images) as last:
        scores = look(net, images).class_scores
    if not bool(scores.isfinite().all()):
        raise MethodError(f"CAM needs finite class scores; those of {net.name} hold NaN or infinity here")
    head = _head(net, images)
    if last.grid is None or head is None or not _averages(last.grid, head, scores):
        raise MethodError(
            "CAM needs class scores that are one linear layer over the global average of the last features; "
            f"{net.name} computes them otherwise. GradCAM works for any layer with a grid"
        )
    return last.grid, head, scores


class _LastGrid(TorchDispatchMode):
    """Keeps the last grid of features of a pass, whoever computed it, with its channels first."""

    def __init__(self, images: Images) -> None:
        super().__init__()
        self.size = images.shape[2:]
        self.grid: Maps | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        output = func(*args, **(kwargs or {}))
        tensor = first_tensor(output)
        if tensor is not None and tensor.dim() == 4:
            maps = channels_first(tensor, self.size)
            if maps.shape[2:].numel() > 1:
                self.grid = maps
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
