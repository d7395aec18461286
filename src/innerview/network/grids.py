"""A layer's output read as maps: which of its values belongs to which place of the image.

Convolutional networks give [batch, channel, row, column]; others put the channels last, or give a sequence of
tokens, often with some before the grid that have no place (class, distillation and register tokens).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import InnerviewError, MethodError
from ..modules.batch_norm import exact_batch_norm
from ..modules.checkpoints import checkpoints_explained
from ..modules.outputs import first_tensor, with_first_tensor
from ..modules.scope import hooked, untouched
from .layers import LayerInfo, in_order
from .network import Network
from .rows import require_rows

Images = Float[Tensor, "batch channel row column"]
Maps = Float[Tensor, "batch map map_row map_column"]
Size = tuple[int, int]
Reading = Callable[[Tensor], Tensor]
"""Rearranges a layer's output, or the gradient there, into [batch, channel, row, column]."""

PREFIX = 8  # the most tokens without a place; published transformers have up to five


def as_maps(net: Network, images: Images, layer: str, output: Float[Tensor, "..."]) -> Maps:
    """The output of a layer, or the gradient there, as maps in single precision at least.

    Raises:
        LayerError: it has not one row for each image of the batch.
        MethodError: it has no grid.
    """
    if net.grid is None:
        require_rows(net, images, layer, len(output))
    read = net.grid or recognised(net, images, output.shape[1:])
    if read is None:
        raise _no_grid(net, layer, output.shape[1:])
    maps = read(output)
    if maps.dim() != 4 or len(maps) != len(images):
        raise MethodError(
            f"maps are [batch, channel, row, column] with {len(images)} in the batch; {layer!r} of {net.name} was read "
            f"as {list(maps.shape)}. Name another layer, or say how to read this one: Network(module, grid=…)"
        )
    return maps.to(torch.promote_types(maps.dtype, torch.float32))


def recognised(net: Network, images: Images, shape: Sequence[int]) -> Reading | None:
    """How an output of this shape (without the batch) is read as maps; None if it has no grid.

    [a, b, c] has its channels first, unless a : b fits the image's proportions better than b : c. The tokens of
    [token, channel] fill the grid of the patches, which is a map before the first tokens, or that grid halved as
    often as stages do; or else a grid of square patches. Up to eight tokens without a place may stand before it.
    """
    size = _pair(images.shape[2:])
    if len(shape) == 3:
        return partial(channels_first, size=size)
    if len(shape) != 2:
        return None
    grid = _filled(shape[0], _patches(net.traced(images), size)) or _filled(shape[0], _square_patches(size))
    return grid and partial(_placed, grid=grid)


def channels_first(maps: Float[Tensor, "batch a b c"], size: Sequence[int]) -> Maps:
    """[batch, channel, row, column], also where the channels come last; `size` is that of the image."""
    return maps.movedim(3, 1) if _channels_last(maps.shape[1:], _pair(size)) else maps


def has_channels_last(net: Network, images: Images, layer: str, shape: Sequence[int]) -> bool:
    """Whether a layer's output, which has this shape without the batch, is [row, column, channel].

    Its proportions tell, and where they say so those for the network's own input have to agree: the images may be
    parts of images, of any proportions.
    """
    if len(shape) != 3 or not _channels_last(shape, _pair(images.shape[2:])):
        return False
    size = net.preprocess.rows_columns
    return not net.takes(size) or _channels_last(net.address(layer, net.blank()).shape, size)


def grid_layer(net: Network, images: Images, name: str | None) -> str:
    """The layer asked for, or the sensible default.

    Raises:
        LayerError: it has not one row for each image.
        MethodError: it gives no grid of features, or none is asked for and there is none.
    """
    name = default_layer(net, images) if name is None else name
    if name is None:
        raise MethodError(
            f"class activation maps need a layer that gives [channel, row, column] or one token per place; {net.name} "
            "has none that its scores depend on. Name a layer (layer=…), say how to read it as a grid "
            "(Network(module, grid=…)), or use Gradient, SmoothGrad or Occlusion"
        )
    shape = net.address(name, images).shape
    if net.grid is None:
        require_rows(net, images, name)
        if recognised(net, images, shape) is None:
            raise _no_grid(net, name, shape)
    return name


def default_layer(net: Network, images: Images) -> str | None:
    """The last layer with a grid of features that the class scores depend on; None if there is none.

    Behind the last attention, a network that classifies by its class token ignores the other tokens: there the
    best class score has no gradient, so that what is asked for is the last block or normalisation that has one.
    """
    marked = next((layer.name for layer in net.traced(images) if layer.cam), None)
    if marked is not None:
        return marked
    return net.recall(("default layer", tuple(images.shape[1:])), lambda: _last_with_gradient(net, images[:1]))


