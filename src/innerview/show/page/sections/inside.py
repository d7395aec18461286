"""What happens inside for this image: the strongest channels of some layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from ....activation.maps import Activations, activations
from ....errors import LayerError
from ...drawing.titles import plain
from ...sheets.activations import channel_pictures
from ..plates import Plate
from ..section import Part, Section, Visit

CHANNELS = 16


@dataclass(frozen=True)
class Inside:
    """A plate for each layer, or why there is none."""

    plates: list[Plate]
    refusal: str = ""


def inside(visit: Visit) -> Inside:
    """The strongest channels of one layer for each resolution."""
    try:
        found = activations(visit.net, visit.image)
    except LayerError as error:
        return Inside([], plain(str(error), 600))
    return Inside([plate(found, layer) for layer in found.grids])


def plate(found: Activations, layer: str) -> Plate:
    """The strongest channels of one layer, on one scale."""
    maps = found.maps(layer)[0]
    channels = found.channels(layer, "strongest", CHANNELS)
    tiles, scale = channel_pictures([maps[channel] for channel in channels], scale="shared")
    pictures = [(f"Channel {channel} of {plain(layer)}", tile) for channel, tile in zip(channels, tiles, strict=True)]
    key = "red is above zero, blue below" if scale and scale.signed else "the brighter, the larger"
    return Plate.of(plain(layer), _shown(found, layer, len(channels)), pictures, scale=scale, key=key)


def _shown(found: Activations, layer: str, shown: int) -> str:
    channels, rows, columns = found.grids[layer].shape[1:]
    statistics = found.statistics(layer)
    dead = int(statistics.dead.sum())
    quiet = f" {dead} {'is' if dead == 1 else 'are'} above zero nowhere in this image." if dead else ""
    active = f"{statistics.active.mean():.0%} of the values are above zero."
    return f"{channels} channels of {rows} × {columns}; here the {shown} strongest. {active}{quiet}"


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("what happens inside", lambda: inside(visit))]


SECTION = Section(
    anchor="inside",
    title="What happens inside?",
    lead="Each channel of a layer answers to one pattern, everywhere in the image. Early layers keep the picture and "
    "answer to edges and colours; late ones keep little of where things are and answer to what tells classes apart.",
    parts=_parts,
)
