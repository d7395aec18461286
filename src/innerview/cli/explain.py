"""`innerview explain`: where in the images the answer comes from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import MethodError, SettingError
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .pictures import prepared
from .terminal import clean, complain, tell
from .writing import place, writing

if TYPE_CHECKING:
    from torch import Tensor

    from ..attribution.method import Attribution, Method
    from ..network.network import Network, Prediction
    from ..objectives import Objective

_ALL = "all"


@flowing
def explain(  # noqa: PLR0913 - every option is a parameter
    images: list[Path],
    /,
    *,
    method: Annotated[tuple[str, ...], Parameter(metavar="NAME", show_default=False)] = ("gradcam",),
    target: Annotated[tuple[str, ...], Parameter(metavar="CLASS", show_default=False)] = (),
    against: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    probability: Annotated[bool, Parameter(show_default=False)] = False,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> int:
    """Where in the images the answer comes from.

    Writes one figure: a row for each image, a column for each method and each class. An image that cannot be
    read is named and left out.

    Args:
        images: photographs: JPEG, PNG, WebP, BMP or GIF.
        method: how to look: a name from innerview methods, by default gradcam; with settings as in
            occlusion:window=32,stride=8. "all" takes every method that fits the network. Can be repeated.
        target: the class to explain, by name or index, by default the most probable one of each image. Can be
            repeated.
        against: a second class: explain what speaks for the target rather than for this one.
        probability: explain the probability of the class, not its raw score before softmax.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values of one method and class; by
            default innerview-IMAGE.png in the current folder, named after the first image.
    """
    from ..passes.sharing import sharing
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    methods = _methods(method)
    out = place(out, images, FORMATS)
    _require_room(out, len(images), len(methods), max(1, len(target)))
    network = net.load()
    for each in (*target, *([against] if against else [])):
        network.class_index(each)
    with progress_bar():
        usable = list(prepared(network, images))
        if not usable:
            return 2
        paths, inputs = zip(*usable, strict=True)
        with sharing(network, inputs) as x:
            predictions = [ranking[0] for ranking in network.predict(x, top=1)]
            questions = _questions(predictions, target, against, probability=probability)
            found = _explained(network, x, methods, questions)
    with writing(out):
        save(found, out)
    for path, prediction in zip(paths, predictions, strict=True):
        tell(clean(f"{path.name}: {prediction.label}, {prediction.probability:.1%}"))
    tell(clean(f"wrote {out}"))
    return 0 if len(usable) == len(images) else 2


def _methods(names: Sequence[str]) -> list[tuple["Method", bool]]:
    """The methods asked for, and whether each was asked for by name."""
    from ..attribution.catalogue import METHODS, from_text

    named = [from_text(name) for name in names if name != _ALL]
    others = [kind() for kind in METHODS.values()] if _ALL in names else []
    return [(each, True) for each in named] + [(each, False) for each in others if each not in named]


def _require_room(out: Path, images: int, methods: int, targets: int) -> None:
    """Say before the work, not after it, that the results will not fit into the file."""
    from ..show.sheets.attribution import MOST_IMAGES, MOST_MAPS

    asked = f"got {images} images, {methods} methods and {targets} classes"
    if out.suffix.lower() == ".safetensors":
        if methods * targets > 1:
            raise SettingError(f"a .safetensors file holds the values of one method and one class; {asked}")
    elif images > MOST_IMAGES or methods * targets > MOST_MAPS:
        raise SettingError(
            f"a figure has room for {MOST_IMAGES} images and, of each, {MOST_MAPS} maps: one for each method and "
            f"class; {asked}"
        )


def _questions(
    predictions: Sequence["Prediction"], target: Sequence[str], against: str | None, *, probability: bool
) -> list[list["Objective"]]:
    """For each class asked about, a question for each image; by default about the most probable class."""
    from ..objectives import Logit, Probability

    score = Probability if probability else Logit
    classes = [[each] * len(predictions) for each in target] or [[each.index for each in predictions]]
    return [[score(one) - score(against) if against else score(one) for one in column] for column in classes]


def _explained(
    net: "Network",
    images: "Tensor",
    methods: Sequence[tuple["Method", bool]],
    questions: Sequence[list["Objective"]],
) -> list["Attribution"]:
    """A result for each method and question; a method that was not asked for by name may fail to apply."""
    found: list[Attribution] = []
    for method, named in methods:
        try:
            found += [method(net, images, question) for question in questions]
        except MethodError as error:
            if named:
                raise
            complain(f"{type(method).__name__} is left out: {error}")
    if not found:
        raise MethodError(f"no method of the catalogue can be applied to {net.name}")
    return found