def marked_layers(net: Network, images: Images) -> tuple[LayerInfo, ...]:
    """The layers of the network, of which `cam` marks the default for class activation maps, tokens or not."""
    try:
        default = default_layer(net, images)
    except InnerviewError:  # it has no class scores, or hides its gradients; its layers are there all the same
        default = None
    return tuple(replace(layer, cam=layer.name == default) for layer in net.traced(images))


def _last_with_gradient(net: Network, image: Images) -> str | None:
    modules = {net.module.get_submodule(layer.name): layer.name for layer in _candidates(net, image)}
    onward: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, _inputs: tuple, output: object) -> object:
        tensor = first_tensor(output)
        if tensor is None or not tensor.requires_grad:
            return output
        onward[module] = tensor.clone()  # only what is computed from here on counts, not other uses of the tensor
        return with_first_tensor(output, onward[module])

    with untouched(net.module), torch.inference_mode(False), torch.enable_grad():
        with hooked(dict.fromkeys(modules, note)), exact_batch_norm(image.device):
            scores = net.select(net.module(image.clone().requires_grad_().clone()))
        if not onward or not scores.requires_grad:
            return None
        with checkpoints_explained(net.name):
            gradients = torch.autograd.grad(scores.amax(), list(onward.values()), allow_unused=True)
    found = [module for module, gradient in zip(onward, gradients, strict=True) if _on_grid(net, image, gradient)]
    return next((name for module, name in reversed(modules.items()) if module in found), None)


def _on_grid(net: Network, image: Images, gradient: Tensor | None) -> bool:
    """Whether a gradient is not zero on the grid; not only on the tokens before it."""
    if gradient is None or len(gradient) != 1:
        return False
    read = recognised(net, image, gradient.shape[1:])
    return read is not None and bool(read(gradient).any())


def _candidates(net: Network, images: Images) -> Iterator[LayerInfo]:
    """The grids before the first tokens; then, of the layers that give tokens, the blocks and normalisations."""
    yield from _before_tokens(net.traced(images))
    for layer in in_order(net.traced(images)):
        a_block = any(True for _ in net.module.get_submodule(layer.name).children())
        if len(layer.output_shape) == 2 and (a_block or "Norm" in layer.kind):
            yield layer


def _before_tokens(layers: Iterable[LayerInfo]) -> Iterator[LayerInfo]:
    """The layers that give maps before any gives tokens."""
    before = takewhile(lambda layer: len(layer.output_shape) != 2, in_order(layers))
    return (layer for layer in before if len(layer.output_shape) == 3)


def _channels_last(shape: Sequence[int], size: Size) -> bool:
    return _misfit(_pair(shape[:2]), size) < _misfit(_pair(shape[1:]), size)


def fits(grid: Sequence[int], size: Sequence[int]) -> bool:
    """Whether a grid has the image's proportions, but for rounding."""
    return _misfit(_pair(grid), _pair(size)) < math.log(2)


def _misfit(grid: Size, size: Size) -> float:
    """How far the proportions of a grid are from the image's."""
    return math.inf if 0 in grid else abs(math.log(grid[0] * size[1] / (grid[1] * size[0])))


def _filled(tokens: int, grids: Iterable[Size]) -> Size | None:
    """The largest of the grids that these tokens fill, but for a few."""
    fitting = (grid for grid in grids if 1 < math.prod(grid) <= tokens <= math.prod(grid) + PREFIX)
    return max(fitting, key=math.prod, default=None)


def _patches(layers: Iterable[LayerInfo], size: Size) -> Iterator[Size]:
    """The grids of the maps before the first tokens, and these halved again and again."""
    for shape in dict.fromkeys(layer.output_shape for layer in _before_tokens(layers)):
        for rounding in (0, 1):
            rows, columns = _pair(shape[:2] if _channels_last(shape, size) else shape[1:])
            while rows * columns > 1:
                yield rows, columns
                rows, columns = (rows + rounding) // 2, (columns + rounding) // 2


def _square_patches(size: Size) -> Iterator[Size]:
    side = math.gcd(*size)
    return ((size[0] // patch, size[1] // patch) for patch in range(1, side + 1) if side % patch == 0)


def _placed(tokens: Tensor, grid: Size) -> Tensor:
    """The last tokens, row by row."""
    return tokens[:, tokens.shape[1] - math.prod(grid) :].transpose(1, 2).unflatten(2, grid)


def _pair(values: Sequence[int]) -> Size:
    return values[0], values[1]


def _no_grid(net: Network, layer: str, shape: Sequence[int]) -> MethodError:
    return MethodError(
        f"class activation maps need a layer that gives [channel, row, column] or one token per place; {layer!r} of "
        f"{net.name} gives {list(shape)}. Name another layer, or say how to read it as a grid: Network(module, grid=…)"
    )
