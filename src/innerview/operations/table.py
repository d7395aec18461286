"""The table of operations: what is known of each, for all who follow a value through a pass.

Receptive fields, occlusion by regions and the channels that synthesis leaves out all stand on it, so an operation is
described once, here: by the function that says what its results read of each tensor that it is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import mixing, moves, neighbourhoods
from .call import Call, Passage, Shape
from .reach import How, Reach
from .tape import Ref, Step, Tape, leaves

aten = torch.ops.aten
Describe = Callable[[Passage], Reach | None]


@dataclass(frozen=True)
class Operation:
    """What is known of an operation.

    Attributes:
        reach: what a result reads of one of the tensors given; None if no value of it, but its shape.
        first: only the first of its results is described.
        moves: what comes out are values that went in, or constants.
        broadcasts: axes of one position are as good as longer ones.
        fixed: its arguments hold lengths of axes, so that it does something else with a part of what it is given.
        sizes: the argument that holds the length of the result's first axis, alone or before others.
    """

    reach: Describe
    first: bool = False
    moves: bool = False
    broadcasts: bool = False
    fixed: bool = False
    sizes: str | None = None


def operation(func: Any) -> Operation | None:
    """What is known of an operation, also of one that writes in place."""
    if torch.Tag.pointwise in func.tags:
        return POINTWISE
    if func.namespace != "aten":
        return None
    packet = func.overloadpacket
    return TABLE.get(packet) or TABLE.get(getattr(aten, packet.__name__.removesuffix("_"), None))


def description(func: Any, number: int) -> Describe | None:
    """What says what this of the results reads; None if nothing is known of it."""
    known = operation(func)
    return None if known is None or (known.first and number > 0) else known.reach


def reaches(call: Call, result: Sequence[int], number: int = 0) -> list[Reach | None] | None:
    """What a result of this shape reads of each operand, None if no value; None for all if that is not known."""
    describe = description(call.func, number)
    return describe and [describe(Passage(call.arguments, each, tuple(result), number)) for each in call.operands]


_SCORED = {"query": (-1,), "key": (-2, -1)}
_BY_HEAD = mixing.attention({**_SCORED, "value": (-2,), "attn_mask": (-1,), "attn_bias": (-1,)})
_ALL_HEADS = mixing.attention({**_SCORED, "value": (-2, -1), "src": (-2, -1)})


class Read(NamedTuple):
    """What a recorded operation reads of one of its operands.

    Attributes:
        value: the operand, of which a `Ref` says that it was computed from the image.
        shape: its shape.
        reach: what is read of it, None if no value.
    """

    value: Ref | Tensor
    shape: Shape
    reach: Reach | None


def reads(step: Step, tape: Tape, number: int = 0) -> list[Read] | None:
    """What one of the results of a step reads; None if that is not known."""
    call = Call.of(step.func, *tape.given(step))
    known = reaches(call, tape.values[step.outputs[number]].shape, number)
    if known is None:
        return None
    values = (each for each in leaves((*step.args, *step.kwargs.values())) if isinstance(each, Ref | Tensor))
    shapes = (each.shape for each in call.operands)
    return [Read(*each) for each in zip(values, shapes, known, strict=True)]


BATCH_NORM = Operation(mixing.batch_norm, first=True)
POINTWISE = Operation(mixing.pointwise, broadcasts=True)
"""Also whatever PyTorch itself marks as pointwise."""

TABLE: Mapping[Any, Operation] = {
    getattr(aten, name): described
    for names, described in (
        # Each value by itself, or none.
        ("_prelu_kernel _to_copy alias detach hardswish lift_fresh masked_fill rsub", POINTWISE),
        ("copy fill zero zeros_like ones_like empty_like full_like", Operation(mixing.overwritten)),
        ("new_zeros new_ones new_empty new_full", Operation(mixing.overwritten)),
        # Neighbourhoods.
        ("convolution", Operation(neighbourhoods.convolution)),
        ("max_pool2d", Operation(neighbourhoods.pooling(2, -inf))),
        ("max_pool2d_with_indices", Operation(neighbourhoods.pooling(2, -inf), first=True)),
        ("max_pool3d_with_indices", Operation(neighbourhoods.pooling(3, -inf), first=True)),
        ("avg_pool2d", Operation(neighbourhoods.pooling(2))),
        ("avg_pool3d", Operation(neighbourhoods.pooling(3))),
        ("_adaptive_avg_pool2d _adaptive_avg_pool3d", Operation(neighbourhoods.adaptive(How.MATRIX), fixed=True)),
        ("adaptive_max_pool2d", Operation(neighbourhoods.adaptive(How.SOME), first=True, fixed=True)),
        ("upsample_nearest2d upsample_bilinear2d upsample_bicubic2d", Operation(neighbourhoods.resampling, fixed=True)),
        ("_upsample_nearest_exact2d _upsample_bilinear2d_aa", Operation(neighbourhoods.resampling, fixed=True)),
        ("im2col", Operation(neighbourhoods.patches, moves=True)),
        ("constant_pad_nd", Operation(neighbourhoods.padded, moves=True)),
        ("reflection_pad2d replication_pad2d", Operation(neighbourhoods.bordered, moves=True)),
        # Norms, and sums along axes.
        ("native_batch_norm _native_batch_norm_legit_no_training", BATCH_NORM),
        ("cudnn_batch_norm", BATCH_NORM),
        ("native_layer_norm", Operation(mixing.layer_norm, first=True)),
        ("native_group_norm", Operation(mixing.group_norm, first=True, fixed=True, sizes="N")),
        ("mean sum amax amin max min prod logsumexp", Operation(mixing.reduction)),
        ("argmax argmin linalg_vector_norm norm std var var_mean", Operation(mixing.reduction)),
        ("_softmax _log_softmax _safe_softmax cumsum sort topk", Operation(mixing.mixture)),
        ("glu", Operation(mixing.halves)),
        # Products of matrices, and attention.
        ("mm bmm", Operation(mixing.product("self", "mat2"))),
        ("addmm", Operation(mixing.product("mat1", "mat2"), broadcasts=True)),
        ("baddbmm", Operation(mixing.product("batch1", "batch2"))),
        ("linear", Operation(mixing.linear)),
        ("_scaled_dot_product_flash_attention_for_cpu", Operation(_BY_HEAD, first=True)),
        ("_scaled_dot_product_flash_attention", Operation(_BY_HEAD, first=True)),
        ("_scaled_dot_product_efficient_attention", Operation(_BY_HEAD, first=True)),
        ("_scaled_dot_product_cudnn_attention", Operation(_BY_HEAD, first=True)),
        ("_scaled_dot_product_attention_math", Operation(_BY_HEAD, first=True)),
        ("_native_multi_head_attention _transformer_encoder_layer_fwd", Operation(_ALL_HEADS, first=True)),
        # The same values in another shape or order, some of them, or several tensors as one.
        ("view _unsafe_view _reshape_alias", Operation(moves.view, moves=True, fixed=True, sizes="size")),
        ("as_strided", Operation(moves.strided, moves=True, fixed=True, sizes="size")),
        ("permute", Operation(moves.permuted(lambda way: way.arguments["dims"]), moves=True)),
        ("transpose", Operation(moves.permuted(moves.swapped), moves=True)),
        ("t", Operation(moves.permuted(lambda way: range(way.rank)[::-1]), moves=True)),
        ("unsqueeze stack", Operation(moves.inserted, moves=True)),
        ("squeeze", Operation(moves.removed, moves=True)),
        ("select unbind", Operation(moves.one_of, moves=True)),
        ("slice", Operation(moves.sliced, moves=True)),
        ("split split_with_sizes", Operation(moves.split, moves=True)),
        ("cat", Operation(moves.joined, moves=True)),
        ("expand", Operation(mixing.pointwise, moves=True, fixed=True, sizes="size")),
        ("repeat", Operation(moves.repeated, moves=True)),
        ("flip", Operation(moves.shuffled("dims"), moves=True)),
        ("roll", Operation(moves.shuffled("dims"), moves=True)),
        ("index_select", Operation(moves.picked, moves=True)),
        ("index", Operation(moves.indexed, moves=True)),
    )
    for name in names.split()
}
