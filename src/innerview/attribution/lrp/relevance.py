"""Relevance in place of gradients: a forward pass whose way back shares out relevance.

Below the module level each operation that has to share gets a way back of its own, whoever calls it: a module, a
function or an operator. Operations that only move values, and max-pooling, which takes one of several, keep the way
back that autograd has for them; autograd also adds up what the several readers of a value send it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from ...modules.relu_rules import relu_of
from ...operations.folding import scale_and_shift
from .rules import Layer, Rule, Rules, share, share_evenly

WEIGHTED = {"linear", *(f"conv{kind}{axes}d" for kind in ("", "_transpose") for axes in (1, 2, 3))}
UNCHANGED = {"hardtanh", "leaky_relu", "prelu", "elu"}
LINEAR = {"add", "sub", "rsub", "neg", "sum", "mean", "interpolate"} | {
    f"{kind}avg_pool{axes}d" for kind in ("", "adaptive_") for axes in (1, 2, 3)
}
BATCH_NORM = signature(functional.batch_norm)
LAYER_NORM = signature(functional.layer_norm)


class Relevance(TorchFunctionMode):
    """Within it, what is computed from a tensor that requires a gradient passes relevance back to it."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.rules = rules
        self._before_first_layer = True

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run the operation, with relevance as its way back where it needs one."""
        call = _Call.of(func, args, kwargs or {})
        if not call.inputs or not torch.is_grad_enabled():
            return func(*args, **call.kwargs)
        result = self._sharing(call)
        if result is None and call.in_place and args[0]._is_view():
            result = call.function(*call.inputs)  # written below, as autograd hides from us what is done in a view
        if result is None:
            return func(*args, **call.kwargs)
        return args[0].copy_(result) if call.in_place else result

    def _sharing(self, call: "_Call") -> Tensor | None:
        """The result with its own way back; None where autograd's is right or the operation is not known."""
        name, alone = call.name, len(call.inputs) == 1
        first_alone = alone and _carries(call.args[0] if call.args else call.kwargs.get("input"))
        if alone and (name in UNCHANGED or relu_of(call.func, call.args, call.kwargs)):
            return _Unchanged.apply(call.function, *call.inputs)
        if name in LINEAR or (name == "mul" and alone) or (name == "div" and first_alone):
            return self._linear(call)
        if name in WEIGHTED and first_alone:
            return self._weighted(call.func, *call.args, **call.kwargs)
        if name == "matmul" and first_alone and len(call.args) == 2 and call.args[1].dim() == 2:
            return self._weighted(functional.linear, call.args[0], call.args[1].mT)
        normalised = {"batch_norm": self._normalised, "layer_norm": self._standardised}.get(name)
        return normalised(call) if normalised and first_alone else None

    def _linear(self, call: "_Call") -> Tensor:
        way = share_evenly if self._before_first_layer else share  # a flat or box rule follows, blind to the values
        back = partial(way, call.function, epsilon=self.rules.epsilon)
        return _Linear.apply(call.function, back, *map(_own, call.inputs))

    def _weighted(
        self, func: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, *geometry: Any, **named: Any
    ) -> Tensor:
        groups = named.get("groups", geometry[3] if len(geometry) > 3 else 1)
        transposed = groups if "transpose" in func.__name__ else None
        layer = Layer(lambda a, w, b: func(a, w, b, *geometry, **named), weight, bias, transposed, _read(input))
        rule = self.rules.convolution if weight.dim() > 2 else self.rules.linear
        if self._before_first_layer:
            rule, self._before_first_layer = self.rules.first, False
        return _Weighted.apply(layer, rule, _own(input))

    def _normalised(self, call: "_Call") -> Tensor | None:
        """A batch normalisation: one with the weighted layer right before it, else a linear layer of its own."""
        given = BATCH_NORM.bind(*call.args, **call.kwargs)
        given.apply_defaults()
        norm = given.arguments
        if norm["training"]:
            return None
        before = _weighted_before(norm["input"])
        if before is None:
            return self._linear(call)
        known = (norm["weight"], norm["bias"], norm["running_mean"], norm["running_var"], norm["eps"])
        layer = before.layer.scaled(*scale_and_shift(*known))
        return _Weighted.apply(layer, before.rule, *before.saved_tensors)

    def _standardised(self, call: "_Call") -> Tensor:
        """A layer normalisation: linear, as the deviation it divides by counts as a constant."""
        if self._before_first_layer:  # nothing to share evenly: 1 in each place adds up to 0
            return _Unchanged.apply(call.function, *call.inputs)
        given = LAYER_NORM.bind(*call.args[:5], **call.kwargs)
        given.apply_defaults()
        x, shape, weight, bias, eps = given.args
        axes = tuple(range(-len(shape), 0))
        scale = (x.detach().var(axes, correction=0, keepdim=True) + eps).rsqrt()
        scale = scale if weight is None else scale * weight

        def linear(a: Tensor) -> Tensor:
            centred = scale * (a - a.mean(axes, keepdim=True))
            return centred if bias is None else centred + bias

        return _Linear.apply(call.function, partial(share, linear, epsilon=self.rules.epsilon), _own(x))


