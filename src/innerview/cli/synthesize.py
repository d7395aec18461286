"""`innerview synthesize`: the picture that answers a question best."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import SettingError
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .questions import counted, questions
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, writing

if TYPE_CHECKING:
    from ..synthesis.recipe import Recipe
    from ..synthesis.result import Synthesis


@flowing
def synthesize(  # noqa: PLR0913 - every option is a parameter
    *,
    objective: Annotated[tuple[str, ...], Parameter(metavar="QUESTION", show_default=False)] = (),
    target: Annotated[tuple[str, ...], Parameter(metavar="CLASS", show_default=False)] = (),
    recipe: Annotated[str, Parameter(metavar="NAME")] = "lucid",
    steps: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    starts: Annotated[int, Parameter(metavar="NUMBER")] = 1,
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0,
    diversity: Annotated[float, Parameter(metavar="NUMBER")] = 0.0,
    snapshots: Annotated[str | None, Parameter(metavar="STEPS")] = None,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """The picture that answers a question best.

    Writes one figure with a picture for each question, and shows how strongly each picture answers it. The picture
    has as many pixels as the network's input; --size changes both.

    Args:
        objective: the question: channel:LAYER,42 or channel:LAYER,0-8, neuron:LAYER,42 or, with row and column,
            neuron:LAYER,42,3,4, energy:LAYER, logit:CLASS, probability:CLASS. Can be repeated.
        target: a class whose raw score is raised, by name or index. Can be repeated.
        recipe: how the picture is made: lucid (smooth forms, seen shifted, resized and turned), lecture (plain
            pixels) or maco (the spectrum of natural images, seen in parts).
        steps: how many steps the picture climbs, by default as many as the recipe says.
        starts: how many pictures for each question, from different noise.
        seed: of the noise.
        diversity: how much the likeness of several starts counts against them; 100 is much.
        snapshots: the steps after which the picture is shown as well, as in 1,16,64.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-synthesis.png in the current folder.
    """
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save
    from ..synthesis.synthesize import synthesize as synthesized

    how = replace(_recipe(recipe), diversity=diversity)
    out = named(out, "synthesis", FORMATS)
    network = net.load()
    asked = questions(network, objective, target)
    if not asked:
        raise SettingError(
            'say what the picture should answer: --target CLASS, or --objective QUESTION as in "channel:layer3,42"'
        )
    moments = counted(snapshots) if snapshots else ()
    with progress_bar():
        found = synthesized(network, asked, recipe=how, steps=steps, seed=seed, starts=starts, snapshots=moments)
    with writing(out):
        save(found, out)
    show(found)
    tell(clean(f"wrote {out}"))


def show(found: "Synthesis") -> None:
    """A table of what each picture was to answer, and how strongly it does."""
    person = on_terminal()
    rows = [
        (
            str(picture),
            found.objective(picture),
            f"{score:.3g}" if person else f"{score:.6g}",
            "yes" if alive else "no gradient",
        )
        for picture, (score, alive) in enumerate(zip(found.scores.tolist(), found.alive.tolist(), strict=True))
    ]
    table([Column("picture", "right"), Column("question", wraps=True), Column("score", "right"), Column("made")], rows)


def _recipe(name: str) -> "Recipe":
    from ..synthesis.recipe import RECIPES

    if name.lower() not in RECIPES:
        raise SettingError(f"no recipe {name!r}; the recipes are {', '.join(RECIPES)}")
    return RECIPES[name.lower()]
