"""The score of an objective for a batch of images, and its gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from .errors import MethodError, ObjectiveError
from .network.network import Network
from .network.seen import Seen
from .network.tap import look
from .objectives import Logit, Objective, PerImage

Images = Float[Tensor, "batch channel row column"]


@dataclass(frozen=True)
class Gradients:
    """The activations where gradients were asked for, the gradients there, and the objective's score per image."""

    activations: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]
    scores: Float[Tensor, "batch"]


def question(net: Network, images: Images, objective: Objective | Sequence[Objective] | None) -> Objective:
    """What is asked of these images: one objective for all, one per image, or None for each one's top class."""
    if objective is None:
        best = Seen({}, net.logits(images)).class_scores.argmax(1)
        return PerImage(tuple(Logit(index) for index in best.tolist()))
    asked = objective if isinstance(objective, Objective) else PerImage(tuple(objective))
    bound = asked.bind(net)
    if isinstance(bound, PerImage) and len(bound.objectives) != len(images):
        raise ObjectiveError(
            f"give one objective for all images or one per image; got {len(bound.objectives)} for {len(images)}"
        )
    return bound


@torch.no_grad()
def score(net: Network, images: Images, objective: Objective) -> Float[Tensor, "batch"]:
    """The objective's value for each image; the pass stops where the objective has all it reads."""
    return objective(look(net, images, record=objective.layers, stop=not objective.reads_output))


def input_gradient(net: Network, images: Images, objective: Objective) -> Gradients:
    """The gradient of the objective with respect to the network's input."""
    with torch.inference_mode(False), torch.enable_grad():
        leaf = images.clone().requires_grad_()
        seen = look(net, leaf, record=objective.layers, stop=not objective.reads_output)
        return _gradients(net, objective(seen), (leaf,), ("input",))


def layer_gradients(net: Network, images: Images, objective: Objective, layers: Sequence[str]) -> Gradients:
    """The gradients of the objective with respect to the outputs of `layers`.

    What runs before the first of them builds no graph; no parameter's gradient is computed.
    """
    first = min(layers, key=lambda name: net.address(name, images).finished)
    with torch.inference_mode(False), torch.enable_grad():
        record = (*layers, *objective.layers)
        seen = look(net, images.clone(), record=record, start=first, stop=not objective.reads_output)
        return _gradients(net, objective(seen), tuple(seen.activations[name] for name in layers), layers)


def _gradients(net: Network, scores: Tensor, at: tuple[Tensor, ...], names: Sequence[str]) -> Gradients:
    if not scores.requires_grad:
        raise MethodError(
            f"the question has no gradient at {', '.join(names)} of {net.name}: it is read earlier in the network, "
            "or the forward pass detaches it. Ask about a later layer, or use a method without gradients (occlusion)"
        )
    found = torch.autograd.grad(scores.sum(), at, allow_unused=True)
    for name, gradient in zip(names, found, strict=True):
        if gradient is None:
            raise MethodError(f"the question does not depend on layer {name!r} of {net.name}")
    return Gradients(tuple(each.detach() for each in at), found, scores.detach())
