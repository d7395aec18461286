"""`innerview dictionary`: what a network sees at one position of an image, unit by unit."""

from typing import Annotated, Literal

import innerview as iv

from .climbing import AS_USUAL, ClimbingOptions
from .flags import NUMBER, PLACE, LastGrid, Out, Photograph
from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .questions import NOTHING_ASKED, QuestionOptions
from .terminal import Column, on_terminal, table

_NUMBERS = ("row", "column", "channel", "activation", "contribution")


@flowing
def dictionary(  # noqa: PLR0913 - every option is a parameter
    image: Photograph,
    /,
    *,
    layer: LastGrid = None,
    position: Annotated[tuple[int, int] | None, PLACE] = None,
    units: Annotated[int, NUMBER] = 6,
    project: Literal["guided", "deconvolution", "gradient"] = "guided",
    question: QuestionOptions = NOTHING_ASKED,
    climbing: ClimbingOptions = AS_USUAL,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """What the network sees at one position of an image, unit by unit.

    Writes one figure: the strongest units there, each with a picture of what it looks for and what it found in the
    image. Shows how strong each is, and how much it contributes from there to what is asked about.

    Args:
        position: row and column of the layer's own grid, counted from 0; by default where it contributes most.
        units: how many units.
        project: how what a unit found goes back to the pixels.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-dictionary-IMAGE.png in the current folder.
    """
    how = {"units": units, "project": project, **climbing.settings}
    out = output(out, "dictionary", [image])
    network = net.load()
    asked = question.asked(network)
    with iv.progress_bar():
        found = iv.semantic_dictionary(network, image, layer, position, objective=asked, **how)
    write(found, out)
    _show(found)
    wrote(out)


def _show(found: "iv.SemanticDictionary") -> None:
    form = ".3g" if on_terminal() else ".6g"
    numbers = zip(found.units.tolist(), found.activations.tolist(), found.contributions.tolist(), strict=True)
    row, column = found.position
    rows = [
        (found.layer, str(row), str(column), str(unit), format(strength, form), format(contribution, f"+{form}"))
        for unit, strength, contribution in numbers
    ]
    table([Column("layer"), *(Column(name, "right") for name in _NUMBERS)], rows)
