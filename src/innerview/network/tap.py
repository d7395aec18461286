"""Reading activations in one forward pass that runs no further than needed."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import LayerError, NetworkError
from .layers import Address
from .outputs import first_tensor, with_first_tensor
from .scope import Hook, hooked

if TYPE_CHECKING:
    from .network import Network


class _EnoughSeen(BaseException):
    """Ends a forward pass early; no `except Exception` of the user's network can catch it."""


@dataclass(frozen=True)
class Seen:
    """What one forward pass showed: the activations asked for and the network's output.

    `output` is None when the pass stopped before its end.
    """

    activations: Mapping[str, Tensor]
    output: Tensor | None

    @property
    def class_scores(self) -> Float[Tensor, "batch label"]:
        """The output as one score per class, in single precision at least."""
        if self.output is None or self.output.dim() != 2:
            shape = None if self.output is None else list(self.output.shape)
            raise NetworkError(
                f"class scores are [batch, class]; this network gives {shape}. Ask about a layer instead, or "
                "pick the scores with Network(module, output=…)"
            )
        return _precise(self.output)

    def maps(self, layer: str) -> Float[Tensor, "batch channel row column"]:
        """A layer's activation as maps; vectors are 1 × 1, token sequences [batch, token, channel] tokens × 1."""
        activation = self.activations[layer]
        if activation.dim() == 4:
            return _precise(activation)
        if activation.dim() == 3:
            return _precise(activation.transpose(1, 2)[..., None])
        if activation.dim() == 2:
            return _precise(activation[..., None, None])
        raise LayerError(f"layer {layer!r} gives {list(activation.shape)}, which has no channels to ask about")

    @property
    def anchor(self) -> Float[Tensor, "batch"]:
        """A zero per image, on the device and in the precision of what was seen."""
        seen = self.output if self.output is not None else next(iter(self.activations.values()))
        return torch.zeros(len(seen), dtype=_precise(seen).dtype, device=seen.device)


def look(
    net: "Network",
    images: Tensor,
    *,
    record: Sequence[str] = (),
    start: str | None = None,
    stop: bool = False,
) -> Seen:
    """One forward pass of `images` that keeps the outputs of the layers in `record`.

    With `start`, gradients begin at that layer: its output is a leaf that requires a gradient, and what
    runs before it builds no graph. With `stop`, nothing runs after the last layer that was asked for.
    What is kept is what the layer gave out at that moment: a later in-place operation does not change it.
    Runs inside `untouched(net.module)`.
    """
    names = dict.fromkeys(record if start is None else (*record, start))
    addresses = [net.address(name, images) for name in names]
    kept: dict[str, Tensor] = {}
    output = None
    try:
        with hooked(_hooks(addresses, start, stop, kept)):
            output = net.select(net.module(images.clone()))
    except _EnoughSeen:
        pass
    for address in addresses:
        if address.name not in kept:
            raise LayerError(f"layer {address.name!r} of {net.name} did not run for these images")
    return Seen(kept, output)


def _hooks(
    addresses: Sequence[Address], start: str | None, stop: bool, kept: dict[str, Tensor]
) -> dict[nn.Module, Hook]:
    by_module: dict[nn.Module, list[Address]] = defaultdict(list)
    for address in addresses:
        by_module[address.module].append(address)
    calls: Counter[nn.Module] = Counter()

    def keep(module: nn.Module, _inputs: tuple, output: object) -> object:
        calls[module] += 1
        for address in by_module[module]:
            if address.call == calls[module]:
                tensor = _tensor(output, address)
                kept[address.name] = _leaf(tensor) if address.name == start else tensor
                if stop and len(kept) == len(addresses):
                    raise _EnoughSeen
                output = with_first_tensor(output, kept[address.name].clone())
        return output

    return dict.fromkeys(by_module, keep)


def _tensor(output: object, address: Address) -> Tensor:
    tensor = first_tensor(output)
    if tensor is None:
        raise LayerError(f"layer {address.name!r} gives {type(output).__name__}, which holds no tensor")
    return tensor


def _leaf(tensor: Tensor) -> Tensor:
    """A copy where gradients start; a copy, as the tensor may share memory with one that changes later."""
    with torch.no_grad():
        return tensor.clone().requires_grad_()


def _precise(tensor: Tensor) -> Tensor:
    """At least single precision: sums over half-precision activations overflow."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
