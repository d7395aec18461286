"""How the output of a layer is to be read: told from its shape, the network's other layers and the user's word.

It is a property of the layer. It is told from inputs of the network's own size, where it takes them, and holds for
inputs of any size and proportions, such as parts of images.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from jaxtyping import Float
from torch import Tensor, nn

from .layers import LayerInfo, in_order
from .network import Network
from .readings import AsTold, ChannelsFirst, ChannelsLast, Placeless, Reading, Refused, Size, Tokens
from .rows import refusal

Inputs = Float[Tensor, "batch channel row column"]
Shape = Sequence[int]

PREFIX = 8  # the most tokens without a place; published transformers have up to five


def reading(net: Network, images: Inputs, layer: str, shape: Shape | None = None) -> Reading:
    """How the output of a layer is read as maps; told once for each size of images.

    The user's word counts before all (`Network(module, grid=…)`), but for vectors.

    - [a, b, c] has its channels first, unless a : b fits the image's proportions better than b : c. Where both are the
      image's, a wider one says which of the axes are places, if the network takes it, or else what the layer ends in.
    - The tokens of [token, channel] fill the grid of the patches, which is a map before the first tokens, or that grid
      halved as often as stages do; or else a grid of square patches. Up to eight tokens that have no place may stand
      before it.

    Args:
        net: the network.
        images: prepared inputs.
        layer: the layer's address.
        shape: of what the layer gave for them; by default what its last call gives.
    """
    asked = ("reading", layer, tuple(images.shape), shape, net.grid)
    return net.recall(asked, lambda: _reading(net, images, layer, shape))


def _reading(net: Network, images: Inputs, layer: str, shape: Shape | None) -> Reading:
    at = net.address(layer, images)
    rows, *shape = (len(images), *at.shape) if shape is None else (shape or (0,))
    if net.grid is not None and len(shape) > 1:
        return AsTold(net.grid, len(images), f"{layer!r} of {net.name}")
    if (sentence := refusal(net, images, at, rows)) is not None:
        return Refused(sentence)
    if len(shape) not in (1, 2, 3):
        return Refused(f"layer {layer!r} gives {[rows, *shape]}, which has no channels to ask about")
    return reading_of(net, images, shape, layer)


def reading_of(net: Network, images: Inputs, shape: Shape, layer: str | None = None) -> Reading:
    """The same, without the user's word, for what need not be a layer's output but has one row for each image."""
    size = _pair(images.shape[2:])
    if len(shape) == 3:
        return ChannelsLast() if _channels_last(net, shape, size, layer) else ChannelsFirst()
    grid = _token_grid(net, images, shape[0], layer) if len(shape) == 2 else None
    return Placeless() if grid is None else Tokens(shape[0] - math.prod(grid), grid)


def before_tokens(layers: Iterable[LayerInfo]) -> Iterator[LayerInfo]:
    """The layers that give maps before any gives tokens."""
    before = takewhile(lambda layer: len(layer.output_shape) != 2, in_order(layers))
    return (layer for layer in before if len(layer.output_shape) == 3)


def fits(grid: Shape, size: Shape) -> bool:
    """Whether a grid has the image's proportions, but for rounding."""
    return _misfit(_pair(grid), _pair(size)) < math.log(2)


def _channels_last(net: Network, shape: Shape, size: Size, layer: str | None) -> bool:
    if layer is None:
        return _fits_last(shape, size)
    own = net.preprocess.rows_columns
    if size != own and net.takes(own):
        return _channels_last(net, net.address(layer, net.blank(own)).shape, own, layer)
    if not (_matches(shape[:2], size) and _matches(shape[1:], size)):
        return _fits_last(shape, size)
    wider = (size[0], 2 * size[1])
    if net.takes(wider):
        return _fits_last(net.address(layer, net.blank(wider)).shape, wider)
    return _ends_along_last_axis(net, layer)


def _token_grid(net: Network, images: Inputs, tokens: int, layer: str | None) -> Size | None:
    """The grid that so many tokens fill, but for a few before it; as many as for inputs of the network's own size."""
    size, own, prefix = _pair(images.shape[2:]), net.preprocess.rows_columns, range(PREFIX + 1)
    if layer is not None and size != own and net.takes(own):
        usual = reading(net, net.blank(own), layer)
        prefix = (usual.prefix,) if isinstance(usual, Tokens) else prefix
    grids = (_patches(net.traced(images), size), _square_patches(size))
    return next((found for each in grids if (found := _filled(tokens, each, prefix))), None)


def _fits_last(shape: Shape, size: Size) -> bool:
    """Whether the first two axes have the image's proportions rather than the last two."""
    return _misfit(_pair(shape[:2]), size) < _misfit(_pair(shape[1:]), size)


def _ends_along_last_axis(net: Network, layer: str) -> bool:
    """Whether the last layer up to this one that tells one axis from the others is about the last axis."""
    infos = {info.name: info for info in net.traced()}
    end = infos[net.address(layer).name.partition(":")[0]].finished[-1]
    order = reversed(in_order(infos.values()))
    before = (net.module.get_submodule(info.name) for info in order if info.finished[-1] <= end)
    telling = (nn.Linear, nn.LayerNorm, nn.Conv2d, nn.BatchNorm2d)
    last = next((each for each in before if isinstance(each, telling)), None)
    return isinstance(last, nn.Linear | nn.LayerNorm) and not type(last).__name__.endswith("2d")


def _misfit(grid: Size, size: Size) -> float:
    """How far the proportions of a grid are from the image's."""
    return math.inf if 0 in grid else abs(math.log(grid[0] * size[1] / (grid[1] * size[0])))


def _matches(grid: Shape, size: Size) -> bool:
    """Whether a grid is the image's, scaled, but for less than a row or a column."""
    return abs(grid[0] - grid[1] * size[0] / size[1]) < 1


def _filled(tokens: int, grids: Iterable[Size], prefix: Sequence[int]) -> Size | None:
    """The largest of the grids that these tokens fill, but for so many."""
    fitting = (grid for grid in grids if math.prod(grid) > 1 and tokens - math.prod(grid) in prefix)
    return max(fitting, key=math.prod, default=None)


def _patches(layers: Iterable[LayerInfo], size: Size) -> Iterator[Size]:
    """The grids of the maps before the first tokens, and these halved again and again."""
    for shape in dict.fromkeys(layer.output_shape for layer in before_tokens(layers)):
        for rounding in (0, 1):
            rows, columns = _pair(shape[:2] if _fits_last(shape, size) else shape[1:])
            while rows * columns > 1:
                yield rows, columns
                rows, columns = (rows + rounding) // 2, (columns + rounding) // 2


def _square_patches(size: Size) -> Iterator[Size]:
    side = math.gcd(*size)
    return ((size[0] // patch, size[1] // patch) for patch in range(1, side + 1) if side % patch == 0)


def _pair(values: Shape) -> Size:
    return values[0], values[1]
