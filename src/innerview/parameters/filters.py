"""The kernels of a layer: the patterns it compares every place of its input with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from jaxtyping import Float
from torch import Size, Tensor, nn

from ..errors import LayerError, SettingError
from ..network.layers import LayerInfo
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..results import Provenance, Result
from ..settings import checked

Kernels = Float[Tensor, "output input row column"]
Order = Literal["index", "norm"]
Choice = int | Iterable[int] | None
"""Which of several: the first so many, these by number from 0, or all."""


@dataclass(frozen=True, eq=False, repr=False)
class Filters(Result):
    """The kernels of one layer, or some of them.

    A unit's value is large where its input looks like its kernel.

    Attributes:
        layer: the layer's address.
        kernels: the raw weights: [output, input, row, column]; 1 × 1 where a layer reads single numbers.
        outputs: the number of the output channel of each kernel.
        inputs: the number of each input channel, counted within the kernel's group.
        total: how many outputs, and inputs of each, the layer has.
        groups: into how many parts the input channels are divided, each read by its own outputs.
        colour: whether the inputs are the red, green and blue of the image.
        provenance: the network and the settings.
    """

    layer: str
    kernels: Kernels
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    total: tuple[int, int]
    groups: int
    colour: bool
    provenance: Provenance

    @property
    def norms(self) -> Float[Tensor, "output"]:
        """The Euclidean length of each kernel, over the inputs that are here."""
        return self.kernels.flatten(1).norm(dim=1)

    def input_channel(self, output: int, position: int) -> int:
        """The number of the layer's input channel that stands at a position of an output's kernel."""
        group = self.outputs[output] * self.groups // self.total[0]
        return group * self.total[1] + self.inputs[position]


def filters(
    net: Network, layer: str | None = None, *, outputs: Choice = None, inputs: Choice = None, order: Order = "index"
) -> Filters:
    """The kernels of a convolution, a patch embedding or a linear layer.

    A linear layer that reads the image, or maps laid out in a row, has kernels of their shape; one that reads
    other numbers has kernels of 1 × 1. Of a transposed convolution the kernel is what one input paints.

    Args:
        net: the network; it is not changed.
        layer: the layer's address; by default the first whose kernels have more than one place, on the image if
            there is one.
        outputs: which kernels: the first so many, a range or numbers; by default all.
        inputs: which input channels of each, in the same way; they count from 0 within each group.
        order: "index" as the layer has them, "norm" with the longest kernel first.

    Raises:
        LayerError: the layer does not exist or has no kernels.
        SettingError: there is no such output or input, or no such order.
    """
    require_network(net)
    checked("order", order, Order)
    layer = _first_with_kernels(net) if layer is None else layer
    module = _module(net, layer)
    every = kernels(module, layer)
    if not _is_convolution(module):
        every = every.reshape(len(every), *_shape(net, layer, every.flatten(1)))
    count, depth = every.shape[:2]
    ranked = every.flatten(1).norm(dim=1).argsort(descending=True, stable=True).tolist()
    chosen = _chosen(outputs, ranked if order == "norm" else range(count), f"outputs of {layer!r}")
    read_from = _chosen(inputs, range(depth), f"inputs of each kernel of {layer!r}")
    return Filters(
        layer=layer,
        kernels=every[chosen][:, read_from],
        outputs=tuple(chosen),
        inputs=tuple(read_from),
        total=(count, depth),
        groups=getattr(module, "groups", 1),
        colour=read_from == [0, 1, 2] and depth == 3 and _reads_the_image(net, layer, every.shape[1:]),
        provenance=provenance(net, "filters", layer=layer, outputs=chosen, inputs=read_from, order=order),
    )


def kernels(module: nn.Module, name: str) -> Kernels:
    """The kernels of one layer as they are now: a copy in single precision, in memory.

    Raises:
        LayerError: the layer has none, or one that is no picture.
    """
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() not in (2, 4):
        raise LayerError(_no_kernels(module, name, weight))
    weight = weight.detach().float().cpu().clone()
    if weight.dim() == 2:
        return weight[:, :, None, None]
    if isinstance(module, nn.ConvTranspose2d):
        by_group = weight.unflatten(0, (module.groups, -1))
        return by_group.transpose(1, 2).flatten(0, 1).contiguous()
    return weight


def with_kernels(module: nn.Module) -> dict[str, nn.Module]:
    """The layers inside a module that have kernels, by their names there."""
    return {name: each for name, each in module.named_modules() if _has_kernels(each)}


def _has_kernels(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() in (2, 4) and not isinstance(module, nn.Embedding)


def _is_convolution(module: nn.Module) -> bool:
    return isinstance(module.weight, Tensor) and module.weight.dim() == 4


def _module(net: Network, layer: str) -> nn.Module:
    known = dict(net.module.named_modules(remove_duplicate=False))
    return known[layer] if layer in known else net.address(layer).module


def _first_with_kernels(net: Network) -> str:
    """The first layer whose kernels are pictures of the image, or else of anything, or else the first with kernels."""
    found = with_kernels(net.module)
    order = {info.name: info.finished[0] for info in net.traced()}
    names = sorted(found.keys() & order.keys(), key=order.__getitem__)
    if not names:
        raise LayerError(f"{net.name} has no layer with kernels: no convolution and no linear layer runs in it")
    shapes = {name: _shape(net, name, cast(Tensor, found[name].weight)) for name in names}
    pictures = [name for name in names if shapes[name][1:].numel() > 1]
    of_the_image = (name for name in pictures if _reads_the_image(net, name, shapes[name]))
    return next(of_the_image, (pictures or names)[0])


def _no_kernels(module: nn.Module, name: str, weight: object) -> str:
    inside = [f"{name}.{each}" for each in with_kernels(module)]
    if inside:
        more = f" and {len(inside) - 3} more" if len(inside) > 3 else ""
        return f"layer {name!r} has no kernels of its own; inside it there are {', '.join(inside[:3])}{more}"
    what = f"a weight of shape {list(weight.shape)}" if isinstance(weight, Tensor) else "no weight"
    return (
        f"filters are the weights of a convolution over rows and columns or of a linear layer; {name!r}, "
        f"{type(module).__name__}, has {what}. `innerview layers` lists the layers and their kinds"
    )


def _shape(net: Network, layer: str, weight: Tensor) -> Size:
    """Of one kernel: that of a linear layer is shaped as the maps, or the image, that were laid out in a row."""
    if weight.dim() == 4:
        return weight.shape[1:]
    layers = net.traced()
    own = next((info for info in layers if info.name == layer), None)
    before = [info for info in layers if own and info.finished[-1] < own.finished[0] and len(info.output_shape) == 3]
    maps = [info.output_shape for info in sorted(before, key=lambda info: info.finished[-1], reverse=True)]
    shapes = map(Size, [*maps, net.blank().shape[1:]])
    return next((each for each in shapes if each.numel() == weight.shape[1]), Size((weight.shape[1], 1, 1)))


def _reads_the_image(net: Network, layer: str, shape: Size) -> bool:
    """Whether a unit sees exactly what its kernel covers, and as many channels: as if nothing lay before it."""
    info: LayerInfo | None = next((each for each in net.traced() if each.name == layer), None)
    if info is None or shape[0] != net.preprocess.channels:
        return False
    if info.receptive_field is None or info.receptive_field.is_whole_image:
        return shape == net.blank().shape[1:]
    dilation = getattr(_module(net, layer), "dilation", (1, 1))
    covered = tuple((size - 1) * spread + 1 for size, spread in zip(shape[1:], dilation, strict=True))
    return info.receptive_field.size == covered


def _chosen(wanted: Choice, order: Sequence[int], what: str) -> list[int]:
    """The numbers that are wanted of those in this order."""
    if wanted is None:
        return list(order)
    chosen = list(order[: max(0, wanted)]) if isinstance(wanted, int) else list(wanted)
    if not chosen or not all(0 <= each < len(order) for each in chosen):
        raise SettingError(f"the {what} are numbered 0 to {len(order) - 1}; got {wanted!r}")
    return chosen
