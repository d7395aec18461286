"""Operations on whole maps, recorded for one image and run for many.

The images of a batch stay the outermost axis of every value, alone or merged with the axes behind it.
"""

from collections.abc import Callable
from typing import Any

import torch

from ...operations.tape import CannotRecordError, Ref, Step, Tape, leaves

aten = torch.ops.aten


def on_batch(step: Step, tape: Tape, count: int) -> Callable[..., Any]:
    """The step's operation for a batch of `count`, where it was recorded for a batch of one.

    Raises:
        CannotRecordError: the operation may mix the images of a batch, or its arguments hold the batch's size in a
            way that is not known.
    """
    packet = step.func.overloadpacket
    if packet in SIZED:
        source, size = tape.values[step.inputs[0]], step.args[1]
        _require(step, torch.equal(source.reshape(size), tape.values[step.outputs[0]]))
        return lambda source, size, *_: source.reshape(size[0] if size[0] < 0 else size[0] * count, *size[1:])
    if packet in ALONG:
        _require(step, _dimension(step, tape, ALONG[packet]) != 0 and not _constants(step))
    elif packet in REDUCTIONS:
        _require(step, len(step.args) > 1 and step.args[1] and 0 not in _dimensions(step, tape))
    elif packet in PRODUCTS:
        position = PRODUCTS[packet]
        _require(step, [index for index, arg in enumerate(step.args) if isinstance(arg, Ref)] == [position])
    elif packet is aten.permute:
        _require(step, step.args[1][0] == 0)
    elif packet is aten.transpose:
        _require(step, 0 not in [each % tape.values[step.inputs[0]].dim() for each in step.args[1:]])
    elif torch.Tag.pointwise in step.func.tags:
        rank = tape.values[step.outputs[0]].dim()
        _require(step, all(tape.values[number].dim() == rank for number in step.inputs))
        _require(step, all(each.dim() < rank or len(each) == 1 for each in _constants(step)))
    else:
        _require(step, packet in PER_IMAGE and len(step.inputs) == 1 and isinstance(step.args[0], Ref))
    return step.func


def _require(step: Step, fits: object) -> None:
    if not fits:
        raise CannotRecordError(f"{step.name} may mix the images of a batch")


def _constants(step: Step) -> list[torch.Tensor]:
    return [each for each in leaves((*step.args, *step.kwargs.values())) if isinstance(each, torch.Tensor)]


def _dimension(step: Step, tape: Tape, position: int) -> int:
    rank = tape.values[step.inputs[0]].dim() + (step.func.overloadpacket is aten.unsqueeze)
    return (step.args[position] if len(step.args) > position else 0) % rank


def _dimensions(step: Step, tape: Tape) -> list[int]:
    return [each % tape.values[step.inputs[0]].dim() for each in step.args[1]]


SIZED = {aten.view, aten._unsafe_view, aten.as_strided}
ALONG = {
    aten.cat: 1,
    aten._softmax: 1,
    aten._log_softmax: 1,
    aten.slice: 1,
    aten.select: 1,
    aten.split: 2,
    aten.split_with_sizes: 2,
    aten.unsqueeze: 1,
}
REDUCTIONS = {aten.mean, aten.sum, aten.amax}
PRODUCTS = {aten.addmm: 1, aten.mm: 0}
PER_IMAGE = {
    aten.convolution,
    aten.native_batch_norm,
    aten._native_batch_norm_legit_no_training,
    aten.native_layer_norm,
    aten.max_pool2d_with_indices,
    aten.avg_pool2d,
    aten._adaptive_avg_pool2d,
    aten.adaptive_max_pool2d,
    aten.constant_pad_nd,
    aten.upsample_nearest2d,
    aten.upsample_bilinear2d,
    aten.clone,
    aten.detach,
    aten.alias,
    aten._to_copy,
}
