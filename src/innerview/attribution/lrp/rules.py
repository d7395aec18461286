"""How a layer shares out the relevance of what it gives among what it reads.

Every rule is one sharing in proportion, of some function z that is linear in its inputs up to a constant:

    Rⱼ = Σₖ aⱼ ∂zₖ/∂aⱼ / (zₖ + ε sign zₖ) · Rₖ

The rules differ in the inputs and weights that z is made of. What the bias contributes stays with the bias.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ...modules.batch_norm import exact_batch_norm

Values = Float[Tensor, "..."]


@dataclass(frozen=True)
class Layer:
    """A convolution or a linear layer: z = run(a, weight, bias).

    Weights are [output, input / groups, …]; those of a transposed convolution [input, output / groups, …], and then
    `transposed` is the number of its groups. `read` is 1 where there is a value to be read and 0 where there is only
    what was padded right before; None if nothing was.
    """

    run: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    weight: Float[Tensor, "..."]
    bias: Float[Tensor, "output"] | None
    transposed: int | None = None
    read: Values | None = None

    def __call__(self, a: Values) -> Values:
        return self.run(a, self.weight, self.bias)

    def scaled(self, scale: Float[Tensor, "output"], shift: Float[Tensor, "output"]) -> "Layer":
        """The one layer that gives scale · z + shift."""
        scale, shift = scale.to(self.weight), shift.to(self.weight)
        bias = shift if self.bias is None else scale * self.bias + shift
        return replace(self, weight=self._beside_weights(scale) * self.weight, bias=bias)

    def _beside_weights(self, values: Float[Tensor, "output"]) -> Values:
        inside = [1] * (self.weight.dim() - 1)
        if self.transposed is None:
            return values.view(-1, *inside)
        by_group = values.view(self.transposed, -1).repeat_interleave(len(self.weight) // self.transposed, 0)
        return by_group.view(*by_group.shape, *inside[1:])

    def values(self, a: Values, value: float) -> Values:
        """A constant in place of each value that it reads."""
        return torch.full_like(a, value) if self.read is None else value * self.read.expand_as(a)

    def changed(self, change: Callable[[Tensor], Tensor], *, bias: bool) -> "Layer":
        """The layer with changed weights, with the bias changed alike or left out."""
        kept = change(self.bias) if bias and self.bias is not None else None
        return replace(self, weight=change(self.weight), bias=kept)


Rule = Callable[[Layer, Tensor, Tensor], Tensor]
"""The relevance of a layer's input, given the layer, that input and the relevance of the output."""


@dataclass(frozen=True)
class Rules:
    """Which rule the first weighted layer, the convolutions and the linear layers follow; ε for all else."""

    first: Rule
    convolution: Rule
    linear: Rule
    epsilon: float


def share(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], relevance: Values, epsilon: float
) -> tuple[Tensor, ...]:
    """Rⱼ = aⱼ · ∂(Σₖ sₖ zₖ)/∂aⱼ  with  s = R / (z + ε sign z),  z = function(inputs)."""
    with torch.enable_grad(), exact_batch_norm(relevance.device):
        leaves = [a.detach().requires_grad_() for a in inputs]
        z = function(*leaves)
    kept_from_zero = torch.where(z < 0, z - epsilon, z + epsilon).detach()
    slopes = torch.autograd.grad(z, leaves, relevance / kept_from_zero)
    return tuple(a * slope for a, slope in zip(inputs, slopes, strict=True))


def share_evenly(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], relevance: Values, epsilon: float
) -> tuple[Tensor, ...]:
    """Share by what a 1 in each place adds to z, whatever the values are and whatever constant z has."""
    constant = function(*map(torch.zeros_like, inputs))
    ones = [torch.ones_like(a) for a in inputs]
    return share(lambda *places: function(*places) - constant, ones, relevance, epsilon)


def epsilon_rule(layer: Layer, a: Values, relevance: Values, *, epsilon: float) -> Values:
    """aⱼ wⱼₖ: every contribution counts as it is."""
    return share(layer, [a], relevance, epsilon)[0]


def zplus_rule(layer: Layer, a: Values, relevance: Values, *, epsilon: float) -> Values:
    """(aⱼ wⱼₖ)⁺: only what raises a unit counts; of a unit that nothing raises, all that it reads alike, as in flat."""
    of_positive, of_negative = (layer.changed(change, bias=False) for change in (_positive, _negative))
    raised = of_positive(_positive(a)) + of_negative(_negative(a)) > epsilon
    found = _share_by_sign(of_positive, of_negative, a, relevance * raised, epsilon)
    by_bias = relevance * ~raised
    return found + flat_rule(layer, a, by_bias, epsilon=epsilon) if bool(by_bias.any()) else found


def gamma_rule(layer: Layer, a: Values, relevance: Values, *, gamma: float, epsilon: float) -> Values:
    """aⱼ wⱼₖ + γ (aⱼ wⱼₖ)⁺ for units above zero, aⱼ wⱼₖ + γ (aⱼ wⱼₖ)⁻ for those below: what agrees counts more."""

    def upwards(weight: Tensor) -> Tensor:
        return weight + gamma * _positive(weight)

    def downwards(weight: Tensor) -> Tensor:
        return weight + gamma * _negative(weight)

    above = layer(a) > 0
    raised = layer.changed(upwards, bias=True), layer.changed(downwards, bias=False)
    lowered = layer.changed(downwards, bias=True), layer.changed(upwards, bias=False)
    return _share_by_sign(*raised, a, relevance * above, epsilon) + _share_by_sign(
        *lowered, a, relevance * ~above, epsilon
    )


def flat_rule(layer: Layer, a: Values, relevance: Values, *, epsilon: float) -> Values:
    """1: every input that a unit sees gets the same."""
    return share(layer.changed(torch.ones_like, bias=False), [layer.values(a, 1)], relevance, epsilon)[0]


def box_rule(layer: Layer, a: Values, relevance: Values, *, box: tuple[float, float], epsilon: float) -> Values:
    """aⱼ wⱼₖ − l wⱼₖ⁺ − h wⱼₖ⁻: for inputs that lie between l ≤ 0 and h ≥ 0."""
    plain, plus, minus = (layer.changed(change, bias=False) for change in (torch.clone, _positive, _negative))

    def from_the_corner(x: Tensor, least: Tensor, most: Tensor) -> Tensor:
        return plain(x) - plus(least) - minus(most)

    inputs = [a, *(layer.values(a, bound) for bound in box)]
    parts = share(from_the_corner, inputs, relevance, epsilon)
    return torch.stack(parts).sum(0)


def _share_by_sign(of_positive: Layer, of_negative: Layer, a: Values, relevance: Values, epsilon: float) -> Values:
    """z = of_positive(a⁺) + of_negative(a⁻): the negative values of a meet other weights than the positive ones."""
    if not bool(relevance.any()):
        return torch.zeros_like(a)
    if not bool((a < 0).any()):  # behind a ReLU, and half the work
        return share(of_positive, [a], relevance, epsilon)[0]
    parts = [_positive(a), _negative(a)]
    up, down = share(lambda p, n: of_positive(p) + of_negative(n), parts, relevance, epsilon)
    return up + down


def _positive(values: Values) -> Values:
    return values.clamp(min=0)


def _negative(values: Values) -> Values:
    return values.clamp(max=0)