@dataclass(frozen=True)
class _Call:
    """An operation, the arguments among its own that carry relevance, and what it is as a function of those.

    The function leaves the arguments as they are, and does not keep them: the graph must not hold its own tensors.
    """

    func: Any
    args: tuple
    kwargs: dict
    inputs: list[Tensor]
    function: Callable[..., Any]

    @classmethod
    def of(cls, func: Any, args: tuple, kwargs: dict) -> "_Call":
        values, structure = tree_flatten((args, kwargs))
        places = [place for place, value in enumerate(values) if _carries(value)]
        inputs = [values[place] for place in places]
        others = [None if _carries(value) else value for value in values]
        in_place = _in_place(func, kwargs)

        def function(*inputs: Tensor) -> Any:
            filled = others.copy()
            for place, each in zip(places, inputs, strict=True):
                filled[place] = each.clone() if in_place else each
            args, kwargs = tree_unflatten(filled, structure)
            return func(*args, **kwargs)

        return cls(func, args, kwargs, inputs, function)

    @property
    def name(self) -> str:
        return _name(self.func).strip("_")

    @property
    def in_place(self) -> bool:
        return _in_place(self.func, self.kwargs)


class _Weighted(Function):
    """A convolution or linear layer, perhaps with a batch normalisation folded in."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, rule: Rule, a: Tensor) -> Tensor:
        ctx.layer, ctx.rule = layer, rule
        ctx.save_for_backward(a)
        return layer(a)  # also where folded: relevance is divided by these very sums, near zero to the last digit

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> Any:
        return None, None, ctx.rule(ctx.layer, *ctx.saved_tensors, *relevance)


class _Linear(Function):
    """Anything else that is linear in its inputs up to a constant."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Tensor], way: Callable[..., tuple], *inputs: Tensor) -> Tensor:
        ctx.way = way
        ctx.save_for_backward(*inputs)
        return function(*inputs)

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> Any:
        return None, None, *ctx.way(ctx.saved_tensors, *relevance)


class _Unchanged(Function):
    """A function of single values that maps 0 to 0: what comes out is as relevant as what went in."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Tensor], a: Tensor) -> Tensor:  # noqa: ARG004 - autograd gives it
        return function(a)

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> Any:  # noqa: ARG004 - the same
        return None, *relevance


SHARING = {each.__name__ for each in (_Weighted, _Linear, _Unchanged)}
"""The names of the ways back that share, as the graph has them."""


def _weighted_before(tensor: Tensor) -> Any:
    """The way back of the convolution or linear layer whose output channels these are, or None."""
    node = _way_back(tensor)
    layer = getattr(node, "layer", None)
    return node if layer is not None and (layer.weight.dim() > 2 or tensor.dim() == 2) else None


def _read(tensor: Tensor) -> Tensor | None:
    """1 where a padded tensor has values, 0 where it has only padding; None if it is not padded."""
    node = _way_back(tensor)
    if node is None or not node.name().startswith("ConstantPadNd"):
        return None
    sides = node._saved_pad  # type: ignore[attr-defined] - of the last axis first, two for each
    added = [sum(sides[at : at + 2]) for at in range(0, len(sides), 2)]
    inner = [length - more for length, more in zip(reversed(tensor.shape), added, strict=False)]
    return functional.pad(tensor.new_ones(inner[::-1]), sides)


def _way_back(tensor: Tensor) -> Any:
    """The node of the graph that this tensor, or what it is a copy of, came from."""
    node = tensor.grad_fn
    while node is not None and node.name() in ("CloneBackward0", "AliasBackward0"):
        node = node.next_functions[0][0]
    return node


def _own(tensor: Tensor) -> Tensor:
    """A copy to keep for the way back: the network may write to the tensor later on."""
    return tensor.clone()


def _in_place(func: Any, kwargs: dict) -> bool:
    name = _name(func)
    return bool(kwargs.get("inplace")) or (name.endswith("_") and not name.endswith("__"))


def _name(func: Any) -> str:
    return getattr(func, "overloadpacket", func).__name__


def _carries(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad
