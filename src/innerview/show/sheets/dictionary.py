"""The sheets of a layer's units: the strongest at a position, and all of them in groups."""

from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from ...combined.dictionary import SemanticDictionary
from ...combined.groups import NeuronGroups
from ..drawing.cards import Bar, Box, Card, Heading, carded
from ..drawing.colours import Picture, Scale, photograph
from ..drawing.drawn import drawn
from ..drawing.montage import coloured
from ..drawing.titles import plain

Crop = tuple[int, int, int, int]
"""First row, first column, end row and end column (exclusive), in pixels of the network's input."""

_FAINT = 0.05
_DEAD = "no gradient reached it"
_CAPPED = "at its cap: no way back"
_DICTIONARY_KEY = (
    "Framed: the position, and all that it can see.",
    "First picture: what the unit looks for, anywhere.",
    "Second picture: what it found here, projected back to the pixels by {rule} and cut to where there is "
    "something; grey is nothing, each has its own scale.",
    "Contribution: to the score, from here, activation × gradient; red is for the class, blue is against it.",
)
_GROUPS_KEY = (
    "First picture: what the group looks for.",
    "Second picture: where it answers, from dark to light; all groups have one scale.",
    "Contribution: to the score, activation × gradient; red is for the class, blue is against it.",
)
_RULES = {
    "guided": "guided back-propagation",
    "deconvolution": "deconvolution",
    "gradient": "the plain gradient",
}


def dictionary_sheet(result: SemanticDictionary) -> Figure:
    """The image with what the position can see framed, what the layer sees there, and a card for each unit."""
    score, place = result.provenance.objective[0], f"row {result.position[0]}, column {result.position[1]}"
    title = f"{plain(result.provenance.network, 60)}: what {plain(result.layer, 60)} sees at {place}"
    note = (
        f"{plain(score, 60)}: {_number(result.score, '.3g')}; this position contributes {_number(result.contribution)}"
    )
    headings = [
        Heading(
            "what the network saw", photograph(result.picture), [_box(each) for each in (visible(result), cell(result))]
        ),
        Heading("all channels there together" if result.alive[-1] else _DEAD, drawn(result.whole)),
    ]
    rule = _RULES[result.provenance.settings["project"]]
    cards = [_unit_card(result, unit) for unit in range(len(result))]
    return carded((title, note), headings, cards, key=[each.format(rule=rule) for each in _DICTIONARY_KEY])


def groups_sheet(result: NeuronGroups) -> Figure:
    """The image, and a card for each group: its picture, its map over the image, its contribution."""
    score = result.provenance.objective[0]
    title = f"{plain(result.provenance.network, 60)}: {plain(result.layer, 60)} in {len(result)} groups of channels"
    note = (
        f"{plain(score, 60)}: {_number(result.score, '.3g')}; the groups contribute "
        f"{_number(result.contributions.sum())}, what is in none of them {_number(result.remainder)}"
    )
    heading = Heading("what the network saw", photograph(result.picture))
    size = (result.picture.shape[1], result.picture.shape[2])
    maps = functional.interpolate(result.maps[:, None].float(), size, mode="bilinear")[:, 0]
    scale = Scale.of(list(maps), signed=False)
    cards = [
        Card(
            title=f"group {group + 1}",
            note=f"channels {', '.join(map(str, result.channels(group, 4)))}" if result.alive[group] else _DEAD,
            pictures=[drawn(result.pixels[group]), scale.overlay(photograph(result.picture), maps[group])],
            bars=[_contribution(result.contributions, group)],
        )
        for group in range(len(result))
    ]
    return carded((title, note), [heading], cards, key=_GROUPS_KEY)


def visible(result: SemanticDictionary) -> Crop:
    """What the position can see of the image."""
    rows, columns = result.picture.shape[1:]
    if result.field is None:
        return 0, 0, rows, columns
    top, left, bottom, right = result.field.box(*result.position)
    return max(0, top), max(0, left), min(rows, bottom), min(columns, right)


def cell(result: SemanticDictionary) -> Crop:
    """The position's own part of the image, if the layer's grid is laid over it."""
    sides = zip(result.picture.shape[1:], result.grid, result.position, strict=True)
    (top, bottom), (left, right) = ((round(side * at / of), round(side * (at + 1) / of)) for side, of, at in sides)
    return top, left, bottom, right


def extent(result: SemanticDictionary) -> Crop:
    """Where in the image the projections are: all that exceeds a twentieth of their largest value, for any unit."""
    sizes = result.projections.abs().amax(1)
    there = (sizes > _FAINT * sizes.amax((1, 2), keepdim=True)).any(0)
    if not bool(there.any()):
        return visible(result)
    rows, columns = (there.any(axis).nonzero().flatten() for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _box(crop: Crop) -> Box:
    top, left, bottom, right = crop
    return left, top, right - left, bottom - top


def _unit_card(result: SemanticDictionary, unit: int) -> Card:
    top, left, bottom, right = extent(result)
    strength = float(result.activations[unit])
    return Card(
        title=f"channel {int(result.units[unit])}",
        note=_note(result, unit),
        pictures=[drawn(result.pixels[unit]), signed_colours(result.projections[unit, :, top:bottom, left:right])],
        bars=[
            Bar(f"activation {strength:.3g}", strength, float(result.activations.max())),
            _contribution(result.contributions, unit),
        ],
    )


def _note(result: SemanticDictionary, unit: int) -> str:
    if not result.alive[unit]:
        return _DEAD
    return "" if bool(result.projections[unit].any()) else _CAPPED


def _contribution(contributions: Float[Tensor, "part"], part: int) -> Bar:
    contribution = float(contributions[part])
    return Bar(
        f"contribution {_number(contribution)}", contribution, float(contributions.abs().max()) or 1.0, signed=True
    )


def signed_colours(values: Float[Tensor, "channel row column"]) -> Picture:
    """Values around zero as colours around mid-grey, up to the end of their own scale."""
    shown = values if values.shape[0] in (1, 3) else values.mean(0, keepdim=True)
    return coloured(shown.expand(3, -1, -1).cpu(), Scale.of(list(shown), signed=True))


def _number(value: Float[Tensor, ""] | float, form: str = "+.2g") -> str:
    return format(float(value), form).replace("-", "−")
