"""`innerview explain`: where in the images the answer comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import innerview as iv

from ..errors import MethodError, SettingError
from ..spelling import spelled
from .flags import CLASS, NAME, REPEATED, SWITCH, Out, Photographs
from .flowing import flowing
from .images import usable
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .questions import ASKED, NONE_ASKED, QuestionsOptions
from .terminal import clean, complain, tell

if TYPE_CHECKING:
    from torch import Tensor

_ALL = "all"


@Parameter(name="*", group=ASKED)
@flowing
@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What of a class is explained.

    Attributes:
        against: a second class: explain what speaks for the target rather than for this one.
        probability: explain the probability of the class, not its raw score before softmax.
    """

    against: Annotated[str | None, CLASS] = None
    probability: Annotated[bool, SWITCH] = False

    def __call__(self, one: int | str) -> "iv.Objective":
        """The question about a class, by its index or name."""
        score = iv.Probability if self.probability else iv.Logit
        return score(one) - score(self.against) if self.against else score(one)

    def require(self, questions: QuestionsOptions) -> None:
        """`SettingError` if there is a question, but about no class."""
        if (self.against or self.probability) and questions.objective and not questions.target:
            raise SettingError(
                '--against and --probability go with --target; an objective says it all, as in "logit:ox - '
                'logit:bison" or "probability:ox"'
            )


LOGIT = ScoreOptions()
"""What is explained where nothing else is asked for."""


@flowing
def explain(  # noqa: PLR0913 - every option is a parameter
    images: Photographs,
    /,
    *,
    method: Annotated[tuple[str, ...], NAME, REPEATED] = ("gradcam",),
    questions: QuestionsOptions = NONE_ASKED,
    score: ScoreOptions = LOGIT,
    style: Literal["overlay", "map", "cells", "rgb"] = "overlay",
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> int:
    """Where in the images the answer comes from.

    Writes one figure: a row for each image, a column for each method and each question; by default the question is
    each image's most probable class. An image that cannot be read is named and left out.

    Args:
        method: how to look: a name from innerview methods, by default gradcam; with settings as in
            occlusion:window=32,stride=8. "all" takes every method that fits the network. Can be repeated.
        style: the maps over the photographs, or alone, or alone and with each method's own grid as it is, such as one
            value for each position of occlusion's window; or, of gradient, deconvolution and their like, the values as
            a picture, mid-grey at zero.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values of one method and question; by
            default innerview-explain-IMAGE.png in the current folder, named after the first image.
    """
    methods = _methods(method)
    out = output(out, "explain", images)
    score.require(questions)
    _require_room(out, len(images), len(methods), max(1, len(questions)))
    network = net.load()
    asked = _asked(network, questions, score)
    with iv.progress_bar():
        there = usable(network, images)
        with iv.sharing(network, there.inputs) as x:
            best = [ranking[0] for ranking in network.predict(x, top=1)]
            own = iv.PerImage(tuple(score(each.index) for each in best))
            found = _explained(network, x, methods, asked or [own])
    write(found, out, style=style)
    _say_why_silent(found)
    for path, prediction in zip(there.paths, best, strict=True):
        tell(clean(f"{path.name}: {prediction.label}, {prediction.probability:.1%}"))
    wrote(out)
    return there.code


def _say_why_silent(found: Sequence["iv.Attribution"]) -> None:
    """Why some maps are zero everywhere."""
    from ..show.drawing.titles import silence

    if sentences := silence(found, range(len(found[0]))):
        complain(sentences)


def _asked(net: "iv.Network", questions: QuestionsOptions, score: ScoreOptions) -> "list[iv.Objective]":
    if score.against:
        net.class_index(score.against)
    return questions.asked(net, score)


def _methods(names: Sequence[str]) -> list[tuple["iv.Method", bool]]:
    """The methods asked for, and whether each was asked for by name."""
    named = [spelled(name, iv.METHODS, "method") for name in names if name != _ALL]
    others = [kind() for kind in iv.METHODS.values()] if _ALL in names else []
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


def _explained(
    net: "iv.Network",
    images: "Tensor",
    methods: Sequence[tuple["iv.Method", bool]],
    asked: Sequence["iv.Objective"],
) -> list["iv.Attribution"]:
    """A result for each method and question; a method that was not asked for by name may fail to apply."""
    found: list[iv.Attribution] = []
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
