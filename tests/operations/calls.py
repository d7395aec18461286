"""Calls of every operation in the table, with values in double precision."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from innerview.operations.tape import leaves

aten = torch.ops.aten


@dataclass(frozen=True)
class Case:
    """One call of an operation.

    Attributes:
        func: the operation.
        args: what it is given, by position.
        kwargs: what it is given by name.
        less: the arguments of which some values may be left unread, though the table links them.
    """

    func: Any
    args: tuple
    kwargs: dict[str, Any] = field(default_factory=dict)
    less: tuple[str, ...] = ()

    def __str__(self) -> str:
        given = (list(each.shape) if isinstance(each, Tensor) else each for each in leaves(self.args))
        return f"{self.func.overloadpacket.__name__} {' '.join(map(str, given))} {self.kwargs or ''}"


def numbers(*shape: int) -> Tensor:
    """Values in double precision, none of which are equal."""
    generator = torch.Generator().manual_seed(math.prod(shape) + len(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


X = numbers(2, 4, 5, 6)
"""Maps [image, channel, row, column]."""
T = numbers(2, 5, 4)
"""Tokens [image, token, channel]."""
HEADS = numbers(2, 2, 5, 3)
"""[image, head, token, channel]."""
CHANNEL = numbers(4)
EVIDENCE = (CHANNEL, CHANNEL + 1, CHANNEL, CHANNEL.abs() + 1)
"""Weight, bias, mean and variance of a batch normalisation."""


def conv(weight: Tensor, stride: Any = (1, 1), padding: Any = (0, 0), dilation: Any = (1, 1), **how: Any) -> Case:
    rank = weight.dim() - 2
    source = how.get("source", X)
    transposed, groups = how.get("transposed", False), how.get("groups", 1)
    bias = numbers(weight.shape[1] * groups if transposed else len(weight))
    args = (source, weight, bias, [*stride], [*padding], [*dilation], transposed, [0] * rank, groups)
    return Case(aten.convolution.default, args, less=how.get("less", ()))


POINTWISE = [
    Case(aten.relu.default, (X,)),
    Case(aten.add.Tensor, (X, numbers(4, 1, 1))),
    Case(aten.mul.Tensor, (X, numbers(2, 4, 1, 1))),
    Case(aten.where.self, (X > 0, X + 2, X[:, :1] - 2), less=("self", "other")),
    Case(aten._prelu_kernel.default, (X - 2, CHANNEL.view(4, 1, 1)), less=("weight",)),
    Case(aten._to_copy.default, (X,), {"dtype": torch.float32}),
    Case(aten.alias.default, (X,)),
    Case(aten.detach.default, (X,)),
    Case(aten.hardswish.default, (X,)),
    Case(aten.lift_fresh.default, (X,)),
    Case(aten.masked_fill.Tensor, (X, X > 0, numbers()), less=("self", "value")),
    Case(aten.rsub.Tensor, (X, X[:1])),
    Case(aten.copy.default, (X, X[:, :1])),
    Case(aten.fill.Scalar, (X, 2.0)),
    Case(aten.zero.default, (X,)),
    Case(aten.zeros_like.default, (X,)),
    Case(aten.ones_like.default, (X,)),
    Case(aten.full_like.default, (X, 3.0)),
    Case(aten.new_zeros.default, (X, [3])),
    Case(aten.new_ones.default, (X, [3])),
]
NEIGHBOURHOODS = [
    conv(numbers(3, 4, 3, 3)),
    conv(numbers(3, 4, 3, 2), stride=(2, 1), padding=(1, 0), less=("weight",)),
    conv(numbers(3, 4, 2, 3), padding=(2, 3), dilation=(2, 2), less=("weight",)),
    conv(numbers(6, 2, 1, 1), groups=2),
    conv(numbers(4, 1, 3, 3), groups=4),
    conv(numbers(8, 1, 3, 3), groups=4),
    conv(numbers(3, 4, 3), stride=(2,), padding=(1,), dilation=(1,), source=numbers(2, 4, 7), less=("weight",)),
    conv(numbers(2, 2, 2, 1, 2), (1, 2, 1), (0, 0, 1), (1, 1, 1), source=numbers(1, 2, 3, 3, 3), less=("weight",)),
    conv(numbers(4, 3, 3, 3), stride=(2, 2), transposed=True, less=("weight",)),
    conv(numbers(4, 1, 3, 3), stride=(2, 2), transposed=True, groups=4, less=("weight",)),
    Case(aten.max_pool2d.default, (X, [3], [2], [1])),
    Case(aten.max_pool2d_with_indices.default, (X, [3, 2], [2, 1], [1, 0], [1, 2], True)),
    Case(aten.max_pool3d_with_indices.default, (X, [2, 1, 3], [1, 1, 2])),
    Case(aten.avg_pool2d.default, (X, [3], [2], [1])),
    Case(aten.avg_pool2d.default, (X, [3, 2], [2, 2], [1, 0], True, False)),
    Case(aten.avg_pool2d.default, (X[0], [3, 2])),
    Case(aten.avg_pool3d.default, (X[None], [2], [])),
    Case(aten._adaptive_avg_pool2d.default, (X, [3, 6])),
    Case(aten._adaptive_avg_pool2d.default, (X, [1, 1])),
    Case(aten._adaptive_avg_pool3d.default, (X[None], [4, 2, 3])),
    Case(aten.adaptive_max_pool2d.default, (X, [2, 6])),
    Case(aten.adaptive_max_pool2d.default, (X, [1, 4])),
    Case(aten.upsample_nearest2d.default, (X, [7, 12])),
    Case(aten.upsample_nearest2d.default, (X, [3, 2])),
    Case(aten.upsample_bilinear2d.default, (X, [7, 12], False)),
    Case(aten.upsample_bilinear2d.default, (X, [4, 11], True)),
    Case(aten.upsample_bicubic2d.default, (X, [7, 6], False)),
    Case(aten._upsample_nearest_exact2d.default, (X, [7, 3])),
    Case(aten._upsample_bilinear2d_aa.default, (X, [3, 4], False)),
    Case(aten.im2col.default, (X, [2, 3], [1, 1], [1, 0], [2, 1]), less=("self",)),
    Case(aten.im2col.default, (X[0], [5, 2], [1, 1], [0, 0], [1, 2]), less=("self",)),
    Case(aten.constant_pad_nd.default, (X, [1, 2], 3.0)),
    Case(aten.constant_pad_nd.default, (X, [-1, 2, 0, 1, 1, 0])),
    Case(aten.reflection_pad2d.default, (X, [1, 2, 0, 3])),
    Case(aten.replication_pad2d.default, (X, [1, 2, 0, 3])),
]
SUMS = [
    Case(aten.native_batch_norm.default, (X, *EVIDENCE, False, 0.1, 1e-5)),
    Case(aten.native_batch_norm.default, (X, *EVIDENCE[:2], None, None, True, 0.1, 1e-5)),
    Case(aten._native_batch_norm_legit_no_training.default, (X, *EVIDENCE, 0.1, 1e-5)),
    Case(aten.native_layer_norm.default, (T, [4], CHANNEL, CHANNEL, 1e-5)),
    Case(aten.native_layer_norm.default, (X, [5, 6], None, numbers(5, 6), 1e-5)),
    Case(aten.native_group_norm.default, (X, CHANNEL, CHANNEL, 2, 4, 30, 2, 1e-5)),
    *(
        Case(each, (X, dims, keep))
        for each in (aten.mean.dim, aten.amax.default)
        for dims in ([2, -1], [])
        for keep in (True, False)
    ),
    Case(aten.mean.default, (X,)),
    Case(aten.sum.dim_IntList, (X, [1])),
    Case(aten.amin.default, (X, [-2], True)),
    Case(aten.max.dim, (X, 1)),
    Case(aten.max.default, (X,)),
    Case(aten.min.dim, (X, -1, True)),
    Case(aten.prod.dim_int, (X, 2)),
    Case(aten.logsumexp.default, (X, [0, 2])),
    Case(aten.argmax.default, (X, 3)),
    Case(aten.argmax.default, (X,)),
    Case(aten.argmin.default, (X, 0, True)),
    Case(aten.linalg_vector_norm.default, (X, 2, [1, 2], True)),
    Case(aten.norm.ScalarOpt_dim, (X, 2, [3])),
    Case(aten.std.correction, (X, [2]), {"correction": 0}),
    Case(aten.var.correction, (X, [2, 3]), {"keepdim": True}),
    Case(aten.var_mean.correction, (X, [1]), {"keepdim": True}),
    Case(aten._softmax.default, (T, -1, False)),
    Case(aten._softmax.default, (numbers(), 0, False), less=("self",)),
    Case(aten.sum.dim_IntList, (numbers(), [0])),
    Case(aten._log_softmax.default, (T, 1, False)),
    Case(aten._safe_softmax.default, (T, 2)),
    Case(aten.cumsum.default, (X, 1), less=("self",)),
    Case(aten.sort.default, (X, 3), less=("self",)),
    Case(aten.topk.default, (X, 2, 1), less=("self",)),
    Case(aten.glu.default, (X, 1)),
]
WEIGHTS = ("qkv_weight", "qkv_bias", "proj_weight", "proj_bias", "norm_weight_1", "norm_bias_1")
WEIGHTS += ("norm_weight_2", "norm_bias_2", "ffn_weight_1", "ffn_bias_1", "ffn_weight_2", "ffn_bias_2")
ENCODER = (4, 2, numbers(12, 4), numbers(12), numbers(4, 4), CHANNEL)
PRODUCTS = [
    Case(aten.mm.default, (T[0], numbers(4, 3))),
    Case(aten.bmm.default, (T, numbers(2, 4, 3))),
    Case(aten.addmm.default, (numbers(3), T[0], numbers(4, 3))),
    Case(aten.addmm.default, (numbers(5, 1), T[0], numbers(4, 3))),
    Case(aten.baddbmm.default, (numbers(1, 3), T, numbers(2, 4, 3))),
    Case(aten.linear.default, (X, numbers(3, 6), numbers(3))),
    Case(aten._scaled_dot_product_flash_attention_for_cpu.default, (HEADS, HEADS + 1, HEADS - 1)),
    Case(
        aten._scaled_dot_product_flash_attention_for_cpu.default,
        (HEADS[:, :, :2], HEADS, HEADS),
        {"attn_mask": numbers(1, 1, 2, 5)},
    ),
    Case(aten._scaled_dot_product_attention_math.default, (HEADS, HEADS, HEADS[:, :, :, :2], numbers(5, 5))),
    Case(aten._native_multi_head_attention.default, (T, T + 1, T - 1, *ENCODER), less=WEIGHTS),
    Case(
        aten._transformer_encoder_layer_fwd.default,
        (T, *ENCODER, True, True, 1e-5, *[CHANNEL] * 4, numbers(6, 4), numbers(6), numbers(4, 6), CHANNEL),
        less=WEIGHTS,
    ),
]
MOVES = [
    Case(aten.view.default, (X, [2, 20, 6])),
    Case(aten.view.default, (X, [2, 2, 2, 1, 30])),
    Case(aten.view.default, (X[:, :, :, :1], [2, 4, 5])),
    Case(aten.view.default, (X, [-1])),
    Case(aten.view.default, (X[:, :0], [0, 30])),
    Case(aten._unsafe_view.default, (X, [8, 5, 6])),
    Case(aten._reshape_alias.default, (X, [40, 6], [6, 1])),
    Case(aten.as_strided.default, (X, [2, 20, 1, 6], [120, 6, 7, 1])),
    Case(aten.as_strided.default, (X, [2, 3], [1, 2]), less=("self",)),
    Case(aten.as_strided.default, (X, [2, 3, 5, 6], [120, 30, 6, 1]), less=("self",)),
    Case(aten.as_strided.default, (X, [2, 4, 6, 5], [120, 30, 1, 6]), less=("self",)),
    Case(aten.as_strided.default, (X, [240], [1], 0), less=("self",)),
    Case(aten.permute.default, (X, [0, -2, 3, 1])),
    Case(aten.transpose.int, (X, 1, -1)),
    Case(aten.t.default, (X[0, 0],)),
    Case(aten.unsqueeze.default, (X, 1)),
    Case(aten.unsqueeze.default, (X, -1)),
    Case(aten.stack.default, ([X, X + 9], -2), less=("tensors",)),
    Case(aten.squeeze.dim, (X[:, :1], 1)),
    Case(aten.squeeze.dims, (X[:, :1, :, :1], [0, 1, 3])),
    Case(aten.squeeze.default, (X[:1, :, :1],)),
    Case(aten.select.int, (X, -1, 3)),
    Case(aten.unbind.int, (X, 1)),
    Case(aten.slice.Tensor, (X, 2, 1, 5, 2)),
    Case(aten.slice.Tensor, (X, -1, -4)),
    Case(aten.slice.Tensor, (X, 1, None, 2)),
    Case(aten.split.Tensor, (X, 2, 3)),
    Case(aten.split_with_sizes.default, (X, [1, 3, 2], -1)),
    Case(aten.cat.default, ([X, X[:, :1] - 9, X + 9], 1)),
    Case(aten.cat.default, ([X, X[..., :2] + 9], -1)),
    Case(aten.expand.default, (X[:, :1], [3, 2, 4, -1, 6])),
    Case(aten.repeat.default, (X, [2, 1, 1, 3, 1])),
    Case(aten.flip.default, (X, [1, -1])),
    Case(aten.roll.default, (X, [1, 2], [-1, 1])),
    Case(aten.roll.default, (X, [7])),
    Case(aten.index_select.default, (X, 1, torch.tensor([2, 2, 0]))),
    Case(aten.index.Tensor, (X, [None, torch.tensor([2, 0, 1])])),
    Case(aten.index.Tensor, (X, [None, None, torch.tensor([[1, 0]]), torch.tensor([[3], [5]])])),
    Case(aten.index.Tensor, (X, [torch.tensor([1, 0]), None, torch.tensor([4, 2])])),
    Case(aten.index.Tensor, (X, [None, torch.tensor([1, 3]), None, torch.tensor([0, 5])])),
    Case(aten.index.Tensor, (X, [torch.tensor(1)])),
    Case(aten.index.Tensor, (X, [None, torch.tensor([True, False, True, False])]), less=("self",)),
]
UNSET = [
    Case(aten.empty_like.default, (X,)),
    Case(aten.new_empty.default, (X, [3])),
    Case(aten.new_full.default, (X, [3], 2.0)),
]
QUERY = (HEADS, HEADS + 1, HEADS - 1)
ON_A_GPU = [
    (aten.cudnn_batch_norm, aten.native_batch_norm, (X, *EVIDENCE, False, 0.1, 1e-5)),
    (aten._scaled_dot_product_flash_attention, aten._scaled_dot_product_flash_attention_for_cpu, QUERY),
    (aten._scaled_dot_product_efficient_attention, aten._scaled_dot_product_attention_math, (*QUERY, numbers(5, 5))),
    (aten._scaled_dot_product_cudnn_attention, aten._scaled_dot_product_attention_math, (*QUERY, numbers(5, 5))),
]
"""Operations that a processor does not have, each with one that computes the same, and what both are given."""
CASES = [*POINTWISE, *NEIGHBOURHOODS, *SUMS, *PRODUCTS, *MOVES]
