"""The score of an objective for a batch of images, and its gradients."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import MethodError
from ..modules.checkpoints import checkpoints_explained
from ..modules.relu_rules import ReluRule, ReluRules
from ..modules.scope import differentiating
from ..network.default_layer import default_layer
from ..network.network import Network
from ..network.seen import Seen
from ..passes.forward import forward
from ..passes.sharing import shared
from . import Objective

Inputs = Float[Tensor, "batch channel row column"]


@dataclass(frozen=True)
class Gradient:
    """The objective's score of each image, and its gradient with respect to some values of the pass."""

    values: Tensor
    gradient: Tensor
    scores: Float[Tensor, "batch"]


def forward_for(
    net: Network, images: Inputs, objective: Objective, *, record: Sequence[str] = (), start: str | None = None
) -> Seen:
    """The forward pass that an objective asks for: it keeps what that reads, and stops where it has all of it.

    `record` names more layers to keep, `start` the one where gradients begin.
    """
    return forward(net, images, record=(*record, *objective.layers), start=start, stop=not objective.reads_output)


@torch.no_grad()
def score(net: Network, images: Inputs, objective: Objective) -> Float[Tensor, "batch"]:
    """The objective's value for each image; the pass stops where the objective has all it reads."""
    return objective(forward_for(net, images, objective))


def input_gradient(net: Network, images: Inputs, objective: Objective, rule: ReluRule = "plain") -> Gradient:
    """The gradient of the objective with respect to the network's input, with `rule` at the ReLUs on the way.

    Raises:
        MethodError: the objective does not depend on the input by way of gradients; or there is a rule, and no ReLU.
    """
    with differentiating():
        way = _shared_way(net, images, objective.layers)
        if way is None:
            leaf = images.clone().requires_grad_()
            relus = None if rule == "plain" else ReluRules()
            with relus or nullcontext():
                seen = forward_for(net, leaf, objective)
            way = _Way(leaf, seen, relus)
        return way.back(net, objective, way.leaf, "input", rule)


def layer_gradient(net: Network, images: Inputs, objective: Objective, layer: str) -> Gradient:
    """The gradient of the objective with respect to the output of a layer; both as maps, see `Seen.maps`.

    What runs before the layer builds no graph; no parameter's gradient is computed.
    """
    with differentiating():
        way = _shared_way(net, images, (layer, *objective.layers))
        if way is None:
            way = _Way(images, forward_for(net, images.clone(), objective, record=(layer,), start=layer))
        maps = way.seen.maps(layer).detach()
        found = way.back(net, objective, way.seen.activations[layer], layer)
    return replace(found, values=maps, gradient=way.seen.reading(layer)(found.gradient).to(maps.dtype))


@dataclass(frozen=True)
class _Way:
    """A forward pass that gradients can go back along, once or, if it is kept, again and again."""

    leaf: Inputs
    seen: Seen
    relus: ReluRules | None = None
    kept: bool = False

    def back(self, net: Network, objective: Objective, at: Tensor, name: str, rule: ReluRule = "plain") -> Gradient:
        """The gradient of the objective at a tensor of the pass."""
        scores = objective(self.seen)
        if not scores.requires_grad:
            raise MethodError(
                f"the question has no gradient at {name} of {net.name}: it is read earlier in the network, or the "
                "forward pass detaches it. Ask about a later layer, or use a method without gradients (occlusion)"
            )
        following = self.relus.following(rule, net.name) if self.relus else nullcontext()
        with following, checkpoints_explained(net.name):
            (found,) = torch.autograd.grad(scores.sum(), at, allow_unused=True, retain_graph=self.kept)
        if found is None:
            raise MethodError(f"the question does not depend on layer {name!r} of {net.name}")
        return Gradient(at.detach(), found, scores.detach())


def _shared_way(net: Network, images: Inputs, layers: Sequence[str]) -> _Way | None:
    """The pass that questions about these images share, if they do; it is run again if it did not see a layer."""

    def run() -> _Way:
        leaf, relus = images.clone().requires_grad_(), ReluRules()
        with relus:
            return _Way(leaf, forward(net, leaf, record=tuple(wanted)), relus, kept=True)

    memory = shared(net, images)
    if memory is None:
        return None
    before = memory.get("way")
    wanted = dict.fromkeys((*layers, *(before.seen.activations if before else _likely(net, images))))
    if before is None or not before.seen.activations.keys() >= wanted.keys():
        memory["way"] = run()
    return memory["way"]


def _likely(net: Network, images: Inputs) -> tuple[str, ...]:
    """The layer that most methods look at."""
    layer = default_layer(net, images)
    return () if layer is None else (layer,)
