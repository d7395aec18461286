"""The nearest other class, found by taking the network as linear again and again."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from ..errors import MethodError, SettingError
from .goal import Leave, Reach
from .method import AttackMethod, require_steps
from .pixels import Pixels, length
from .point import Point, chosen

Ranks = Int[Tensor, "batch rival"]


@dataclass(frozen=True)
class DeepFool(AttackMethod):
    """The shortest way to another class, as if the network were linear, step by step until the class has changed.

    ‖x̃ − x‖₂ says how far the nearest decision boundary is: exactly for a linear network, else roughly.

        for each rival k:  wₖ = ∇fₖ − ∇f_y,   dₖ = |fₖ − f_y| / ‖wₖ‖₂
        l = argminₖ dₖ;    x ← clip(x + (1 + η) · |f_l − f_y| / ‖w_l‖₂² · w_l, 0, 1)

    With a target that is the only rival, and y is the most probable class at each step.

    Reference: Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool", 2016, algorithm 2; the overshoot η and the limit to
    the nearest rivals are those of its section 4. The pixels' limits 0 and 1 are added.

    Args:
        steps: their number at most.
        overshoot: η, the fraction by which each step goes beyond the boundary.
        classes: how many rivals are looked at: those with the highest scores.
    """

    steps: int = 50
    overshoot: float = 0.02
    classes: int = 10

    def __post_init__(self) -> None:
        require_steps(self.steps)
        if not 0 <= self.overshoot < float("inf"):
            raise SettingError(f"overshoot is a fraction of each step, at least 0; got {self.overshoot}")
        if self.classes < 1:
            raise SettingError(f"classes is a number of rival classes, at least 1; got {self.classes}")

    @property
    def rounds(self) -> int:
        """`steps`."""
        return self.steps

    def moved(self, point: Point, number: int) -> Pixels:
        """A step to the nearest boundary, and a little beyond."""
        own, rivals = self._classes(point)
        nearest = torch.full_like(point.pixels[:, :1, :1, :1], torch.inf)
        shortest = torch.zeros_like(point.pixels)
        for rival in rivals.unbind(1):
            lead = chosen(point.scores, rival) - chosen(point.scores, own)
            gradient = point.gradient(lead, keep=True)
            steepness = length(gradient).clamp_min(torch.finfo(gradient.dtype).tiny)
            distance = lead.detach().abs().reshape(-1, 1, 1, 1).to(gradient) / steepness
            nearer = (distance < nearest) & (gradient.abs().amax((1, 2, 3), keepdim=True) > 0)
            shortest = torch.where(nearer, distance * gradient / steepness, shortest)
            nearest = torch.where(nearer, distance, nearest)
        return (point.pixels.detach() + (1 + self.overshoot) * shortest.detach()).clamp(0, 1)

    def _classes(self, point: Point) -> tuple[Int[Tensor, "batch"], Ranks]:
        """The class to leave and its rivals."""
        match point.goal:
            case Reach(classes):
                return point.best, torch.tensor(classes, device=point.best.device)[:, None]
            case Leave(tuple(classes)):
                own = torch.tensor(classes, device=point.best.device)
                others = point.scores.detach().scatter(1, own[:, None], -torch.inf)
                return own, others.topk(min(self.classes, others.shape[1] - 1)).indices
        raise MethodError(
            "DeepFool looks for the nearest other class, so it has no use for an objective; leave the objective away, "
            "or lower it with PGD"
        )
