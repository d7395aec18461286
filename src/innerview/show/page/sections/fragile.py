"""How fragile the answer is: how little must be changed for another one, and what becomes of the explanation."""

from collections.abc import Sequence
from dataclasses import dataclass

from ....adversarial.attack import attack
from ....adversarial.gradient_steps import GradientAscent
from ....adversarial.result import Attack
from ....adversarial.sphere import SphereTest, sphere
from ....attribution.gradcam import GradCAM, HiResCAM
from ....combined.shift import Shift, shift
from ....errors import ImageError, MethodError
from ...drawing.colours import Heatmap, Scale
from ...drawing.drawn import drawn
from ...drawing.titles import plain
from ...sheets.attack import magnification
from ..section import Part, Section, Visit
from ..speaking import first_that_speaks
from ..tiles import COARSE, MapTile, data_uri
from .prediction import Bar, bars, percent

POINTS = 100
ATTEMPTS = (GradientAscent(), GradientAscent(step=2.5 / 255))
"""The first that changes the answer is shown: digits need longer steps than photographs."""


@dataclass(frozen=True)
class Changed:
    """The photograph, what became of it, and the magnified difference, each as the address of an image."""

    before: str
    after: str
    difference: str
    factor: int
    share: str
    coarse: bool

    @classmethod
    def of(cls, found: Attack) -> "Changed":
        """The first image of an attack."""
        difference = found.difference[0].float().cpu()
        factor = magnification(difference)
        return cls(
            before=data_uri(drawn(found.before[0])),
            after=data_uri(drawn(found.after[0])),
            difference=data_uri(drawn(0.5 + factor * difference)),
            factor=factor,
            share=percent(float(found.relative_distance[0])),
            coarse=max(difference.shape[1:]) < COARSE,
        )


@dataclass(frozen=True)
class Around:
    """How many random points keep the answer, and what becomes of the others."""

    points: int
    kept: int
    others: str

    @classmethod
    def of(cls, found: SphereTest) -> "Around":
        """The first image of a sphere test."""
        own = int(found.classes[0])
        kept = int(found.counts[0, own])
        others = [f"{plain(found.names[index])} {count}" for index, count in _others(found, own)]
        return cls(int(found.counts[0].sum()), kept, ", ".join(others))


@dataclass(frozen=True)
class Moved:
    """The explanation of the answer, before and after, on one scale; or why there is none."""

    maps: tuple[MapTile, ...]
    likeness: str
    refusal: str = ""


@dataclass(frozen=True)
class Fragile:
    """What a small change does to the answer, or why that cannot be told."""

    changed: Changed | None
    step: str
    history: list[Bar]
    success: bool
    around: Around | None
    moved: Moved | None
    refusal: str = ""


def fragile(visit: Visit) -> Fragile:
    """Gradient ascent on the photograph, random changes that are twice as large, and the explanation afterwards."""
    try:
        found = _attacked(visit)
    except (MethodError, ImageError) as error:
        return Fragile(None, "", [], False, None, None, plain(str(error), 600))
    return Fragile(
        changed=Changed.of(found),
        step=f"{255 * found.provenance.settings['step']:.3g}",
        history=bars(found.history(0)),
        success=bool(found.success[0]),
        around=Around.of(sphere(visit.net, found.inputs, found, samples=POINTS)),
        moved=moved(visit, found),
    )


def moved(visit: Visit, found: Attack) -> Moved:
    """Where the first answer, or the question asked, comes from in both images: by Grad-CAM, if it speaks."""
    try:
        both = first_that_speaks((GradCAM(), HiResCAM()), lambda how: shift(visit.net, found, how, visit.asked), _maps)
    except MethodError as error:
        return Moved((), "", plain(str(error), 600))
    scale = Scale.of(_maps(both), signed=both.before.signed)
    tiles = [MapTile.of(each, scale=scale) for each in (both.before, both.after)]
    return Moved(tuple(tiles), f"{float(both.similarity[0]):.2f}")


def _maps(both: Shift) -> list[Heatmap]:
    return [each.heatmap()[0] for each in (both.before, both.after)]


def _attacked(visit: Visit) -> Attack:
    found = attack(visit.net, visit.image, ATTEMPTS[0])
    for method in ATTEMPTS[1:]:
        if not bool(found.success[0]):
            found = attack(visit.net, visit.image, method)
    return found


def _others(found: SphereTest, own: int) -> list[tuple[int, int]]:
    """The other classes that occur and how often, the most frequent first."""
    counts = [(index, count) for index, count in enumerate(found.counts[0].tolist()) if count and index != own]
    return sorted(counts, key=lambda each: -each[1])


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("a small change for another answer", lambda: fragile(visit))]


SECTION = Section(
    anchor="fragile",
    title="How fragile is the answer?",
    lead="The image itself takes small steps, each in the direction in which its answer becomes less probable "
    "fastest. Often a few steps that nobody can see are enough for another answer: it shows how near to each other "
    "the classes lie for the network.",
    parts=_parts,
)
