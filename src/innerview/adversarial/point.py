"""A point on the way of an attack: pixels, what the network says of them, and which way the goal rises."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import MethodError
from ..modules.checkpoints import checkpoints_explained
from ..network.network import Network
from ..network.seen import Seen
from ..passes.forward import forward
from .goal import Goal, Labels, Reached, Scores
from .pixels import Inputs, Pixels01, prepared


@dataclass(frozen=True)
class Start:
    """Where an attack starts from: prepared images, their pixels in 0–1, and what it is after."""

    net: Network
    images: Inputs
    before: Pixels01
    goal: Goal

    def rows(self, images: Sequence[int]) -> "Start":
        """The start of these images of the batch."""
        rows = list(images)
        return replace(self, images=self.images[rows], before=self.before[rows], goal=self.goal.rows(rows))

    def at(self, pixels: Pixels01, *, graph: bool = True) -> "Point":
        """What the network says of these pixels; with `graph` the way back from there is kept."""
        leaf = pixels.detach().clone().requires_grad_(graph)
        with nullcontext() if graph else torch.no_grad():
            seen = forward(self.net, self.input(leaf), record=self.goal.layers)
        return Point(self, leaf, seen)

    def input(self, pixels: Pixels01) -> Inputs:
        """The network's input made of these pixels."""
        return prepared(self.net, self.images, self.before, pixels)


@dataclass(frozen=True)
class Point:
    """Pixels in 0–1 between the first image and the last, and one forward pass of the network at them."""

    start: Start
    pixels: Pixels01
    seen: Seen

    @property
    def goal(self) -> Goal:
        """What the attack is after."""
        return self.start.goal

    @property
    def scores(self) -> Float[Tensor, "batch label"]:
        """The raw score of each class."""
        return self.seen.class_scores

    @property
    def best(self) -> Labels:
        """The most probable class of each image."""
        return self.scores.argmax(1)

    @property
    def confidence(self) -> Scores:
        """The probability of the most probable class; of a network with one output its sigmoid."""
        scores = self.scores.detach()
        return scores.softmax(1).amax(1) if scores.shape[1] > 1 else scores.sigmoid()[:, 0]

    @property
    def reached(self) -> Reached:
        """Whether each image need not be changed any further."""
        return self.goal.reached(self.seen)

    @property
    def raised(self) -> Scores:
        """The number that the attack raises."""
        return self.goal.raised(self.seen)

    @property
    def noted(self) -> dict[str, Tensor]:
        """What a result says of each image after each step; of a network without class scores nothing of classes."""
        answers = {"classes": self.best, "confidences": self.confidence} if self.seen.has_class_scores else {}
        return {**answers, "raised": self.raised.detach()}

    def fixed(self) -> "Point":
        """The same point with a goal that no longer changes."""
        return replace(self, start=replace(self.start, goal=self.goal.fixed(self.seen)))

    def gradient(self, values: Scores | None = None, *, keep: bool = False) -> Pixels01:
        """The gradient with respect to the pixels, of what the attack raises or of other numbers of this pass.

        With `keep` more gradients can be asked for afterwards.

        Raises:
            MethodError: there is no gradient, or it holds NaN or infinity.
        """
        values = self.raised if values is None else values
        name, found = self.start.net.name, None
        if values.requires_grad:
            with checkpoints_explained(name):
                (found,) = torch.autograd.grad(values.sum(), self.pixels, allow_unused=True, retain_graph=keep)
        if found is None:
            raise MethodError(
                f"an attack follows the gradient from the answer back to the pixels, and in {name} there is none: its "
                "forward pass detaches it. Attack the network without the part that does so"
            )
        if not bool(found.isfinite().all()):
            raise MethodError(
                f"the gradient of {name} holds NaN or infinity; attack it in single precision: "
                "Network(module.float(), …)"
            )
        return found
