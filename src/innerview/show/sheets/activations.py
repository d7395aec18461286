"""What layers give for an image: their channels as small pictures, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ...activation.compare import Comparison
from ...activation.maps import Activations, Choice
from ...errors import SettingError
from ...operations.receptive_field import ReceptiveField
from ...settings import AtLeast, AtMost, Seed, Settings, Whole
from ..drawing.bands import Band, Box, stacked
from ..drawing.colours import Heatmap, Picture, Scale, Sharing, photograph
from ..drawing.montage import Resized, in_rows, montage
from ..drawing.titles import plain

SIDE = 96  # pixels of the longer side of a tile
GAP = 13  # between tiles, with room for a number
IN_A_ROW = 10
MOST_TILES = 100
ALONE, TOGETHER = 50, 10  # tiles of a layer: when it stands alone, and among others
WORDS = {
    "first": "{} in their order",
    "strongest": "the {} strongest",
    "selective": "the {} most selective",
    "random": "{} at random",
}


@dataclass(frozen=True)
class Look(Settings):
    """How the channels of a layer are shown.

    Attributes:
        channels: which: by a rule or by their numbers.
        count: how many of each layer; by default 50 of one layer, 10 of each of several.
        page: which so many of those that a rule chooses, from 0.
        scale: "shared" by the channels of a layer, so that they can be compared, or "each" its own.
        over: the maps over the photograph, at its size, in place of the maps alone.
        pixel: row and column of a pixel of the input; each layer's unit there is framed, and what it sees.
        image: which of the batch.
        seed: for "random" channels.
    """

    channels: Choice | Sequence[Whole] = "strongest"
    count: Annotated[int, AtLeast(1), AtMost(MOST_TILES)] | None = None
    page: Whole = 0
    scale: Sharing = "shared"
    over: bool = False
    pixel: tuple[Whole, Whole] | None = None
    image: Whole = 0
    seed: Seed = 0

    def tiles(self, layers: int) -> int:
        """How many channels of each of so many layers."""
        return self.count or (ALONE if layers == 1 else TOGETHER)


def activation_sheet(result: Activations, **settings: object) -> Figure:
    """A band for each layer in depth order, with some of its channels; numbers without a place as bars.

    The settings are those of `Look`.

    Raises:
        SettingError: a setting is outside its range, or there is no such image, channel, page or pixel.
    """
    look = Look(**settings)  # pyright: ignore[reportArgumentType]
    if not 0 <= look.image < len(result.pictures):
        raise SettingError(f"the images are numbered 0 to {len(result.pictures) - 1}; got {look.image}")
    bands = [_seen(result, look)]
    bands += [_maps(result, layer, look) if layer in result.grids else _bars(result, layer, look) for layer in result]
    return stacked(f"Inside {plain(result.provenance.network)}", bands, key=_key(look))


def comparison_sheet(result: Comparison, *, count: int = 8, image: int = 0) -> Figure:
    """For each layer the channels that differ most: the first row before, the second after, the third their difference.

    Raises:
        SettingError: there is no such image, or no channel is to be shown.
    """
    if not 0 <= image < len(result.before.pictures) or not 1 <= count <= MOST_TILES:
        raise SettingError(
            f"image is 0 to {len(result.before.pictures) - 1} and count 1 to {MOST_TILES}; got {image} and {count}"
        )
    pixels = [photograph(each.pictures[image]) for each in (result.before, result.after)]
    picture = montage([[thumbnail(each) for each in pixels]], gap=GAP)
    bands = [Band("What the network saw", "before and after", picture)]
    bands += [_compared(result, layer, count, image) for layer in result if layer in result.before.grids]
    key = "Three rows for each layer: before, after, and after minus before. The channels that differ most come first."
    return stacked(f"Compared inside {plain(result.before.provenance.network)}", bands, key=key)


def channel_pictures(maps: Sequence[Heatmap], *, scale: Sharing) -> tuple[list[Picture], Scale | None]:
    """The maps in colour at their own size, on one scale, or on each its own; with it the scale they share."""
    signed = any(bool((each < 0).any()) for each in maps)
    shared = Scale.of(maps, signed=signed)
    if scale == "each":
        return [Scale.of([each], signed=signed).paint(each) for each in maps], None
    return [shared.paint(each) for each in maps], shared


def thumbnail(pixels: Picture, side: int = SIDE) -> Resized:
    """The picture so that its longer side has `side` pixels: large pixels stay sharp, many are averaged."""
    rows, columns = pixels.shape[:2]
    size = tuple(max(1, round(side * each / max(rows, columns))) for each in (columns, rows))
    resample = Image.Resampling.NEAREST if max(rows, columns) <= side else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), resample))


def _seen(result: Activations, look: Look) -> Band:
    pixels = photograph(result.pictures[look.image])
    if look.pixel is None:
        return Band("What the network saw", "", montage([[thumbnail(pixels, 2 * SIDE)]]))
    rows, columns = pixels.shape[:2]
    if not (0 <= look.pixel[0] < rows and 0 <= look.pixel[1] < columns):
        raise SettingError(f"pixel is a row below {rows} and a column below {columns}; got {look.pixel}")
    layers = [layer for layer in result.grids if result.fields[layer] is not None]
    tile = thumbnail(pixels, 2 * SIDE)
    lines = in_rows([tile] * max(1, len(layers)), 5)
    factor = tile.shape[0] / rows
    places = [divmod(index, 5) for index in range(len(layers))]
    corners = [(c * (tile.shape[1] + GAP), r * (tile.shape[0] + GAP)) for r, c in places]
    boxes = [
        _framed(_field_box(result, layer, look.pixel), factor, corner)
        for layer, corner in zip(layers, corners, strict=True)
    ]
    labels = [(*corner, layer) for layer, corner in zip(layers, corners, strict=True)]
    note = f"framed: what the unit of each layer nearest to pixel {look.pixel[0]}, {look.pixel[1]} can see"
    return Band("What the network saw", note, montage(lines, gap=GAP), labels=labels, boxes=boxes)


def _maps(result: Activations, layer: str, look: Look) -> Band:
    maps = result.maps(layer)[look.image]
    channels = _channels(result, layer, look)
    shown = [maps[channel] for channel in channels]
    tiles, scale = _tiles(result, shown, look)
    lines = in_rows([thumbnail(tile) for tile in tiles], IN_A_ROW)
    down, across = (side + GAP for side in lines[0][0].shape[:2])
    corners = [(index % IN_A_ROW * across, index // IN_A_ROW * down) for index in range(len(channels))]
    labels = [
        (*corner, f"{channel} · 0 everywhere" if not bool(each.any()) else str(channel))
        for corner, channel, each in zip(corners, channels, shown, strict=True)
    ]
    unit = _unit(result, layer, look.pixel)
    boxes = [] if unit is None or look.over else [_cell(unit, maps.shape[1:], (across, down), c) for c in corners]
    return Band(plain(layer), _described(maps, channels, look), montage(lines, gap=GAP), scale, labels, boxes=boxes)


def _channels(result: Activations, layer: str, look: Look) -> list[int]:
    total = result.grids[layer].shape[1]
    if not isinstance(look.channels, str):
        chosen = list(look.channels)
        if not chosen or not all(0 <= each < total for each in chosen) or len(chosen) > MOST_TILES:
            raise SettingError(f"{layer!r} has channels 0 to {total - 1}, {MOST_TILES} fit on a sheet; got {chosen}")
        return chosen
    count = look.tiles(len(result))
    pages = -(-total // count)
    if not 0 <= look.page < pages:
        raise SettingError(f"{layer!r} has {pages} page(s) of {count} channels, numbered from 0; got {look.page}")
    before, until = (
        result.channels(layer, look.channels, number * count, image=look.image, seed=look.seed)
        for number in (look.page, look.page + 1)
    )
    return [each for each in until if each not in before]


def _tiles(result: Activations, shown: Sequence[Heatmap], look: Look) -> tuple[list[Resized], Scale | None]:
    if not look.over:
        return channel_pictures(shown, scale=look.scale)
    pixels = photograph(result.pictures[look.image])
    maps = functional.interpolate(torch.stack(list(shown))[:, None], pixels.shape[:2], mode="bilinear")[:, 0]
    signed = bool((maps < 0).any())
    shared = Scale.of(list(maps), signed=signed)
    scales = [Scale.of([each], signed=signed) if look.scale == "each" else shared for each in maps]
    tiles = [scale.overlay(pixels, each) for scale, each in zip(scales, maps, strict=True)]
    return tiles, shared if look.scale == "shared" else None


def _described(maps: Float[Tensor, "channel row column"], channels: Sequence[int], look: Look) -> str:
    total, rows, columns = maps.shape
    dead = int((maps <= 0).flatten(1).all(1).sum())
    which = WORDS[look.channels] if isinstance(look.channels, str) else "{} of them"
    page = f", page {look.page}" if look.page else ""
    some = "" if len(channels) == total else f"; here {which.format(len(channels))}{page}"
    nowhere = f", {dead} of them above 0 nowhere" if dead else ""
    return f"{total} channels of {rows} × {columns}{nowhere}{some}"


def _bars(result: Activations, layer: str, look: Look) -> Band:
    values = result[layer][look.image].float().flatten().numpy()
    return Band(plain(layer), f"{len(values)} numbers without a place; the number of the largest is given", bars=values)


def _compared(result: Comparison, layer: str, count: int, image: int) -> Band:
    channels = result.channels(layer, count, image=image)
    both = [[side.maps(layer)[image, channel] for channel in channels] for side in (result.before, result.after)]
    difference = [result.difference(layer)[image, channel] for channel in channels]
    tiles, _ = channel_pictures([*both[0], *both[1]], scale="shared")
    changes, scale = channel_pictures(difference, scale="shared")
    lines = in_rows([thumbnail(tile) for tile in [*tiles, *changes]], len(channels))
    across = lines[0][0].shape[1] + GAP
    labels = [(index * across, 0.0, str(channel)) for index, channel in enumerate(channels)]
    shares = result.shares(layer)[image]
    note = (
        f"differs by {result.distances()[layer][image]:.1%} of its length; these {len(channels)} of {len(shares)} "
        f"channels hold {shares[channels].sum():.0%} of the squared difference. Scale of the last row:"
    )
    return Band(plain(layer), note, montage(lines, gap=GAP), scale, labels)


def _unit(result: Activations, layer: str, pixel: tuple[int, int] | None) -> tuple[int, int] | None:
    """The unit of a layer whose field's middle is nearest to a pixel of the input."""
    field = result.fields.get(layer)
    if pixel is None or field is None or field.is_whole_image:
        return None
    return field.nearest(pixel, result.grids[layer].shape[2:])


