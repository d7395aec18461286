"""Batch normalisation as part of the convolution before it.

In evaluation, γ (y − μ) / √(σ² + ε) + β is a scale and a shift per channel, which the convolution's weights can carry.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from .tape import Ref, Step

aten = torch.ops.aten
NORMS = {aten.native_batch_norm, aten._native_batch_norm_legit_no_training, aten.cudnn_batch_norm}


def folded(steps: Sequence[Step]) -> list[Step]:
    """The same computation with each batch normalisation that alone reads a convolution folded into it."""
    uses = Counter(number for step in steps for number in step.inputs)
    made_by = {step.outputs[0]: index for index, step in enumerate(steps)}
    result: list[Step | None] = list(steps)
    for index, step in enumerate(steps):
        before = made_by.get(step.inputs[0])
        if step.func.overloadpacket not in NORMS or before is None or uses[step.inputs[0]] > 1:
            continue
        convolution = steps[before]
        if convolution.func.overloadpacket is aten.convolution and _foldable(convolution):
            result[before], result[index] = None, _folded(convolution, step)
    return [step for step in result if step is not None]


def scale_and_shift(norm: Step) -> tuple[Float[Tensor, "channel"], Float[Tensor, "channel"]]:
    """Of a batch normalisation in evaluation: y ↦ scale · y + shift."""
    _, weight, bias, mean, variance, *_, epsilon = norm.args
    scale = (variance + epsilon).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def _foldable(convolution: Step) -> bool:
    _, weight, bias, *_, transposed, _, _ = convolution.args
    return not transposed and not isinstance(weight, Ref) and not isinstance(bias, Ref)


def _folded(convolution: Step, norm: Step) -> Step:
    source, weight, bias, *rest = convolution.args
    scale, shift = scale_and_shift(norm)
    shift = shift if bias is None else shift + scale * bias
    args = (source, weight * scale[:, None, None, None], shift, *rest)
    return replace(convolution, args=args, outputs=norm.outputs[:1])
