"""How gradients pass ReLUs: as the derivative says, or by another rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ..errors import MethodError

ReluRule = Literal["plain", "deconvolution", "guided"]
"""What a ReLU lets through of a gradient: where it is open, what is positive, or what is positive where it is open."""


class ReluRules(TorchFunctionMode):
    """Within the block every ReLU, also one capped from above, has `rule` as its way back, however it is spelled.

    A ReLU is open where 0 < its output (< its cap); at 0 and at the cap it is closed. For an incoming gradient g:

        plain          g · [open]
        deconvolution  max(g, 0)
        guided         max(g, 0) · [open]

    The rule is that of the moment when gradients go back (`following`), so one forward pass serves several rules.
    The mode is on again then, as networks that recompute activations on the way back run their ReLUs again.

    Attributes:
        rule: how gradients pass from now on.
        met: how often a gradient has passed a ReLU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rule: ReluRule = "plain"
        self.met = 0

    @contextmanager
    def following(self, rule: ReluRule, network: str) -> Iterator[None]:
        """Within the block, gradients go back by `rule`.

        Raises:
            MethodError: at the end of the block, if there is a rule but no gradient met a ReLU.
        """
        self.rule, self.met = rule, 0
        with self:
            yield
        if self.met == 0 and rule != "plain":
            raise MethodError(
                f"the {rule} rule is about ReLUs, and gradients meet none between the question and the input of "
                f"{network}; use Gradient, SmoothGrad, IntegratedGradients or Occlusion"
            )

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        relu = relu_of(func, args, kwargs)
        if relu is None:
            return func(*args, **kwargs)
        return _Ruled.apply(relu.input, lambda: func(*args, **kwargs), relu.high, self)

    def backward(self, gradient: Tensor, opened: Tensor) -> Tensor:
        """What a ReLU that is open where `opened` is positive lets through."""
        self.met += 1
        if self.rule == "deconvolution":
            return gradient.clamp_min(0)
        passed = torch.ops.aten.threshold_backward(gradient, opened, 0)
        return passed if self.rule == "plain" else passed.clamp_min_(0)


class _Ruled(Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, rectify: Callable[[], Tensor], cap: float | None, relus: ReluRules) -> Tensor:
        output = rectify()
        if output is tensor:
            ctx.mark_dirty(tensor)
        # The output of ReLU itself is kept by PyTorch too, so no network overwrites it; that of the others may be.
        ctx.save_for_backward(output if cap is None else (output > 0) & (output < cap))
        ctx.relus = relus
        return output

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None]:
        return ctx.relus.backward(*grad_outputs, *ctx.saved_tensors), None, None, None


class _Clamp(NamedTuple):
    """An operation that keeps its input between two bounds; `high` is None for ReLU itself."""

    input: Tensor
    low: Any
    high: Any


def _relu(input: Tensor, **_: Any) -> _Clamp:
    return _Clamp(input, 0, None)


def _relu6(input: Tensor, **_: Any) -> _Clamp:
    return _Clamp(input, 0, 6)


def _clamp(input: Tensor, min: Any = None, max: Any = None) -> _Clamp:
    return _Clamp(input, min, inf if max is None else max)


def _threshold(input: Tensor, threshold: float, value: float, **_: Any) -> _Clamp:
    return _Clamp(input, 0 if threshold == value == 0 else None, inf)


def _hardtanh(input: Tensor, min_val: float = -1, max_val: float = 1, **_: Any) -> _Clamp:
    return _Clamp(input, min_val, max_val)


_NAMES: dict[str, Callable[..., _Clamp]] = {
    "relu": _relu,
    "relu6": _relu6,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clip": _clamp,
    "threshold": _threshold,
    "hardtanh": _hardtanh,
}
_SPELLINGS: dict[Any, Callable[..., _Clamp]] = {
    getattr(place, spelling): read
    for place in (torch, torch.Tensor, functional, torch.ops.aten)
    for name, read in _NAMES.items()
    for spelling in (name, f"{name}_")
    if hasattr(place, spelling)
}


def relu_of(func: Any, args: tuple, kwargs: dict) -> _Clamp | None:
    """The ReLU that this call is, also one that is capped, if gradients will pass it."""
    read = _SPELLINGS.get(getattr(func, "overloadpacket", func))
    if read is None or "out" in kwargs:
        return None
    relu = read(*args, **kwargs)
    capped = relu.high is not None
    rectifies = _is_number(relu.low) and relu.low == 0 and (not capped or (_is_number(relu.high) and relu.high > 0))
    return relu if rectifies and relu.input.requires_grad else None


def _is_number(bound: Any) -> bool:
    return isinstance(bound, int | float)
