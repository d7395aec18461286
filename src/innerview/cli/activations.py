"""`innerview activations`: what happens inside for an image."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

import innerview as iv

from .flags import LAYER, NUMBER, PLACE, REPEATED, SWITCH, Out, Page, Photograph, Seed
from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .ranges import counted
from .terminal import Column, table

_RULES = ("first", "strongest", "selective", "random")


@Parameter(name="*", group=Group("Channels", sort_key=0))
@flowing
@dataclass(frozen=True, kw_only=True)
class ChannelOptions:
    """Which channels are shown, and how.

    Attributes:
        channels: "first", "strongest", "selective" (those that answer at the fewest places first), "random", or
            numbers as in 3,5,8 or 32-63.
        count: how many channels of each layer, by default 50 of one layer and 10 of each of several.
        scale: one shared by all, so that they can be compared, or each its own.
        over: the maps over the photograph.
        pixel: a pixel of the network's input: what the units there can see is framed.
    """

    channels: Annotated[str, Parameter(metavar="RULE|NUMBERS")] = "strongest"
    count: Annotated[int | None, NUMBER] = None
    page: Page = 0
    scale: Literal["shared", "each"] = "shared"
    over: Annotated[bool, SWITCH] = False
    pixel: Annotated[tuple[int, int] | None, PLACE] = None
    seed: Seed = 0

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the figure; `SettingError` if the channels are neither a rule nor numbers."""
        return asdict(self) | {"channels": self.channels if self.channels in _RULES else counted(self.channels)}


ALL_AS_USUAL = ChannelOptions()
"""What is used where nothing is asked for."""


@flowing
def activations(  # noqa: PLR0913 - every option is a parameter
    image: Photograph,
    /,
    *,
    layer: Annotated[tuple[str, ...], LAYER, REPEATED] = (),
    compare: Annotated[Path | None, Parameter(metavar="IMAGE")] = None,
    shown: ChannelOptions = ALL_AS_USUAL,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """What happens inside for an image, layer by layer and channel by channel.

    Writes one figure with a band for each layer, and says of each layer how much of it is active.

    Args:
        layer: an address as innerview layers lists them, by default one for each resolution. Can be repeated.
        compare: a second image: for each layer the channels that differ most between the two; of the settings of
            channels only --count then matters.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-activations-IMAGE.png in the current folder.
    """
    settings, layers = shown.settings, list(layer) or None
    out = output(out, "activations", [image, *([compare] if compare else [])])
    network = net.load()
    if compare is not None:
        compared = iv.compare(network, image, compare, layers)
        write(compared, out, **({} if shown.count is None else {"count": shown.count}))
        _differences(compared)
    else:
        with iv.progress_bar():
            found = iv.activations(network, image, layers)
        write(found, out, **settings)
        _statistics(found)
    wrote(out)


def _differences(result: "iv.Comparison") -> None:
    rows = [(name, f"{distance.item():.1%}") for name, distance in result.distances().items()]
    table([Column("layer"), Column("differs by", "right")], rows)


def _statistics(result: "iv.Activations") -> None:
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
