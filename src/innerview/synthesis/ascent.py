"""The climb: pictures follow the gradient of an objective, a batch of them sharing each pass."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import MethodError
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import input_gradient, score
from ..progress import Advance
from .canvas import Parameters, Pixels01, Size, resized
from .priors import Inputs
from .recipe import Recipe
from .rescue import Rescue
from .speedups.cutout import Cutout, shown
from .speedups.slices import Slices
from .streams import Streams


@dataclass(frozen=True)
class Pictures:
    """What a batch of pictures becomes at the end, and on the way there; the names are those of `Synthesis`."""

    pixels: Pixels01
    inputs: Inputs
    scores: Float[Tensor, "picture"]
    curve: Float[Tensor, "step picture"]
    alive: Bool[Tensor, "picture"]
    snapshots: Float[Tensor, "moment picture channel row column"]


@dataclass(frozen=True)
class Climb:
    """How a batch of pictures climbs.

    Attributes:
        net, recipe: the network and the settings.
        objective: what each picture climbs.
        penalised: the same objectives for all views of the batch, less what keeps its pictures apart; of cutouts, if
            there are any.
        seeds: one for each picture.
        seen: the rows and columns that the network sees.
        plain: those that it is shown of a picture as it stands.
        moments: after which steps pictures are kept.
        cutouts: the part of each view that the network is shown; none if it is shown all.
        slices: what is not computed, as nothing asks for it.
    """

    net: Network
    recipe: Recipe
    objective: Objective
    penalised: Objective
    seeds: tuple[int, ...]
    seen: Size
    plain: Size
    moments: tuple[int, ...]
    cutouts: tuple[Cutout, ...]
    slices: Slices

    def run(self, advance: Advance) -> Pictures:
        """Climb from the first step to the last."""
        streams = Streams(self.seeds)
        parameters = self.recipe.canvas.start(self.net, streams).clone().requires_grad_()
        climber = self.recipe.climber(parameters)
        kept, curve, alive = [], [], torch.zeros(len(streams), dtype=torch.bool, device=parameters.device)
        for number in range(1, self.recipe.steps + 1):
            parameters.grad, scores, reached = self._uphill(parameters, streams, number)
            climber.step()
            self._bound(parameters)
            curve.append(scores)
            if number > self.recipe.rescue or self.recipe.steps <= self.recipe.rescue:
                alive = alive | reached
            if number in self.moments:
                kept.append(self._drawn(parameters))
            advance(len(streams), partial(words, scores))
        images, inputs = self._drawn(parameters), self._inputs(parameters)
        scores = score(self.net, resized(inputs, self.plain).to(self.net.dtype), self.objective)
        return Pictures(
            pixels=images,
            inputs=inputs,
            scores=scores,
            curve=torch.stack(curve),
            alive=alive | (scores > curve[0]),  # one that soon reached a bound has no gradient afterwards
            snapshots=torch.stack(kept) if kept else images.new_zeros(0, *images.shape),
        )

    def _uphill(self, parameters: Parameters, streams: Streams, number: int) -> tuple[Parameters, Tensor, Tensor]:
        """The way up for the parameters; the objective of each picture; whether its gradient is not zero."""
        pixels = self.recipe.canvas.pixels(self.net, parameters)
        inputs = self.net.preprocess.normalise(self.recipe.views_at(number)(pixels, streams, self.seen))
        if self.cutouts:
            inputs = shown(inputs, self.cutouts)
        with self.slices, Rescue() if number <= self.recipe.rescue else nullcontext():
            found = input_gradient(self.net, inputs.detach().to(self.net.dtype), self.penalised)
        views = self.recipe.views.views
        uphill = found.gradient.to(inputs) / views
        penalty = self.recipe.penalty(self.net.preprocess.normalise(pixels)).sum()
        (gradient,) = torch.autograd.grad((inputs * uphill).sum() - penalty, parameters)
        return gradient, found.scores.view(-1, views).mean(1), uphill.flatten(1).any(1).view(-1, views).any(1)

    @torch.no_grad()
    def _bound(self, parameters: Parameters) -> None:
        bounded = self.recipe.canvas.bounded(self.net, parameters)
        if bounded is not parameters:
            parameters.copy_(bounded)

    @torch.no_grad()
    def _inputs(self, parameters: Parameters) -> Inputs:
        return self.net.preprocess.normalise(self.recipe.canvas.pixels(self.net, parameters))

    @torch.no_grad()
    def _drawn(self, parameters: Parameters) -> Pixels01:
        if not bool(self._inputs(parameters).isfinite().all()):
            raise MethodError(
                f"the gradient of {self.net.name} holds NaN or infinity; climb it in single precision: "
                "Network(module.float(), …), or with a smaller learning_rate"
            )
        return self.recipe.canvas.shown(self.net, parameters)


def words(scores: Float[Tensor, "picture"]) -> str:
    """How far the pictures of a batch have come."""
    low, high = (f"{float(each):.3g}" for each in scores.aminmax())
    return f"objective {low}" if low == high else f"objective {low} to {high}"


def joined(parts: Sequence[Pictures]) -> Pictures:
    """Several batches as one."""
    return Pictures(
        pixels=torch.cat([each.pixels for each in parts]),
        inputs=torch.cat([each.inputs for each in parts]),
        scores=torch.cat([each.scores for each in parts]),
        curve=torch.cat([each.curve for each in parts], 1),
        alive=torch.cat([each.alive for each in parts]),
        snapshots=torch.cat([each.snapshots for each in parts], 1),
    )
