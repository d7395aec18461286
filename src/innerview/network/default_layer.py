"""The layer that class activation maps look at where none is named: the last grid of features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import InnerviewError, MethodError, SettingError
from ..modules.batch_norm import exact_batch_norm
from ..modules.checkpoints import checkpoints_explained
from ..modules.outputs import first_tensor, with_first_tensor
from ..modules.scope import differentiating, hooked, untouched
from .layers import LayerInfo, in_order
from .network import Network
from .recognition import before_tokens, reading, reading_of
from .rows import require_rows

Inputs = Float[Tensor, "batch channel row column"]


def grid_layer(net: Network, images: Inputs, name: str | None) -> str:
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
    if net.grid is None:
        require_rows(net, images, name)
        if not reading(net, images, name).on_grid:
            raise _no_grid(net, name, net.address(name, images).shape)
    return name


def layer_or_default(net: Network, images: Inputs, name: str | None) -> str:
    """The layer of this name, by default the last with a grid of features that the class scores depend on.

    Raises:
        LayerError: there is no such layer.
        SettingError: none is named, and there is no such default.
    """
    found = default_layer(net, images) if name is None else net.address(name, images).name
    if found is None:
        raise SettingError(
            f"{net.name} has no grid of features that its scores depend on; name a layer (layer=…, --layer NAME)"
        )
    return found


def default_layer(net: Network, images: Inputs) -> str | None:
    """The last layer with a grid of features that the class scores depend on; None if there is none.

    Behind the last attention, a network that classifies by its class token ignores the other tokens: there the
    best class score has no gradient, so that what is asked for is the last block or normalisation that has one.
    """
    marked = next((layer.name for layer in net.traced(images) if layer.cam), None)
    if marked is not None:
        return marked
    return net.recall(("default layer", tuple(images.shape[1:])), lambda: _last_with_gradient(net, images[:1]))


def uncapped_layer(net: Network, images: Inputs) -> str:
    """The default layer, or where that gives what is cut off from above (ReLU6), what it gave before.

    What is cut off has no gradient, and of several units that are, none answers most.

    Raises:
        SettingError: there is no default layer.
    """
    default = layer_or_default(net, images, None)
    return net.recall(("uncapped layer", tuple(images.shape[1:])), lambda: _uncapped(net, images[:1], default))


def marked_layers(net: Network, images: Inputs) -> tuple[LayerInfo, ...]:
    """The layers of the network, of which `cam` marks the default for class activation maps, tokens or not."""
    try:
        default = default_layer(net, images)
    except InnerviewError:  # it has no class scores, or hides its gradients; its layers are there all the same
        default = None
    return tuple(replace(layer, cam=layer.name == default) for layer in net.traced(images))


def _last_with_gradient(net: Network, image: Inputs) -> str | None:
    modules = {net.module.get_submodule(layer.name): layer.name for layer in _candidates(net, image)}
    onward: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, _inputs: tuple, output: object) -> object:
        tensor = first_tensor(output)
        if tensor is None or not tensor.requires_grad:
            return output
        onward[module] = tensor.clone()  # only what is computed from here on counts, not other uses of the tensor
        return with_first_tensor(output, onward[module])

    with untouched(net.module), differentiating():
        with hooked(dict.fromkeys(modules, note)), exact_batch_norm(image.device):
            scores = net.select(net.module(image.clone().requires_grad_().clone()))
        if not onward or not scores.requires_grad:
            return None
        with checkpoints_explained(net.name):
            gradients = torch.autograd.grad(scores.amax(), list(onward.values()), allow_unused=True)
    found = [module for module, gradient in zip(onward, gradients, strict=True) if _on_grid(net, image, gradient)]
    return next((name for module, name in reversed(modules.items()) if module in found), None)


def _uncapped(net: Network, image: Inputs, default: str) -> str:
    layers = in_order(net.traced(image))
    last = next(place for place, layer in enumerate(layers) if layer.name == default)
    alike = [layer.name for layer in layers[: last + 1] if layer.output_shape == layers[last].output_shape]
    capped: dict[str, bool] = {}

    def noting(name: str) -> Callable[[nn.Module, tuple, object], None]:
        def note(_module: nn.Module, _inputs: tuple, output: object) -> None:
            tensor = first_tensor(output)
            capped[name] = tensor is not None and _is_capped(tensor)

        return note

    hooks = {net.module.get_submodule(name): noting(name) for name in alike}
    with untouched(net.module), differentiating(), exact_batch_norm(image.device), hooked(hooks):
        net.module(image.clone().requires_grad_().clone())
    return next((name for name in reversed(alike) if not capped[name]), default)


def _is_capped(tensor: Tensor) -> bool:
    """Whether the last that was done to it cuts off what is large."""
    node: Any = tensor.grad_fn
    name = "" if node is None else node.name()
    return name.startswith("Hardtanh") or (name.startswith("Clamp") and getattr(node, "_saved_max", None) is not None)


def _on_grid(net: Network, image: Inputs, gradient: Tensor | None) -> bool:
    """Whether a gradient is not zero on the grid; not only on the tokens before it."""
    if gradient is None or len(gradient) != 1:
        return False
    read = reading_of(net, image, gradient.shape[1:])
    return read.on_grid and bool(read(gradient).any())


def _candidates(net: Network, images: Inputs) -> Iterator[LayerInfo]:
    """The grids before the first tokens; then, of the layers that give tokens, the blocks and normalisations."""
    yield from before_tokens(net.traced(images))
    for layer in in_order(net.traced(images)):
        a_block = any(True for _ in net.module.get_submodule(layer.name).children())
        if len(layer.output_shape) == 2 and (a_block or "Norm" in layer.kind):
            yield layer


def _no_grid(net: Network, layer: str, shape: Sequence[int]) -> MethodError:
    return MethodError(
        f"class activation maps need a layer that gives [channel, row, column] or one token per place; {layer!r} of "
        f"{net.name} gives {list(shape)}. Name another layer, or say how to read it as a grid: Network(module, grid=…)"
    )
