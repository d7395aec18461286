"""`innerview explain`: where in the images the answer comes from."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import MethodError, SettingError
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .pictures import prepared
from .questions import SeveralAsked, questions, spelled
from .terminal import clean, complain, tell
from .writing import place, writing

if TYPE_CHECKING:
    from torch import Tensor

    from ..attribution.method import Attribution, Method
    from ..network.network import Network
    from ..objectives import Objective

_ALL = "all"


@flowing
def explain(  # noqa: PLR0913 - every option is a parameter
    images: list[Path],
    /,
    *,
    method: Annotated[tuple[str, ...], Parameter(metavar="NAME", show_default=False)] = ("gradcam",),
    target: Annotated[tuple[str, ...], Parameter(metavar="CLASS", show_default=False)] = (),
    objective: SeveralAsked = (),
    against: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    probability: Annotated[bool, Parameter(show_default=False)] = False,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> int:
    """Where in the images the answer comes from.

    Writes one figure: a row for each image, a column for each method and each question. An image that cannot be
    read is named and left out.

    Args:
        images: photographs: JPEG, PNG, WebP, BMP or GIF.
        method: how to look: a name from innerview methods, by default gradcam; with settings as in
            occlusion:window=32,stride=8. "all" takes every method that fits the network. Can be repeated.
        target: the class to explain, by name or index, by default the most probable one of each image. Can be
            repeated.
        objective: what else to explain, as in "logit:ox - logit:bison", channel:LAYER,42 or, nine of them,
            channel:LAYER,0-8; neuron:LAYER,42,ROW,COLUMN, max:LAYER, energy:LAYER. Can be repeated.
        against: a second class: explain what speaks for the target rather than for this one.
        probability: explain the probability of the class, not its raw score before softmax.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values of one method and question;
            by default innerview-IMAGE.png in the current folder, named after the first image.
    """
    from ..objectives import PerImage
    from ..passes.sharing import sharing
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    methods = _methods(method)
    out = place(out, images, FORMATS)
    about = _about(against, probability, alone=bool(objective) and not target)
    _require_room(out, len(images), len(methods), max(1, len(target) + len(spelled(objective))))
    network = net.load()
    if against:
        network.class_index(against)
    asked = [*(about(each).bind(network) for each in target), *questions(network, objective)]
    with progress_bar():
        usable = list(prepared(network, images))
        if not usable:
            return 2
        paths, inputs = zip(*usable, strict=True)
        with sharing(network, inputs) as x:
            predictions = [ranking[0] for ranking in network.predict(x, top=1)]
            own = PerImage(tuple(about(each.index) for each in predictions))
            found = _explained(network, x, methods, asked or [own])
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


def _require_room(out: Path, images: int, methods: int, questions: int) -> None:
    """Say before the work, not after it, that the results will not fit into the file."""
    from ..show.sheets.attribution import MOST_IMAGES, MOST_MAPS

    asked = f"got {images} images, {methods} methods and {questions} questions"
    if out.suffix.lower() == ".safetensors":
        if methods * questions > 1:
            raise SettingError(f"a .safetensors file holds the values of one method and one question; {asked}")
    elif images > MOST_IMAGES or methods * questions > MOST_MAPS:
        raise SettingError(
            f"a figure has room for {MOST_IMAGES} images and, of each, {MOST_MAPS} maps: one for each method and "
            f"question; {asked}"
        )


def _about(against: str | None, probability: bool, *, alone: bool) -> Callable[[int | str], "Objective"]:
    """The question about a class, by its index or name; with `alone` none is asked about."""
    from ..objectives import Logit, Probability

    if alone and (against or probability):
        raise SettingError(
            '--against and --probability go with --target; an objective says it all, as in "logit:ox - logit:bison" or '
            '"probability:ox"'
        )
    score = Probability if probability else Logit
    return lambda one: score(one) - score(against) if against else score(one)


def _explained(
    net: "Network",
    images: "Tensor",
    methods: Sequence[tuple["Method", bool]],
    asked: Sequence["Objective"],
) -> list["Attribution"]:
    """A result for each method and question; a method that was not asked for by name may fail to apply."""
    found: list[Attribution] = []
    for method, named in methods:
        try:
            found += [method(net, images, question) for question in asked]
        except MethodError as error:
            if named:
                raise
            complain(f"{type(method).__name__} is left out: {error}")
    if not found:
        raise MethodError(f"no method of the catalogue can be applied to {net.name}")
    return found
