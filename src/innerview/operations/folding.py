"""Batch normalisation as part of the convolution before it.

In evaluation, γ (y − μ) / √(σ² + ε) + β is a scale and a shift per channel, which the convolution's weights can carry.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from .table import BATCH_NORM, operation
from .tape import CannotRecordError, Ref, Step

Channels = Float[Tensor, "channel"]


def folded(steps: Sequence[Step]) -> list[Step]:
    """The same computation with each batch normalisation that alone reads a convolution folded into it.

    Raises:
        CannotRecordError: a batch normalisation takes the mean and variance of the very batch it reads.
    """
    uses = Counter(number for step in steps for number in step.inputs)
    made_by = {step.outputs[0]: index for index, step in enumerate(steps)}
    result: list[Step | None] = list(steps)
    for index, step in enumerate(steps):
        if not is_batch_norm(step):
            continue
        _require_evaluation(step)
        before, alone = made_by.get(step.inputs[0]), uses[step.inputs[0]] == len(step.inputs) == 1
        if before is not None and alone and _foldable(steps[before]):
            result[before], result[index] = None, _folded(steps[before], step)
    return [step for step in result if step is not None]


def is_batch_norm(step: Step) -> bool:
    """Whether a step is a batch normalisation."""
    return operation(step.func) is BATCH_NORM


def scale_and_shift(
    weight: Channels | None, bias: Channels | None, mean: Channels, variance: Channels, epsilon: float
) -> tuple[Channels, Channels]:
    """Of a batch normalisation in evaluation: y ↦ scale · y + shift."""
    scale = (variance + epsilon).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return scale, shift if bias is None else shift + bias


def scale_and_shift_of(norm: Step) -> tuple[Channels, Channels]:
    """`scale_and_shift` of a recorded batch normalisation."""
    _, weight, bias, mean, variance, *_, epsilon = norm.args
    return scale_and_shift(weight, bias, mean, variance, epsilon)


def _require_evaluation(norm: Step) -> None:
    if norm.arguments.get("training"):
        raise CannotRecordError(f"{norm.name} takes the mean and variance of the batch, so its images are mixed")


def _foldable(step: Step) -> bool:
    if step.func.overloadpacket is not torch.ops.aten.convolution:
        return False
    given = step.arguments
    return not given["transposed"] and not any(isinstance(given[name], Ref) for name in ("weight", "bias"))


def _folded(convolution: Step, norm: Step) -> Step:
    source, weight, bias, *rest = convolution.args
    scale, shift = scale_and_shift_of(norm)
    shift = shift if bias is None else shift + scale * bias
    args = (source, torch.einsum("o,o...->o...", scale, weight), shift, *rest)
    return replace(convolution, args=args, outputs=norm.outputs[:1])
