"""Reading activations in one forward pass that runs no further than needed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..errors import LayerError
from ..modules.batch_norm import exact_batch_norm
from ..modules.outputs import first_tensor, with_first_tensor
from ..modules.scope import Hook, hooked
from ..network.layers import Address
from ..network.network import Network
from ..network.recognition import reading
from ..network.seen import Seen

Keep = Callable[[Tensor], Tensor]


class _EnoughSeen(BaseException):
    """Ends a forward pass early; no `except Exception` of the user's network can catch it."""


def forward(  # noqa: PLR0913 - all but the first two are optional
    net: Network,
    images: Tensor,
    *,
    record: Sequence[str] = (),
    start: str | None = None,
    stop: bool = False,
    keep: Keep | None = None,
) -> Seen:
    """One forward pass of `images` that keeps the outputs of the layers in `record`.

    With `start`, gradients begin at that layer: its output is a leaf that requires a gradient, and what
    runs before it builds no graph. With `stop`, nothing runs after the last layer that was asked for.
    What is kept is what the layer gave out at that moment: a later in-place operation does not change it, and other
    uses of the same tensor, within the layer, have no part in its gradient. With `keep`, it is what that makes of
    the output, which must be a copy.
    Runs inside `untouched(net.module)`.
    """
    names = dict.fromkeys(record if start is None else (*record, start))
    addresses = [net.address(name, images) for name in names]
    kept: dict[str, Tensor] = {}
    output = None
    try:
        with hooked(_hooks(addresses, _keeping(start, keep), stop, kept)), exact_batch_norm(images.device):
            output = net.select(net.module(images.clone()))
    except _EnoughSeen:
        pass
    for address in addresses:
        if address.name not in kept:
            raise LayerError(f"layer {address.name!r} of {net.name} did not run for these images")
    return Seen(kept, output, {name: reading(net, images, name, each.shape) for name, each in kept.items()})


def _keeping(start: str | None, keep: Keep | None) -> Callable[[str, Tensor], tuple[Tensor, Tensor]]:
    """Of a layer's output, what is kept and what goes on through the network."""

    def keeping(name: str, tensor: Tensor) -> tuple[Tensor, Tensor]:
        if keep is not None:
            return keep(tensor), tensor
        kept = _leaf(tensor) if name == start else torch.ops.aten.alias(tensor)
        return kept, kept.clone()

    return keeping


def _hooks(
    addresses: Sequence[Address],
    keeping: Callable[[str, Tensor], tuple[Tensor, Tensor]],
    stop: bool,
    kept: dict[str, Tensor],
) -> dict[nn.Module, Hook]:
    by_module: dict[nn.Module, list[Address]] = defaultdict(list)
    for address in addresses:
        by_module[address.module].append(address)
    calls: Counter[nn.Module] = Counter()

    def keep(module: nn.Module, _inputs: tuple, output: object) -> object:
        calls[module] += 1
        for address in by_module[module]:
            if address.call == calls[module]:
                kept[address.name], onward = keeping(address.name, _tensor(output, address))
                if stop and len(kept) == len(addresses):
                    raise _EnoughSeen
                output = with_first_tensor(output, onward)
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
