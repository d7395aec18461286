"""What the attention layers of a transformer did, read off the way back through the network.

    A = softmax(s · Q Kᵀ + mask),   ∂score / ∂A = ∂score / ∂O · Vᵀ,   O = A V

Read below the module level, where all implementations meet: a fused kernel or an explicit softmax.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Heads = Float[Tensor, "row head query key"]


@dataclass(frozen=True)
class Attention:
    """What one attention layer did: how much each query reads of each key, and the score's gradient there.

    There is one row per image, or several where a layer attends within windows of the image.
    """

    probabilities: Heads
    gradients: Heads


class AttentionTracer(TorchDispatchMode):
    """Within it, a backward pass hands each attention layer that it goes through to `found`, the last one first.

    The way back shows more than the forward pass: there the fused kernels get their gradient beside Q, K and V,
    and a network that is differentiated does not take the fast paths that hide a whole layer in one kernel.
    """

    def __init__(self, images: int, found: Callable[[Attention], None]) -> None:
        super().__init__()
        self._images, self._found = images, found

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run the operation; if it is the way back through an attention layer, tell of the layer."""
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name.startswith("_scaled_dot_product") and name.endswith("_backward"):
            names = (argument.name for argument in func._schema.arguments)
            self._tell(*_fused(args[0], dict(zip(names, args, strict=False)) | kwargs))
        elif name == "_softmax_backward_data" and _is_attention(*args[1:3]):
            self._tell(args[1], args[0])
        return func(*args, **kwargs)

    def _tell(self, probabilities: Tensor, gradients: Tensor) -> None:
        self._found(Attention(self._heads(probabilities), self._heads(gradients)))

    def _heads(self, tensor: Tensor) -> Heads:
        """A row per image, also where heads and images share an axis: [image · head, query, key]."""
        *front, heads, queries, keys = tensor.shape
        rows = math.prod(front)
        if rows == 1 and heads % self._images == 0:
            rows = self._images
        return _precise(tensor.detach()).reshape(rows, -1, queries, keys)


def _fused(gradient: Tensor, given: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """A and its gradient from what a fused kernel was given, and the gradient of what it gave out."""
    gradient, query, key, value = map(_precise, (gradient, given["query"], given["key"], given["value"]))
    scale, mask = given.get("scale"), given.get("attn_mask", given.get("attn_bias"))
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        scores = scores + mask
    if given.get("is_causal"):
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(-1), gradient @ value.mT


def _is_attention(probabilities: Tensor, dim: int) -> bool:
    """Whether a softmax is over the keys of an attention layer; that over the classes has two axes only."""
    return probabilities.dim() > 2 and dim % probabilities.dim() == probabilities.dim() - 1


def _precise(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()
