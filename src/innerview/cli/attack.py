"""`innerview attack`: how small a change of each image changes the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

import innerview as iv

from ..errors import SettingError
from ..spelling import spelled
from .flags import CLASS, NAME, NUMBER, Out, Photographs
from .flowing import flowing
from .images import usable
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .questions import QUESTION, one_question
from .terminal import Column, on_terminal, table, tell


@Parameter(name="*", group=Group("Afterwards", sort_key=0))
@flowing
@dataclass(frozen=True, kw_only=True)
class AfterwardsOptions:
    """What is looked at when the adversarial examples are there.

    Attributes:
        sphere: look at so many random points around each image, farther away than its adversarial example, and show
            what the network takes them for.
        radius: how far away these points are, as a multiple of the adversarial example's distance.
        explain: a name from innerview methods: show where the first answer comes from, before and after, and how
            alike the two are: 1 is the same, 0 has nothing in common.
    """

    sphere: Annotated[int | None, NUMBER] = None
    radius: Annotated[float, NUMBER] = 2.0
    explain: Annotated[str | None, NAME] = None

    def require(self) -> None:
        """`SettingError` if there is no such method, or a number is outside its range."""
        from ..adversarial.sphere import require_settings

        if self.explain is not None:
            spelled(self.explain, iv.METHODS, "method")
        if self.sphere is not None:
            require_settings(self.sphere, self.radius)

    def points(self, net: "iv.Network", found: "iv.Attack") -> "iv.SphereTest | None":
        """The points around the images, if they are asked for."""
        if self.sphere is None:
            return None
        return iv.sphere(net, found.inputs, found, samples=self.sphere, radius=self.radius)

    def shift(self, net: "iv.Network", found: "iv.Attack", lowered: "iv.Objective | None") -> "iv.Shift | None":
        """How the explanation moved, if that is asked for."""
        if self.explain is None:
            return None
        return iv.shift(net, found, spelled(self.explain, iv.METHODS, "method"), lowered)


NO_MORE = AfterwardsOptions()
"""Only the attack."""


@flowing
def attack(  # noqa: PLR0913 - every option is a parameter
    images: Photographs,
    /,
    *,
    method: Annotated[str, NAME] = "gradientascent",
    target: Annotated[str | None, CLASS] = None,
    objective: Annotated[str | None, QUESTION] = None,
    afterwards: AfterwardsOptions = NO_MORE,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> int:
    """How small a change of each image changes the answer.

    Writes one figure: a row for each image with its adversarial example and the magnified difference. Shows the most
    probable class and its confidence at the image and after each step; for another program the confidence is in 0-1
    and the parts are separated by tabs. An image that cannot be read is named and left out.

    Args:
        method: gradientascent, fgsm, pgd or deepfool; with settings as in pgd:epsilon=0.03,steps=40. Lengths are in
            pixels of 0-1.
        target: the class that the images should become, by name or index; by default any other than now.
        objective: what to lower instead, through all steps, as in "logit:ox - logit:bison", channel:LAYER,42 or
            max:LAYER; its score is shown after each step.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-attack-IMAGE.png in the current folder, named after the first image.
    """
    how = spelled(method, iv.ATTACKS, "attack")
    afterwards.require()
    out = output(out, "attack", images)
    _require_room(out, len(images))
    network = net.load()
    lowered = _lowered(network, objective, target)
    with iv.progress_bar():
        there = usable(network, images)
        found = iv.attack(network, list(there.inputs), how, objective=lowered, target=target)
        points, shift = afterwards.points(network, found), afterwards.shift(network, found, lowered)
    write(found, out, sphere=points, shift=shift)
    _show(found, there.paths, scored=lowered is not None)
    _show_points(points, there.paths)
    _show_shift(shift, there.paths)
    wrote(out)
    return there.code


def _require_room(out: Path, images: int) -> None:
    from ..show.sheets.attribution import MOST_IMAGES

    if out.suffix.lower() != ".safetensors" and images > MOST_IMAGES:
        raise SettingError(f"a figure has room for {MOST_IMAGES} images; got {images}")


def _lowered(net: "iv.Network", objective: str | None, target: str | None) -> "iv.Objective | None":
    """What is to be lowered; None for an attack on the class. Said before the work if it cannot be."""
    if target is not None and objective is not None:
        raise SettingError("an attack has one goal: --target is a class to reach, --objective what to lower")
    if target is not None:
        net.class_index(target)
    return one_question(net, objective, None)


def _show(found: "iv.Attack", paths: Sequence[Path], *, scored: bool) -> None:
    columns = [
        Column("image", style="bold"),
        Column("step", "right"),
        Column("class"),
        Column("index", "right"),
        Column("confidence", "right"),
        *([Column("score", "right")] if scored else []),
    ]
    rows = [row for image, path in enumerate(paths) for row in _rows(found, image, path)]
    table(columns, [row[: len(columns)] for row in rows])


def _rows(found: "iv.Attack", image: int, path: Path) -> list[tuple[str, ...]]:
    """A row for each step, the objective's score at its end; for people the name stands only beside the first."""
    scores = [f"{-each:{'.3g' if on_terminal() else '.6g'}}" for each in found.raised[image].tolist()]
    return [
        (_named(path, first=step == 0), str(step), each.label, str(each.index), _share(each.probability), scores[step])
        for step, each in enumerate(found.history(image))
    ]


def _show_points(points: "iv.SphereTest | None", paths: Sequence[Path]) -> None:
    """How many of the points keep each image's class, and what the network takes them for."""
    if points is None:
        return
    columns = [
        Column("image", style="bold"),
        Column("points", "right"),
        Column("kept", "right"),
        Column("class around it"),
        Column("share", "right"),
    ]
    _below(columns, [row for image, path in enumerate(paths) for row in _around(points, image, path)])


def _around(points: "iv.SphereTest", image: int, path: Path) -> list[tuple[str, ...]]:
    """A row for each class, the most frequent first; for people what is said of the image stands only once."""
    total, kept = int(points.counts[image].sum()), int(points.counts[image, points.classes[image]])
    rows = []
    for label, count in points.ranking(image):
        first = not rows
        numbers = (str(total), str(kept)) if first or not on_terminal() else ("", "")
        rows.append((_named(path, first=first), *numbers, label, _share(count / total)))
    return rows


def _show_shift(shift: "iv.Shift | None", paths: Sequence[Path]) -> None:
    """How alike the explanations before and after are."""
    if shift is None:
        return
    digits = ".2f" if on_terminal() else ".6g"
    rows = [
        (_named(path, first=True), shift.before.objective(image), f"{likeness:{digits}}")
        for image, (path, likeness) in enumerate(zip(paths, shift.similarity.tolist(), strict=True))
    ]
    _below([Column("image", style="bold"), Column("explanation for"), Column("cosine", "right")], rows)


def _below(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Another table, after an empty line."""
    tell("")
    table(columns, rows)


def _named(path: Path, *, first: bool) -> str:
    if not on_terminal():
        return str(path)
    return path.name if first else ""


def _share(share: float) -> str:
    return f"{share:.1%}" if on_terminal() else f"{share:.6g}"
