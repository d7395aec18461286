"""Convolutions that compute only the channels that are asked about, where nothing else reads the others."""

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ...network.network import Network
from ...network.readings import ChannelsFirst
from ...objectives import Objective
from ...passes.forward import forward
from ..canvas import Size
from .window import LEAST

CHANNELWISE = re.compile(
    "Add|Alias|AvgPool2D|Clamp|ClampMin|Clone|CudnnBatchNorm|Elu|Gelu|Hardsigmoid|Hardswish|Hardtanh|LeakyRelu|"
    "MaxPool2D|MaxPool2DWithIndices|Mul|NativeBatchNorm|Relu|Relu6|Sigmoid|Silu|Sub|ToCopy"
)
"""Operations of which each channel that comes out depends on that channel only."""
_AT_MOST = 0.5


class Slices(TorchFunctionMode):
    """Within it, some convolutions compute some of their channels only; the others are 0.

    Their values and gradients are those of the whole convolution wherever the others are not read.

    Attributes:
        weights: of the convolutions.
        channels: what is computed.
    """

    def __init__(self, weights: Sequence[Tensor] = (), channels: Sequence[int] = ()) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.channels = tuple(channels)

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if func is not functional.conv2d or not any(args[1] is each for each in self.weights):
            return func(*args, **(kwargs or {}))
        input, weight, bias, *geometry = args
        chosen = torch.tensor(self.channels, device=weight.device)
        part = func(input, weight[chosen], None if bias is None else bias[chosen], *geometry, **(kwargs or {}))
        whole = part.new_zeros(len(part), len(weight), *part.shape[2:])
        return whole.index_copy(1, chosen, part)


def slices_for(net: Network, objective: Objective, view: Size) -> Slices:
    """What can be left out of passes for this question; nothing, if it reads more than half of the layer's channels.

    The convolutions are those whose output comes to the layer through operations of `CHANNELWISE`, and in no other
    way. Which they are is read off the graph of one pass of a small picture.
    """
    if objective.reads_output or len(objective.layers) != 1:
        return Slices()
    (layer,) = objective.layers
    channels = objective.part(layer).channels
    if channels is None:
        return Slices()
    small = (min(view[0], LEAST), min(view[1], LEAST))
    leaf = net.blank(small if net.takes(small) else view).requires_grad_()
    seen = forward(net, leaf, record=(layer,), stop=True)
    maps = seen.activations[layer]
    if maps.dim() != 4 or not isinstance(seen.reading(layer), ChannelsFirst):
        return Slices()
    if not channels or max(channels) >= maps.shape[1] or len(channels) > _AT_MOST * maps.shape[1]:
        return Slices()
    return Slices(_only_read_by_channel(maps), sorted(channels))


def _only_read_by_channel(maps: Tensor) -> list[Tensor]:
    """The weights of the convolutions whose channels come to these maps each for itself."""
    through, ends, todo = set(), set(), [maps.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and CHANNELWISE.fullmatch(_name(node)) and node not in through:
            through.add(node)
            todo += [each for each, _ in node.next_functions]
        elif node is not None and node not in through:
            ends.add(node)
    before = _before(ends)
    elsewhere = [node._saved_weight for node in before if _name(node) == "Convolution"]
    found = [node._saved_weight for node in ends - before if _name(node) == "Convolution" and node._saved_groups == 1]
    return [each for each in found if len(each) == maps.shape[1] and not any(each is other for other in elsewhere)]


def _before(nodes: set[Any]) -> set[Any]:
    """All that comes before these in a pass."""
    found, todo = set(), [each for node in nodes for each, _ in node.next_functions]
    while todo:
        node = todo.pop()
        if node is not None and node not in found:
            found.add(node)
            todo += [each for each, _ in node.next_functions]
    return found


def _name(node: Any) -> str:
    return re.sub(r"Backwards?\d*$", "", node.name())