def _field_box(result: Activations, layer: str, pixel: tuple[int, int]) -> Box:
    """What that unit can see, within the image: left, top, width and height in pixels of the input."""
    rows, columns = result.pictures.shape[2:]
    unit, field = _unit(result, layer, pixel), result.fields[layer]
    if unit is None or not isinstance(field, ReceptiveField):
        return 0, 0, columns, rows
    top, left, bottom, right = field.box(*unit)
    top, left, bottom, right = max(0, top), max(0, left), min(rows, bottom), min(columns, right)
    return left, top, right - left, bottom - top


def _framed(box: Box, factor: float, corner: tuple[float, float]) -> Box:
    left, top, width, height = (each * factor for each in box)
    return left + corner[0], top + corner[1], width, height


def _cell(unit: tuple[int, int], size: Sequence[int], step: tuple[float, float], corner: tuple[float, float]) -> Box:
    """The place of a unit in the tile of its map."""
    height, width = (step[1] - GAP) / size[0], (step[0] - GAP) / size[1]
    return corner[0] + unit[1] * width, corner[1] + unit[0] * height, width, height


def _key(look: Look) -> str:
    scale = "The channels of a layer share one scale" if look.scale == "shared" else "Each channel has its own scale"
    return (
        f"{scale}; it ends at the 99.5th percentile of |value|. Values that are never negative run from black (0) to "
        "light yellow, others from blue over white (0) to red."
    )
