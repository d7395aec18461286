"""The gradient of batch normalisation, right also where PyTorch's own is not; docs/upstream.md tells more.

On a CPU the incoming gradient can be read in another order than it has in memory, if its channels come last there
and those of the input first, or the other way round. In the order of the input it is read rightly.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_BATCH = {functional.batch_norm, torch.batch_norm, torch.native_batch_norm}
_INSTANCE = {functional.instance_norm, torch.instance_norm}
"""Within, a batch normalisation of the input made contiguous."""


def exact_batch_norm(device: torch.device) -> AbstractContextManager:
    """Within the block, batch and instance normalisation have the right gradient, whoever calls them."""
    needed = device.type == "cpu" and torch.is_grad_enabled()
    return _OrderedGradients() if needed else nullcontext()


class _OrderedGradients(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        if func in _BATCH or func in _INSTANCE:
            normalised = output if isinstance(output, Tensor) else output[0]
            if normalised.requires_grad:
                _order_gradient(normalised, args[0] if args else kwargs["input"], instance=func in _INSTANCE)
        return output


def _order_gradient(normalised: Tensor, source: Tensor, *, instance: bool) -> None:
    if instance or not _is_dense(source):
        normalised.register_hook(Tensor.contiguous)
    else:
        normalised.register_hook(partial(_ordered, strides=source.stride()))


def _ordered(gradient: Tensor, strides: tuple[int, ...]) -> Tensor:
    if gradient.stride() == strides:
        return gradient
    return gradient.new_empty_strided(gradient.shape, strides).copy_(gradient)


def _is_dense(tensor: Tensor) -> bool:
    last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(tensor.dim(), torch.contiguous_format)
    return tensor.is_contiguous() or tensor.is_contiguous(memory_format=last)
