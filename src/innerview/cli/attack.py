"""`innerview attack`: how small a change of each image changes the answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import SettingError
from ..spelling import spelled
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .pictures import prepared
from .questions import Asked, one_question
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, place, writing

if TYPE_CHECKING:
    from ..adversarial.result import Attack
    from ..adversarial.sphere import SphereTest
    from ..combined.shift import Shift
    from ..network.network import Network
    from ..objectives import Objective


@flowing
def attack(  # noqa: PLR0913 - every option is a parameter
    images: list[Path],
    /,
    *,
    method: Annotated[str, Parameter(metavar="NAME")] = "gradientascent",
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    objective: Asked = None,
    sphere: Annotated[int | None, Parameter(metavar="POINTS")] = None,
    radius: Annotated[float, Parameter(metavar="NUMBER")] = 2.0,
    explain: Annotated[str | None, Parameter(metavar="NAME")] = None,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> int:
    """How small a change of each image changes the answer.

    Writes one figure: a row for each image with its adversarial example and the magnified difference. Shows the most
    probable class and its confidence at the image and after each step; for another program the confidence is in 0-1
    and the parts are separated by tabs. An image that cannot be read is named and left out.

    Args:
        images: photographs: JPEG, PNG, WebP, BMP or GIF.
        method: gradientascent, fgsm, pgd or deepfool; with settings as in pgd:epsilon=0.03,steps=40. Lengths are in
            pixels of 0-1.
        target: the class that the images should become, by name or index; by default any other than now.
        objective: what to lower instead, through all steps, as in "logit:ox - logit:bison", channel:LAYER,42 or
            max:LAYER; its score is shown after each step.
        sphere: look at so many random points around each image, farther away than its adversarial example, and show
            what the network takes them for.
        radius: how far away these points are, as a multiple of the adversarial example's distance.
        explain: a name from innerview methods: show where the first answer comes from, before and after, and how
            alike the two are: 1 is the same, 0 has nothing in common.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-attack-IMAGE.png in the current folder, named after the first image.
    """
    from ..adversarial.attack import attack as attacked
    from ..adversarial.catalogue import ATTACKS
    from ..adversarial.sphere import require_settings
    from ..adversarial.sphere import sphere as around
    from ..attribution.catalogue import from_text
    from ..combined.shift import shift
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    how, explained = spelled(method, ATTACKS, "attack"), explain and from_text(explain)
    if sphere is not None:
        require_settings(sphere, radius)
    out = place(named(out, f"attack-{images[0].stem}", FORMATS), images, FORMATS)
    _require_room(out, len(images))
    network = net.load()
    lowered = _lowered(network, objective, target)
    with progress_bar():
        usable = list(prepared(network, images))
        if not usable:
            return 2
        paths, inputs = zip(*usable, strict=True)
        found = attacked(network, list(inputs), how, objective=lowered, target=target)
        points = None if sphere is None else around(network, found.inputs, found, samples=sphere, radius=radius)
        moved = shift(network, found, explained, lowered) if explained else None
    with writing(out):
        save(found, out, sphere=points, shift=moved)
    _show(found, paths, scored=lowered is not None)
    _show_points(points, paths)
    _show_moved(moved, paths)
    tell(clean(f"wrote {out}"))
    return 0 if len(usable) == len(images) else 2


def _require_room(out: Path, images: int) -> None:
    from ..show.sheets.attribution import MOST_IMAGES

    if out.suffix.lower() != ".safetensors" and images > MOST_IMAGES:
        raise SettingError(f"a figure has room for {MOST_IMAGES} images; got {images}")


def _lowered(net: "Network", objective: str | None, target: str | None) -> "Objective | None":
    """What is to be lowered; None for an attack on the class. Said before the work if it cannot be."""
    if target is not None and objective is not None:
        raise SettingError("an attack has one goal: --target is a class to reach, --objective what to lower")
    if target is not None:
        net.class_index(target)
    return one_question(net, objective, None)


def _show(found: "Attack", paths: Sequence[Path], *, scored: bool) -> None:
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


def _rows(found: "Attack", image: int, path: Path) -> list[tuple[str, ...]]:
    """A row for each step, the objective's score at its end; for people the name stands only beside the first."""
    scores = [f"{-each:{'.3g' if on_terminal() else '.6g'}}" for each in found.raised[image].tolist()]
    return [
        (_named(path, first=step == 0), str(step), each.label, str(each.index), _share(each.probability), scores[step])
        for step, each in enumerate(found.history(image))
    ]


def _show_points(points: "SphereTest | None", paths: Sequence[Path]) -> None:
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


def _around(points: "SphereTest", image: int, path: Path) -> list[tuple[str, ...]]:
    """A row for each class, the most frequent first; for people what is said of the image stands only once."""
    total, kept = int(points.counts[image].sum()), int(points.counts[image, points.classes[image]])
    rows = []
    for label, count in points.ranking(image):
        first = not rows
        numbers = (str(total), str(kept)) if first or not on_terminal() else ("", "")
        rows.append((_named(path, first=first), *numbers, label, _share(count / total)))
    return rows


def _show_moved(moved: "Shift | None", paths: Sequence[Path]) -> None:
    """How alike the explanations before and after are."""
    if moved is None:
        return
    digits = ".2f" if on_terminal() else ".6g"
    rows = [
        (_named(path, first=True), moved.before.objective(image), f"{likeness:{digits}}")
        for image, (path, likeness) in enumerate(zip(paths, moved.similarity.tolist(), strict=True))
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
