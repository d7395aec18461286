"""The picture that answers a question best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import MethodError, SettingError
from ..modules.batching import in_batches
from ..modules.scope import differentiating, untouched
from ..network.network import Network
from ..network.provenance import provenance
from ..objectives import Objective, PerImage, Question, each_objective
from ..progress import steps as progress
from ..results.provenance import settings_of
from ..settings import Count, checked
from .ascent import Climb, Pictures, joined
from .canvas import Canvas, Size
from .diversity import Diverse
from .recipe import CLEAR, Recipe
from .result import Synthesis
from .speedups.cutout import OfCutout, cut_out
from .speedups.slices import Slices, slices_for
from .transforms import Transforms


def synthesize(  # noqa: PLR0913 - all but the question are optional
    net: Network,
    objective: Question,
    *,
    canvas: Canvas | None = None,
    recipe: Recipe = CLEAR,
    steps: int | None = None,
    seed: int = 0,
    starts: int = 1,
    snapshots: Sequence[int] = (),
) -> Synthesis:
    """Pictures that make an objective large, one for each objective and start.

        x* = argmax f(x) − Σ wₖ hₖ(x)

    over the parameters of a canvas, for the objective f and the recipe's priors h. Several objectives share each
    pass, which stops at the deepest layer that they read; no parameter's gradient is computed. Of a convolution before
    that layer only the channels asked about are computed, and for questions about one position only the pixels that
    it sees are shown. A picture does not depend on the others, unless the recipe asks for diversity.

    Args:
        net: the network; it is not changed.
        objective: what to answer: an objective, or a class by index or name, or a list of these.
        canvas: what to draw on, by default the recipe's; in the size of the network's input unless it says another.
        recipe: `CLEAR`, `LUCID`, `LECTURE`, `MACO`, or one of these with other settings:
            `dataclasses.replace(CLEAR, …)`.
        steps: how many steps to climb, by default the recipe's.
        seed: of the noise to start from and of the views; all objectives start from the same noise.
        starts: how many pictures of each objective; the second start is the first one of `seed + 1`, and so on.
        snapshots: after which steps, counted from 1, the pictures are kept as well.

    Raises:
        LabelError, LayerError, ObjectiveError: the question does not fit the network.
        SettingError: a setting is outside its range.
        MethodError: no gradient leads from the objective to any of the pictures, or it is not finite.
    """
    recipe = replace(recipe, canvas=canvas or recipe.canvas, steps=recipe.steps if steps is None else steps)
    _require(recipe, starts, snapshots)
    asked = [each for each in each_objective(net, objective) for _ in range(starts)]
    seeds = [seed + start for start in range(starts)] * (len(asked) // starts)
    with untouched(net.module), differentiating():
        plan = _Plan.of(net, recipe, starts if recipe.diversity else 1, tuple(sorted(set(snapshots))))
        pictures = plan.run(asked, seeds)
        origin = provenance(net, "synthesize", asked, seed=seed, starts=starts, **settings_of(plan.recipe))
    if not bool(pictures.alive.any()):
        raise MethodError(
            f"no gradient reaches the picture from {', '.join(dict.fromkeys(origin.objective))} of {net.name}: the "
            "units may be dead, or open for other images only. Start from an image, Fourier(image=…), or from another "
            "seed"
        )
    return Synthesis(**vars(pictures), moments=plan.moments, provenance=origin)


@dataclass(frozen=True)
class _Plan:
    net: Network
    recipe: Recipe
    group: int
    """So many pictures in a row stay together in one batch."""
    seen: Size
    plain: Size
    moments: tuple[int, ...]

    @classmethod
    def of(cls, net: Network, recipe: Recipe, group: int, moments: tuple[int, ...]) -> "_Plan":
        """With views that the network takes: some take nothing but the size they were made for."""
        size = recipe.canvas.rows_columns(net)
        seen = recipe.views.seen(size, net.preprocess.rows_columns)
        if isinstance(recipe.views, Transforms) and seen != size and not net.takes(seen):
            recipe, seen = replace(recipe, views=replace(recipe.views, keep=True)), size
        plain = size if isinstance(recipe.views, Transforms) else seen
        return cls(net, recipe, group, seen, plain, moments)

    def run(self, asked: Sequence[Objective], seeds: Sequence[int]) -> Pictures:
        """All pictures, as many at a time as fit."""
        views = self.recipe.views.views
        fitting = self.net.batch_size(self.net.blank(self.seen), graph=True)
        with progress("synthesizing", len(asked) * self.recipe.steps) as advance:

            def run(groups: slice) -> Pictures:
                rows = range(len(asked))[groups.start * self.group : groups.stop * self.group]
                return self._climb([asked[row] for row in rows], [seeds[row] for row in rows]).run(advance)

            size = max(1, fitting // (self.group * views))
            return joined([part for _, part in in_batches(len(asked) // self.group, size, run)])

    def _climb(self, asked: Sequence[Objective], seeds: Sequence[int]) -> Climb:
        views = self.recipe.views.views
        parts = () if self.recipe.diversity else self._cut_out(asked)
        objective = PerImage(tuple(asked))
        penalised: Objective = PerImage(tuple(each for each in parts or asked for _ in range(views)))
        if self.recipe.diversity:
            penalised = Diverse(penalised, starts=self.group, views=views, weight=self.recipe.diversity)
        return Climb(
            net=self.net,
            recipe=self.recipe,
            objective=objective,
            penalised=penalised,
            seeds=tuple(seeds),
            seen=self.seen,
            plain=self.plain,
            moments=self.moments,
            cutouts=tuple(part.cutout for part in parts for _ in range(views)),
            slices=Slices() if self.recipe.diversity else slices_for(self.net, objective, self.seen),
        )

    def _cut_out(self, asked: Sequence[Objective]) -> tuple[OfCutout, ...]:
        """The questions as those about cutouts, if all of them can be, and their cutouts are one batch."""
        by_question = {each: cut_out(self.net, each, self.seen) for each in dict.fromkeys(asked)}
        parts = [part for each in asked if (part := by_question[each])]
        alike = len({part.cutout.size for part in parts}) == 1
        return tuple(parts) if alike and len(parts) == len(asked) else ()


def _require(recipe: Recipe, starts: int, snapshots: Sequence[int]) -> None:
    checked("starts", starts, Count)
    if snapshots and not 1 <= min(snapshots) <= max(snapshots) <= recipe.steps:
        raise SettingError(f"snapshots are numbers of steps from 1 to {recipe.steps}; got {list(snapshots)}")
