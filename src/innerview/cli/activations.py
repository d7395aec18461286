"""`innerview activations`: what happens inside for an image."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .ranges import chosen
from .terminal import Column, clean, table, tell
from .writing import named, place, writing

if TYPE_CHECKING:
    from ..activation.compare import Comparison
    from ..activation.maps import Activations

_RULES = ("first", "strongest", "selective", "random")


@flowing
def activations(  # noqa: PLR0913 - every option is a parameter
    image: Path,
    /,
    *,
    layer: Annotated[tuple[str, ...], Parameter(metavar="NAME", show_default=False)] = (),
    channels: Annotated[str, Parameter(metavar="RULE|NUMBERS")] = "strongest",
    count: int | None = None,
    page: int = 0,
    scale: Literal["layer", "channel"] = "layer",
    over: Annotated[bool, Parameter(show_default=False)] = False,
    position: Annotated[tuple[int, int] | None, Parameter(metavar="ROW COLUMN")] = None,
    against: Annotated[Path | None, Parameter(metavar="IMAGE")] = None,
    seed: int = 0,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """What some layers of a network give for an image, channel by channel.

    Writes one figure with a band for each layer, and says of each layer how much of it is active.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF.
        layer: an address as innerview layers lists them, by default one for each resolution. Can be repeated.
        channels: "first", "strongest", "selective" (those that answer at the fewest places first), "random", or
            numbers as in 3,5,8 or 32-63.
        count: how many channels of each layer, by default 50 of one layer and 10 of each of several.
        page: with first, which so many.
        scale: one for each layer, so that its channels can be compared, or one for each channel.
        over: the maps over the photograph.
        position: a pixel of the network's input: what the units there can see is framed.
        against: a second image: for each layer the channels that differ most between the two; of the settings above
            only layer and count then matter.
        seed: for random channels.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-activations-IMAGE.png in the current folder.
    """
    from ..activation.compare import compare
    from ..activation.maps import activations as activations_of
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    out = named(out, f"activations-{image.stem}", FORMATS)
    out = place(out, [image, *([against] if against else [])], FORMATS)
    network = net.load()
    layers = list(layer) or None
    if against is not None:
        compared = compare(network, image, against, layers)
        with writing(out):
            save(compared, out, **({} if count is None else {"count": count}))
        _differences(compared)
    else:
        with progress_bar():
            found = activations_of(network, image, layers)
        rule = channels if channels in _RULES else _numbers(channels)
        settings = {"channels": rule, "count": count, "page": page, "scale": scale, "over": over}
        with writing(out):
            save(found, out, **settings, position=position, seed=seed)
        _statistics(found)
    tell(clean(f"wrote {out}"))


def _numbers(text: str) -> list[int]:
    numbers = chosen(text)
    return [numbers] if isinstance(numbers, int) else numbers or []


def _differences(result: "Comparison") -> None:
    rows = [(name, f"{distance.item():.1%}") for name, distance in result.distances().items()]
    table([Column("layer"), Column("differs by", "right")], rows)


def _statistics(result: "Activations") -> None:
    rows = []
    for name in result:
        shape = "×".join(map(str, result[name].shape[1:]))
        if name in result.grids:
            statistics = result.statistics(name)
            dead = int(statistics.dead.sum())
            rows.append((name, shape, f"{statistics.active.mean():.0%}", str(dead)))
        else:
            rows.append((name, shape, f"{(result[name] > 0).float().mean():.0%}", ""))
    columns = [Column("layer"), Column("shape", "right"), Column("above 0", "right"), Column("dead channels", "right")]
    table(columns, rows)
