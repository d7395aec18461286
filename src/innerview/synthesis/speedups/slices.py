"""Convolutions that compute only the channels that are asked about, where nothing else reads the others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ...network.network import Network
from ...network.readings import ChannelsFirst
from ...network.recognition import reading
from ...objectives import Objective
from ...operations.table import reads
from ...operations.tape import CannotRecordError, Ref, Step, Tape, record
from ...passes.forward import forward
from ..canvas import Size
from .cutout import LEAST

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

    The convolutions are those whose output comes to the layer through operations of which each channel that comes out
    depends on that channel only, and in no other way. Which they are is read off the tape of one pass of a small
    picture.
    """
    if objective.reads_output or len(objective.layers) != 1:
        return Slices()
    (layer,) = objective.layers
    channels = objective.part(layer).channels
    if channels is None:
        return Slices()
    small = (min(view[0], LEAST), min(view[1], LEAST))
    image = net.blank(small if net.takes(small) else view)
    shape = net.address(layer, image).shape
    if reading(net, image, layer) != ChannelsFirst() or not channels or max(channels) >= shape[0]:
        return Slices()
    if len(channels) > _AT_MOST * shape[0]:
        return Slices()
    try:
        tape = record(lambda x: forward(net, x, record=(layer,), stop=True).activations[layer], image)
    except CannotRecordError:
        return Slices()
    return Slices(_only_read_by_channel(tape), sorted(channels))


def _only_read_by_channel(tape: Tape) -> list[Tensor]:
    """The weights of the convolutions whose channels come to the output of the tape each for itself."""
    makers = {number: step for step in tape.steps for number in step.outputs}
    met, ends, todo = set(), [], [tape.output]
    while todo:
        number = todo.pop()
        if number not in met and number in makers:
            step = makers[number]
            if _channel_by_channel(step, tape, number):
                todo += step.inputs
            else:
                ends.append(step)
        met.add(number)
    before = _before(ends, makers)
    elsewhere = [step.arguments["weight"] for step in tape.steps if _is_convolution(step) and step.outputs[0] in before]
    whole = (step.arguments for step in ends if _is_convolution(step) and step.outputs[0] not in before)
    found = (each["weight"] for each in whole if each["groups"] == 1 and not each["transposed"])
    return [each for each in found if not isinstance(each, Ref) and not any(each is other for other in elsewhere)]


def _channel_by_channel(step: Step, tape: Tape, number: int) -> bool:
    """Whether each channel of this value depends on that channel only, of all that it was computed from."""
    read = reads(step, tape, step.outputs.index(number)) or ()
    known = [each.reach for each in read if isinstance(each.value, Ref)]
    return bool(known) and all(each is not None and each.keeps(1) for each in known)


def _is_convolution(step: Step) -> bool:
    return step.func.overloadpacket is torch.ops.aten.convolution


def _before(steps: Iterable[Step], makers: Mapping[int, Step]) -> set[int]:
    """The values that these steps were computed from."""
    found, todo = set(), [number for step in steps for number in step.inputs]
    while todo:
        number = todo.pop()
        if number not in found and number in makers:
            todo += makers[number].inputs
        found.add(number)
    return found
