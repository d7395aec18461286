"""Class activation maps: which positions of a late layer speak for the class."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import MethodError
from ..modules.outputs import first_tensor
from ..modules.scope import differentiating
from ..network.network import Network
from ..network.readings import ChannelsFirst
from ..network.recognition import fits, reading_of
from ..network.seen import Seen
from ..objectives import Objective
from ..passes.forward import forward
from ..passes.sharing import once
from .method import About, Inputs, Maps, Method

Weight = Float[Tensor, "label map"]
Scores = Float[Tensor, "batch label"]
MAPS, TOKENS, ROWS = range(3)  # maps with other proportions than the image may be tokens in a row


@dataclass(frozen=True)
class CAM(Method):
    """Where the evidence for a class lies, exactly, in a network that ends in global average pooling.

    Positive where a position speaks for the class, negative where against; the mean over all positions plus
    the classifier's bias is the logit.

        values(y, x) = Σₖ wₖᶜ fₖ(y, x)

    The average may be one of tokens, as in an MLP-Mixer. Where it is taken of one map for each class (SqueezeNet: a
    1 × 1 convolution and a ReLU before the pooling), the values are that map, and its mean is the logit.

    Reference: Zhou, Khosla, Lapedriza, Oliva and Torralba, "Learning Deep Features for Discriminative
    Localization", 2016, eq. 2. For an objective that mixes classes, wᶜ is mixed with its gradient.

    Raises:
        MethodError: the class scores are neither the average of a map for each class nor one linear layer over the
            average of a grid of features, or the objective is not about class scores. `GradCAM` works there.
    """

    about = About(
        title="CAM",
        reference="Zhou et al. 2016",
        cost="1 forward pass",
        needs="global average pooling, and one linear layer or a map for each class",
    )

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The class activation map at the last grid's resolution, one channel."""
        if objective.layers:
            raise MethodError("CAM explains class scores, not layers inside the network; GradCAM explains both")
        maps, weight, scores = once(net, images, "cam", lambda: _features(net, images))
        with differentiating():
            scores = scores.clone().requires_grad_()
            asked = objective(Seen({}, scores))
            if not asked.requires_grad:
                raise MethodError(f"the question does not depend on the class scores of {net.name}, so it has no CAM")
            (slope,) = torch.autograd.grad(asked.sum(), scores)
        shares = slope if weight is None else slope @ weight.to(slope)
        return torch.einsum("bk,bkyx->byx", shares, maps.to(slope))[:, None]


def _features(net: Network, images: Inputs) -> tuple[Maps, Weight | None, Scores]:
    """What is averaged, the weight of the linear layer that reads the averages if there is one, and the scores."""
    head = _head(net, images)
    with torch.no_grad(), _LastGrids(net, images, None if head is None else head.weight.shape[1]) as last:
        seen = forward(net, images)
    if seen.output is None or seen.output.dim() != 2:
        shape = None if seen.output is None else list(seen.output.shape)
        raise MethodError(
            f"CAM explains class scores, [batch, class]; {net.name} gives {shape}. GradCAM explains any question at "
            "any layer with a grid"
        )
    scores = seen.class_scores
    if not bool(scores.isfinite().all()):
        raise MethodError(f"CAM needs finite class scores; those of {net.name} hold NaN or infinity here")
    for maps in last.maps():
        if _equal(maps, scores, None, None):
            return maps, None, scores
        if head is not None and _equal(maps, scores, weight := head.weight.flatten(1), head.bias):
            return maps, weight, scores
    raise MethodError(
        "CAM needs class scores that are the global average of a map for each class, or one linear layer over the "
        f"global average of the last features; {net.name} computes them otherwise. GradCAM works for any layer with "
        "a grid"
    )


class _LastGrids(TorchDispatchMode):
    """Keeps the last maps and the last tokens of a pass, and the last of as many channels as the head reads."""

    def __init__(self, net: Network, images: Inputs, channels: int | None) -> None:
        super().__init__()
        self.net, self.images, self.channels = net, images, channels
        self._kept: dict[tuple[int, bool], Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        output = func(*args, **(kwargs or {}))
        tensor = first_tensor(output)
        if tensor is not None and tensor.dim() in (3, 4) and len(tensor) == len(self.images):
            self._keep(tensor)
        return output

    def _keep(self, tensor: Tensor) -> None:
        if tensor.dim() == 3:
            self._kept[TOKENS, tensor.shape[2] == self.channels] = tensor
            return
        maps = reading_of(self.net, self.images, tensor.shape[1:])(tensor)
        if maps.shape[2:].numel() > 1:
            kind = MAPS if fits(maps.shape[2:], self.images.shape[2:]) else ROWS
            self._kept[kind, maps.shape[1] == self.channels] = maps

    def maps(self) -> Iterator[Maps]:
        """What was kept, the tokens as maps where their grid is known; what may be a row of tokens comes last."""
        for (kind, _), tensor in sorted(self._kept.items(), key=lambda item: item[0]):
            read = reading_of(self.net, self.images, tensor.shape[1:]) if kind == TOKENS else ChannelsFirst()
            if read.on_grid:
                yield read(tensor)


def _head(net: Network, images: Inputs) -> nn.Linear | nn.Conv2d | None:
    """The layer that runs last of those that are linear at each position on its own."""
    order = sorted(net.traced(images), key=lambda layer: layer.finished[-1], reverse=True)
    modules = (net.module.get_submodule(layer.name) for layer in order)
    return next((each for each in modules if isinstance(each, nn.Linear) or _is_pointwise(each)), None)


def _is_pointwise(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    return isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1


def _equal(maps: Maps, scores: Scores, weight: Float[Tensor, "output input"] | None, bias: Tensor | None) -> bool:
    """Whether, for these very images, the mean of the maps, weighted if there are weights, is the scores."""
    labels, channels = (maps.shape[1], maps.shape[1]) if weight is None else weight.shape
    if (labels, channels) != (scores.shape[1], maps.shape[1]):
        return False
    means = maps.to(scores).mean((2, 3))
    weight = torch.eye(labels).to(scores) if weight is None else weight.to(scores)
    largest = (means.abs() @ weight.abs().T).max()
    tolerance = max(1e-4, 16 * torch.finfo(maps.dtype).eps) * largest
    expected = means @ weight.T + (0 if bias is None else bias.to(scores))
    return bool((expected - scores).abs().max() <= tolerance)
