"""`innerview dictionary`: what a network sees at one position of an image, unit by unit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .flowing import flowing
from .one_layer import layer_named
from .options import BUILTIN, NetworkOptions
from .questions import Asked, one_question
from .recipes import recipe_named
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, place, writing

if TYPE_CHECKING:
    from ..combined.dictionary import SemanticDictionary

_NUMBERS = ("row", "column", "channel", "activation", "contribution")


@flowing
def dictionary(  # noqa: PLR0913 - every option is a parameter
    image: Path,
    /,
    *,
    layer: Annotated[str | None, Parameter(metavar="NAME")] = None,
    position: Annotated[tuple[int, int] | None, Parameter(metavar="ROW COLUMN")] = None,
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    objective: Asked = None,
    units: Annotated[int, Parameter(metavar="NUMBER")] = 6,
    project: Literal["guided", "deconvolution", "gradient"] = "guided",
    recipe: Annotated[str, Parameter(metavar="NAME")] = "clear",
    steps: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """What the network sees at one position of an image, unit by unit.

    Writes one figure: the strongest units there, each with a picture of what it looks for and what it found in the
    image. Shows how strong each is, and how much it contributes to the score of the class from there.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF.
        layer: an address as innerview layers lists them, by default the last with a grid of features.
        position: row and column of the layer's own grid, counted from 0; by default where it contributes most.
        target: the class whose score is shared out, by name or index; by default the most probable one.
        objective: what else is shared out, as in "logit:ox - logit:bison", probability:CLASS or channel:LAYER,42.
        units: how many units.
        project: how what a unit found goes back to the pixels.
        recipe: how the pictures are made: clear, lucid, lecture or maco, as for innerview synthesize.
        steps: how many steps each picture climbs, by default as many as the recipe says.
        seed: of the noise that they start from.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-dictionary-IMAGE.png in the current folder.
    """
    from ..combined.dictionary import semantic_dictionary as looked_up
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    how = recipe_named(recipe)
    out = place(named(out, f"dictionary-{image.stem}", FORMATS), [image], FORMATS)
    network = net.load()
    asked = one_question(network, objective, target)
    x = network.prepare(image)
    where = layer_named(network, x, layer)
    with progress_bar():
        found = looked_up(
            network,
            x,
            where,
            position,
            objective=asked,
            units=units,
            project=project,
            recipe=how,
            steps=steps,
            seed=seed,
        )
    with writing(out):
        save(found, out)
    _show(found)
    tell(clean(f"wrote {out}"))


def _show(found: "SemanticDictionary") -> None:
    form = ".3g" if on_terminal() else ".6g"
    numbers = zip(found.units.tolist(), found.activations.tolist(), found.contributions.tolist(), strict=True)
    row, column = found.position
    rows = [
        (found.layer, str(row), str(column), str(unit), format(strength, form), format(contribution, f"+{form}"))
        for unit, strength, contribution in numbers
    ]
    table([Column("layer"), *(Column(name, "right") for name in _NUMBERS)], rows)
