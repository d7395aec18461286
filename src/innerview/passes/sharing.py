"""What several questions about the same images have in common is computed once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import Tensor

from ..modules.scope import version
from ..network.network import Network, require_network

Result = TypeVar("Result")


@dataclass
class _Shared:
    net: Network
    images: Tensor
    of: tuple = ()
    memory: dict[Hashable, Any] = field(default_factory=dict)


_shared: ContextVar[_Shared | None] = ContextVar("shared", default=None)


@contextmanager
def sharing(net: Network, images: Any) -> Iterator[Tensor]:
    """Within the block, methods that are asked about these images share their forward passes.

    Use it for several methods, several objectives, or both, on the same images; the results are the same.

        with iv.sharing(net, net.prepare("photo.jpg")) as x:
            maps = [method(net, x, iv.Logit(k)) for method in methods for k in classes]

    Args:
        net: the network; it must not be changed within the block.
        images: anything that `net.prepare` takes; hand the block's variable, the prepared images, to the methods.
    """
    require_network(net)
    images = net.prepare(images)
    if shared(net, images) is not None:  # an outer block shares already
        yield images
        return
    images = images.clone()  # what the caller does to the original changes nothing here
    token = _shared.set(_Shared(net, images))
    try:
        yield images
    finally:
        _shared.reset(token)


def shared(net: Network, images: Tensor) -> dict[Hashable, Any] | None:
    """The memory of what is known about these very images; None if nothing is shared about them.

    It holds one part of the batch at a time.
    """
    here = _shared.get()
    if here is None or here.net is not net or _memory(images) != _memory(here.images) or images.is_inference():
        return None
    of = (images.data_ptr(), images.shape, images.stride(), version(images), net.digest(), net.output, net.grid)
    if of != here.of:
        here.memory.clear()
        here.of = of
    return here.memory


def once(net: Network, images: Tensor, what: Hashable, compute: Callable[[], Result]) -> Result:
    """The result of `compute`, which is run again only if it is not known of these images."""
    memory = shared(net, images)
    if memory is None:
        return compute()
    if what not in memory:
        memory[what] = compute()
    return memory[what]


def _memory(images: Tensor) -> int:
    return images.untyped_storage().data_ptr()
