"""Layer-wise relevance propagation: the score handed back from layer to layer until it lies on the pixels."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ...errors import MethodError
from ...modules.checkpoints import checkpoints_refused
from ...modules.scope import differentiating
from ...network.network import Network
from ...network.seen import Seen
from ...objectives import Objective
from ...objectives.scoring import forward_for
from ...settings import Amount, Positive
from ..method import About, Inputs, Maps, Method
from .relevance import Relevance
from .rules import Rule, Rules, box_rule, epsilon_rule, flat_rule, gamma_rule, zplus_rule
from .without_rule import refuse_unknown

Composite = Literal["epsilon-plus-flat", "epsilon-gamma-box", "epsilon", "gamma", "zplus"]
RULES: dict[Composite, tuple[str, str, str]] = {
    "epsilon-plus-flat": ("flat", "zplus", "epsilon"),
    "epsilon-gamma-box": ("box", "gamma", "epsilon"),
    "epsilon": ("epsilon", "epsilon", "epsilon"),
    "gamma": ("gamma", "gamma", "gamma"),
    "zplus": ("zplus", "zplus", "zplus"),
}
"""What the first weighted layer, the other convolutions and the other linear layers follow."""


@dataclass(frozen=True)
class LRP(Method):
    """How the score is made up of the pixels, if every layer shares what it was given among what it read.

    Positive where a pixel speaks for the answer, negative where against. With zplus in the convolutions
    (the default) the map is calm and almost only positive; epsilon throughout is noisy, as gradient × input is.

        Rⱼ = Σₖ zⱼₖ / (zₖ + ε sign zₖ) · Rₖ,   zₖ = Σⱼ zⱼₖ + bₖ

        epsilon   zⱼₖ = aⱼ wⱼₖ
        gamma     zⱼₖ = aⱼ wⱼₖ + γ (aⱼ wⱼₖ)⁺, for units below zero  aⱼ wⱼₖ + γ (aⱼ wⱼₖ)⁻;  bₖ alike
        zplus     zⱼₖ = (aⱼ wⱼₖ)⁺, or 1 for units that nothing raises, no bₖ
        flat      zⱼₖ = 1, no bₖ
        box       zⱼₖ = aⱼ wⱼₖ − l wⱼₖ⁺ − h wⱼₖ⁻, no bₖ; l, h are the least and greatest value of a prepared pixel

    Reference: Montavon, Binder, Lapuschkin, Samek and Müller, "Layer-Wise Relevance Propagation: An Overview",
    2019, section 10.2 and table 10.1; epsilon is eq. 58 of Bach et al. 2015, zplus the z⁺-rule of Montavon et al.,
    "Explaining nonlinear classification decisions with deep Taylor decomposition", 2017, gamma for inputs and units
    of either sign is Andéol et al. 2021, epsilon-plus-flat Kohlbrenner et al. 2020. The values are in units of the
    objective.

    Relevance starts where the objective reads, as A ⊙ ∂s/∂A: for a logit, the logit itself; for sums and
    differences of logits, neurons or channels, each one's share in the objective.

    Batch normalisation is part of the convolution or linear layer right before it; where there is none
    (pre-activation networks) it is a layer of its own under the epsilon rule. So are average pooling, sums,
    residual connections, factors that do not depend on the image, and layer normalisation, (a − mean a) / σ, whose σ
    counts as a constant (the LN-rule of Ali et al., "XAI for Transformers", 2022, section 4). ReLU, leaky ReLU and
    ELU pass relevance on as it is, max-pooling gives it to the winner. What is done to the image before the first
    layer (a normalisation inside the network, resizing) shares evenly, whatever the values; a layer normalisation
    there passes it on.

    The values add up to what relevance started from, but for what biases, shifts of normalisations and ε absorb.
    Under epsilon and gamma each layer's bias takes its part: exact for networks without, while in deep networks with
    batch normalisation the shifts can take nearly all, and only the pattern can be compared. Zplus, flat and box have
    no bias and hand everything on, so that with the default only what the biases of linear layers and normalisations
    of their own take is missing. `total` is what it should be, `gap` how much is missing; figures say both.

    Other libraries leave bₖ⁺ in zplus (Zennit unless `zero_params="bias"`), and lose what reaches units that only their
    bias raises: in networks with batch normalisation nearly all of the score.

    Args:
        rule: "epsilon-plus-flat" (flat in the first layer, zplus in convolutions, also transposed ones, epsilon in
            linear layers), "epsilon-gamma-box" (box, gamma, epsilon), or one of "epsilon", "gamma", "zplus" in all
            layers.
        epsilon: what keeps the denominators from zero, more than 0; larger values absorb weak relevance.
        gamma: how much more contributions count that agree with a unit's sign, at least 0.

    Raises:
        MethodError: between image and objective lies an operation that has no rule, such as softmax, GELU,
            attention, or the product of two activations.
    """

    about = About(
        title="LRP",
        reference="Montavon et al. 2019",
        cost="1 forward pass, and back 2 to 5 times the work of a gradient",
        needs="convolutions, linear layers, ReLU, normalisation, pooling, sums",
    )

    rule: Composite = "epsilon-plus-flat"
    epsilon: Positive = 1e-6
    gamma: Amount = 0.25

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The relevance of every value of each image."""
        with differentiating():
            leaf = images.clone().requires_grad_()
            with checkpoints_refused(net.name), Relevance(self._rules(net)):
                seen = forward_for(net, leaf, objective)
            ends, relevances = zip(*_start(net, objective, seen), strict=True)
            if not all(end.requires_grad for end in ends):
                raise MethodError(
                    f"relevance cannot reach the input of {net.name}: its forward pass detaches what the question "
                    "is about. Use a method without gradients (Occlusion)"
                )
            refuse_unknown(net.name, ends)
            (values,) = torch.autograd.grad(ends, leaf, relevances)
            return values

    def total(self, net: Network, images: Inputs, objective: Objective) -> Float[Tensor, "batch"]:
        """What relevance starts from: for logits, their sums and their differences, the score."""
        with torch.no_grad():
            seen = forward_for(net, images, objective)
        return torch.stack([relevance.flatten(1).sum(1) for _, relevance in _start(net, objective, seen)]).sum(0)

    def _rules(self, net: Network) -> Rules:
        bounds = torch.tensor([[0.0], [1.0]]).expand(2, net.preprocess.channels)[:, :, None, None]
        low, high = net.preprocess.normalise(bounds).flatten(1)
        rules: dict[str, Rule] = {
            "epsilon": partial(epsilon_rule, epsilon=self.epsilon),
            "gamma": partial(gamma_rule, gamma=self.gamma, epsilon=self.epsilon),
            "zplus": partial(zplus_rule, epsilon=self.epsilon),
            "flat": partial(flat_rule, epsilon=self.epsilon),
            "box": partial(box_rule, box=(low.min().item(), high.max().item()), epsilon=self.epsilon),
        }
        return Rules(*(rules[name] for name in RULES[self.rule]), epsilon=self.epsilon)


def _start(net: Network, objective: Objective, seen: Seen) -> list[tuple[Tensor, Tensor]]:
    """The tensors that the objective reads, each with its relevance A ⊙ ∂s/∂A."""
    ends = [*seen.activations.values()] + ([] if seen.output is None else [seen.output])
    with differentiating():
        leaves = [end.detach().clone().requires_grad_() for end in ends]
        output = None if seen.output is None else leaves[-1]
        copied = replace(seen, activations=dict(zip(seen.activations, leaves, strict=False)), output=output)
        scores = objective(copied)
        if not scores.requires_grad:
            raise MethodError(f"the question does not depend on what {net.name} computes, so there is nothing to share")
        slopes = torch.autograd.grad(scores.sum(), leaves, materialize_grads=True)
    return [(end, (leaf * slope).detach()) for end, leaf, slope in zip(ends, leaves, slopes, strict=True)]
