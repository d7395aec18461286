"""The nearest other class, found by taking the network as linear again and again."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from ..errors import MethodError
from ..settings import Amount, Count
from .goal import Labels, Leave, Reach, Scores, chosen, others
from .method import AttackMethod
from .pixels import Pixels01, length
from .point import Point

Ranks = Int[Tensor, "batch rival"]


@dataclass(frozen=True)
class DeepFool(AttackMethod):
    """The shortest way to another class, as if the network were linear, step by step until the class has changed.

    ‖x̃ − x‖₂ says how far the nearest decision boundary is: exactly for a linear network, else roughly.

        for each rival k:  wₖ = ∇fₖ − ∇f_y,   dₖ = (f_y − fₖ + 2μ) / ‖wₖ‖₂
        l = argminₖ dₖ;    x ← clip(x + (1 + η) · d_l · w_l / ‖w_l‖₂, 0, 1)

    μ is the lead up to which two classes tie (see `attack`), and a step is made for twice as much: steps to the
    boundary itself would end in a tie. Of rivals that are equally near, up to μ, it is the one with the lowest index.
    With a target that is the only rival, and y is the most probable of the other classes at each step.

    Reference: Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool", 2016, algorithm 2; the overshoot η and the limit to
    the nearest rivals are those of its section 4. The pixels' limits 0 and 1 and 2μ are added; the authors' own code
    adds a constant.

    Args:
        steps: their number at most.
        overshoot: η, the fraction by which each step goes beyond the boundary.
        classes: how many rivals are looked at: those with the highest scores.
    """

    steps: Count = 50
    overshoot: Amount = 0.02
    classes: Count = 10

    @property
    def rounds(self) -> int:
        """`steps`."""
        return self.steps

    def moved(self, point: Point, number: int) -> Pixels01:
        """A step to where the nearest rival leads by 2μ, and a little beyond."""
        own, rivals, margin = self._contest(point)
        nearest = torch.full_like(point.pixels[:, :1, :1, :1], torch.inf)
        shortest = torch.zeros_like(point.pixels)
        for rival in rivals.unbind(1):
            lead = chosen(point.scores, rival) - chosen(point.scores, own)
            gradient = point.gradient(lead, keep=True)
            steepness = length(gradient).clamp_min(torch.finfo(gradient.dtype).tiny)
            gap, tie = (each.reshape(-1, 1, 1, 1).to(gradient) for each in (2 * margin - lead.detach(), margin))
            nearer = ((gap + tie) / steepness < nearest) & (gradient.abs().amax((1, 2, 3), keepdim=True) > 0)
            shortest = torch.where(nearer, gap / steepness * gradient / steepness, shortest)
            nearest = torch.where(nearer, gap / steepness, nearest)
        return (point.pixels.detach() + (1 + self.overshoot) * shortest.detach()).clamp(0, 1)

    def _contest(self, point: Point) -> tuple[Labels, Ranks, Scores]:
        """The class to leave, its rivals in the order of their indices, and the lead up to which they tie."""
        match point.goal:
            case Reach(classes, margins):
                scores = point.scores.detach()
                target = torch.tensor(classes, device=scores.device)
                return others(scores, target).argmax(1), target[:, None], scores.new_tensor(margins)
            case Leave(tuple(classes), margins):
                scores = point.scores.detach()
                own = torch.tensor(classes, device=scores.device)
                rivals = others(scores, own).topk(min(self.classes, scores.shape[1] - 1)).indices
                return own, rivals.sort(1).values, scores.new_tensor(margins)
        raise MethodError(
            "DeepFool looks for the nearest other class, so it has no use for an objective; leave the objective away, "
            "or lower it with PGD"
        )
