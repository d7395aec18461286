"""`innerview groups`: what a layer sees in an image, in a few groups of channels."""

from typing import Annotated

import innerview as iv

from .climbing import AS_USUAL, ClimbingOptions
from .flags import NUMBER, LastGrid, Out, Photograph
from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .questions import NOTHING_ASKED, QuestionOptions
from .terminal import Column, on_terminal, table

_MEMBERS = 8


@flowing
def groups(  # noqa: PLR0913 - every option is a parameter
    image: Photograph,
    /,
    *,
    layer: LastGrid = None,
    groups: Annotated[int, NUMBER] = 6,
    question: QuestionOptions = NOTHING_ASKED,
    climbing: ClimbingOptions = AS_USUAL,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """What a layer sees in an image, in a few groups of channels that answer together.

    Writes one figure: for each group a picture of what it looks for, and where it answers. Shows which channels belong
    most to each, and how much each contributes to what is asked about; what is in no group is the rest.

    Args:
        groups: how many groups.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-groups-IMAGE.png in the current folder.
    """
    how = climbing.settings
    out = output(out, "groups", [image])
    network = net.load()
    asked = question.asked(network)
    with iv.progress_bar():
        found = iv.neuron_groups(network, image, layer, objective=asked, groups=groups, **how)
    write(found, out)
    _show(found)
    wrote(out)


def _show(found: "iv.NeuronGroups") -> None:
    form = "+.3g" if on_terminal() else "+.6g"
    rows = [
        (str(group + 1), ", ".join(map(str, found.channels(group, _MEMBERS))), format(contribution, form))
        for group, contribution in enumerate(found.contributions.tolist())
    ]
    rows.append(("rest", "", format(float(found.remainder), form)))
    table([Column("group", "right"), Column("channels"), Column("contribution", "right")], rows)
