"""`innerview groups`: what a layer sees in an image, in a few groups of channels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .flowing import flowing
from .one_layer import layer_named
from .options import BUILTIN, NetworkOptions
from .questions import Asked, one_question
from .recipes import recipe_named
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, place, writing

if TYPE_CHECKING:
    from ..combined.groups import NeuronGroups

_MEMBERS = 8


@flowing
def groups(  # noqa: PLR0913 - every option is a parameter
    image: Path,
    /,
    *,
    layer: Annotated[str | None, Parameter(metavar="NAME")] = None,
    groups: Annotated[int, Parameter(metavar="NUMBER")] = 6,
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    objective: Asked = None,
    recipe: Annotated[str, Parameter(metavar="NAME")] = "clear",
    steps: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """What a layer sees in an image, in a few groups of channels that answer together.

    Writes one figure: for each group a picture of what it looks for, and where it answers. Shows which channels belong
    most to each, and how much each contributes to the score of the class; what is in no group is the rest.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF.
        layer: an address as innerview layers lists them, by default the last with a grid of features.
        groups: how many groups.
        target: the class whose score is shared out, by name or index; by default the most probable one.
        objective: what else is shared out, as in "logit:ox - logit:bison", probability:CLASS or channel:LAYER,42.
        recipe: how the pictures are made: clear, lucid, lecture or maco, as for innerview synthesize.
        steps: how many steps each picture climbs, by default as many as the recipe says.
        seed: of the noise that they start from.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-groups-IMAGE.png in the current folder.
    """
    from ..combined.groups import neuron_groups
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    how = recipe_named(recipe)
    out = place(named(out, f"groups-{image.stem}", FORMATS), [image], FORMATS)
    network = net.load()
    asked = one_question(network, objective, target)
    x = network.prepare(image)
    where = layer_named(network, x, layer)
    with progress_bar():
        found = neuron_groups(network, x, where, objective=asked, groups=groups, recipe=how, steps=steps, seed=seed)
    with writing(out):
        save(found, out)
    _show(found)
    tell(clean(f"wrote {out}"))


def _show(found: "NeuronGroups") -> None:
    form = "+.3g" if on_terminal() else "+.6g"
    rows = [
        (str(group + 1), ", ".join(map(str, found.channels(group, _MEMBERS))), format(contribution, form))
        for group, contribution in enumerate(found.contributions.tolist())
    ]
    rows.append(("rest", "", format(float(found.remainder), form)))
    table([Column("group", "right"), Column("channels"), Column("contribution", "right")], rows)
