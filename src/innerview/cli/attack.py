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
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, place, writing

if TYPE_CHECKING:
    from ..adversarial.result import Attack


@flowing
def attack(
    images: list[Path],
    /,
    *,
    method: Annotated[str, Parameter(metavar="NAME")] = "gradientascent",
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
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
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-attack-IMAGE.png in the current folder, named after the first image.
    """
    from ..adversarial.attack import attack as attacked
    from ..adversarial.catalogue import ATTACKS
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save
    from ..show.sheet import MOST_IMAGES

    how = spelled(method, ATTACKS, "attack")
    out = place(named(out, f"attack-{images[0].stem}", FORMATS), images, FORMATS)
    if out.suffix.lower() != ".safetensors" and len(images) > MOST_IMAGES:
        raise SettingError(f"a figure has room for {MOST_IMAGES} images; got {len(images)}")
    network = net.load()
    if target is not None:
        network.class_index(target)
    with progress_bar():
        usable = list(prepared(network, images))
        if not usable:
            return 2
        paths, inputs = zip(*usable, strict=True)
        found = attacked(network, list(inputs), how, target=target)
    with writing(out):
        save(found, out)
    _show(found, paths)
    tell(clean(f"wrote {out}"))
    return 0 if len(usable) == len(images) else 2


def _show(found: "Attack", paths: Sequence[Path]) -> None:
    columns = [
        Column("image", style="bold"),
        Column("step", "right"),
        Column("class"),
        Column("index", "right"),
        Column("confidence", "right"),
    ]
    table(columns, [row for image, path in enumerate(paths) for row in _rows(found, image, path)])


def _rows(found: "Attack", image: int, path: Path) -> list[tuple[str, ...]]:
    """A row for each step; for people the image's name stands only beside the first."""
    person = on_terminal()
    return [
        (
            ("" if step else path.name) if person else str(path),
            str(step),
            each.label,
            str(each.index),
            f"{each.probability:.1%}" if person else f"{each.probability:.6g}",
        )
        for step, each in enumerate(found.history(image))
    ]
