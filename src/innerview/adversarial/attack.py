"""A small change of an image that changes the network's answer."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ..modules.scope import differentiating, untouched
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..objectives.question import Classes, Question
from ..progress import Advance, steps
from ..results import Provenance
from .goal import goal_of
from .gradient_steps import GradientAscent
from .method import AttackMethod
from .pixels import pixels
from .point import Point, Start
from .result import Attack

USUAL = GradientAscent()
"""The attack where none is named."""


def attack(
    net: Network,
    images: Any,
    method: AttackMethod = USUAL,
    *,
    objective: Question | None = None,
    target: Classes | None = None,
) -> Attack:
    """Change each image a little, so that the network answers differently.

    By default each image is driven away from its most probable class. An image stops at the first step that reaches
    the goal; one that reaches it from the start (because a class was given that the network does not answer) stays
    as it is. With `PlainAscent`, and others with `stop=False`, every image takes all steps.

    What an image becomes does not depend on its neighbours in the batch, up to rounding, which differs between a batch
    and a single image and between processors. A tie, which rounding would decide, is therefore no success: another
    class has to lead the one to leave, or the target all others, by more than μ = ε^⅔ · max(|f₁|, |f₂|), with f₁ and
    f₂ the two best scores at the start and ε the precision of the network's output (ε^⅔ is 0.0024 % in single
    precision, 4 % in bfloat16). What is left to rounding are coincidences: a lead of just this size, an image whose
    best classes tie from the start, rivals that tie for the last place among those DeepFool looks at, and pixels whose
    gradient is zero, of which FGSM and PGD take the sign.

    Args:
        net: the network; it is not changed.
        images: anything `net.prepare` takes.
        method: the attack: `GradientAscent`, `PlainAscent`, `FGSM`, `PGD` or `DeepFool`.
        objective: what to destroy: a class to drive the images away from, such as the true one, by index or name;
            or an objective whose score is lowered, through all steps, of any network. One for all images or one per
            image.
        target: the class that the images should become instead, by index or name; one for all images or one each.

    Raises:
        ImageError: an image is not usable, or is not made of pixels in 0–1 by the network's preprocessing.
        LabelError, ObjectiveError, SettingError: the goal does not fit the network or the images.
        MethodError: the network gives no gradient, or this attack cannot reach such a goal.
    """
    require_network(net)
    images = net.prepare(images)
    goal = goal_of(net, images, objective, target)
    with untouched(net.module), differentiating():
        images = images.clone()
        start = Start(net, images, pixels(net, images), goal)
        with steps("attacking", len(images) * method.rounds) as advance:

            def run(rows: slice) -> _Way:
                return _attacked(start.rows(range(len(images))[rows]), method, advance)

            ways = net.in_batches(images, run, graph=True)
        asked = (words for way in ways for words in way.start.goal.describe(net, len(way.pixels)))
        return _result(start, ways, provenance(net, method, asked))


def _attacked(start: Start, method: AttackMethod, advance: Advance) -> "_Way":
    """The way of a batch that shrinks as its images reach their goal."""
    point = start.at(start.before).fixed()
    start, way = point.start, _Way(point, method.rounds)
    active = torch.arange(len(start.before), device=point.pixels.device)
    for number in range(method.rounds):
        going = ~point.reached | (not method.stops)
        if not bool(going.any()):
            advance(len(start.before) * (method.rounds - number), way.words)
            break
        moved = method.moved(point, number)[going]
        active = active[going]
        point = start.rows(active.tolist()).at(moved, graph=number + 1 < method.rounds)
        way.note(active, number + 1, point)
        advance(len(start.before), way.words)
    return way


class _Way:
    """What is written down on the way: each image's last pixels, and the answers after each step."""

    def __init__(self, point: Point, rounds: int) -> None:
        self.start = point.start
        self.pixels = point.pixels.detach().clone()
        self.steps, self.reached = torch.zeros_like(point.reached, dtype=torch.int64), point.reached
        self.tables = {name: column[:, None].repeat(1, rounds + 1) for name, column in point.noted.items()}

    def note(self, active: Int[Tensor, "active"], moment: int, point: Point) -> None:
        """Write down what became of the images that still move."""
        self.pixels[active] = point.pixels.detach()
        self.steps[active], self.reached[active] = moment, point.reached
        for name, column in point.noted.items():
            self.tables[name][active, moment:] = column[:, None]

    @property
    def success(self) -> Tensor:
        """Whether each image reached its goal."""
        return self.start.goal.achieved(self.reached, self.tables["raised"])

    def words(self) -> str:
        """How many images reached their goal so far."""
        return f"goal reached by {int(self.success.sum())} of {len(self.pixels)}"


def _result(start: Start, ways: Sequence[_Way], provenance: Provenance) -> Attack:
    """The ways of all batches as one result."""

    def together(name: str) -> Tensor:
        return torch.cat([getattr(way, name) for way in ways])

    tables = {name: torch.cat([way.tables[name] for way in ways]) for name in ways[0].tables}
    after, classes = together("pixels"), tables.get("classes")
    return Attack(
        inputs=start.images,
        adversarial=start.input(after),
        before=start.before,
        after=after,
        classes=classes,
        confidences=tables.get("confidences"),
        raised=tables["raised"],
        steps=together("steps"),
        success=together("success"),
        names={} if classes is None else {index: start.net.label(index) for index in classes.unique().tolist()},
        provenance=provenance,
    )
