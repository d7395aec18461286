"""What is followed during training: each probe measures a few tensors on the network as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ..activation.maps import activations
from ..errors import LayerError
from ..network.network import Network
from ..parameters.filters import kernels, with_kernels
from ..parameters.hidden_units import hidden_units
from ..results.provenance import settings_of
from ..settings import Count, Settings, Text


@runtime_checkable
class Probe(Protocol):
    """What a `Recorder` asks at each snapshot. Write your own as a frozen dataclass with this one method.

    Its fields say what was asked and are kept with the recording: numbers, texts, tensors, and lists of them.
    """

    def measure(self, net: Network) -> Mapping[str, Tensor]:
        """The tensors to keep, by name; called inside `untouched(net.module)` and without gradients."""
        ...


@dataclass(frozen=True, eq=False)
class HiddenUnits(Settings):
    """The lines and decision regions of a perceptron with two inputs; the settings are those of `hidden_units`."""

    data: Any = None
    labels: Any = None
    extent: tuple[float, float, float, float] | None = None
    resolution: Count = 100
    threshold: float = 0.0
    deeper: bool = False

    def measure(self, net: Network) -> dict[str, Tensor]:
        """The tensors of its `UnitLines`."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        return hidden_units(net, settings.pop("data"), settings.pop("labels"), **settings).tensors()


@dataclass(frozen=True)
class FilterImages(Settings):
    """The kernels of one layer, all of them, as `filters` reads them."""

    layer: Text

    def measure(self, net: Network) -> dict[str, Tensor]:
        """`kernels`: [output, input, row, column]."""
        modules = dict(net.module.named_modules(remove_duplicate=False))
        if self.layer not in modules:
            near = get_close_matches(self.layer, with_kernels(net.module), n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise LayerError(f"no layer {self.layer!r} in {net.name}{hint or ': see model.named_modules()'}")
        return {"kernels": kernels(modules[self.layer], self.layer)}


@dataclass(frozen=True, eq=False)
class ActivationMaps(Settings):
    """What a layer gives for fixed images: always the same ones, so that only the network changes.

    Attributes:
        layer: the layer's address.
        images: anything `net.prepare` takes; tensors are taken as the network's input.
        channels: how many channels are kept, from the first on.
    """

    layer: Text
    images: Any
    channels: Count = 16

    def measure(self, net: Network) -> dict[str, Tensor]:
        """`maps`: [image, channel, row, column]."""
        return {"maps": activations(net, self.images, [self.layer]).maps(self.layer)[:, : self.channels]}


def described(probe: Probe) -> dict[str, Any]:
    """What a probe asks, as JSON knows it: its name and settings, of tensors the shape and a digest."""
    return {"probe": type(probe).__name__, **(settings_of(probe) if is_dataclass(probe) else {})}
