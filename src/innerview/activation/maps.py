"""What the layers of a network give for an image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..errors import LayerError, MethodError, SettingError
from ..network.network import Network, require_network
from ..network.pictures import pictures
from ..network.provenance import provenance
from ..network.recognition import reading
from ..network.rows import refusal
from ..operations.receptive_field import ReceptiveField
from ..passes.forward import forward
from ..progress import steps
from ..results import Provenance, Result
from ..settings import checked
from .stages import stages
from .statistics import ChannelStatistics, channel_statistics

Inputs = Float[Tensor, "batch channel row column"]
Maps = Float[Tensor, "batch channel row column"]
Choice = Literal["first", "strongest", "selective", "random"]


@dataclass(frozen=True, eq=False, repr=False)
class Activations(Result, Mapping[str, Tensor]):
    """What layers give for an image, in the order of their depth.

    Each picture is a channel of a layer, bright or red where it answers.

    Attributes:
        outputs: by layer, what it gave, in memory; `acts["layer2"]` is the same.
        grids: by layer that has a place for each value, the same as maps: [batch, channel, row, column].
        fields: by layer, which pixels of the input its units see; None where that is not defined.
        pictures: what the network saw, for drawing: [batch, 3 or 1, row, column], 0–255.
        provenance: the network and the settings.
    """

    outputs: Mapping[str, Tensor]
    grids: Mapping[str, Tensor]
    fields: Mapping[str, ReceptiveField | None]
    pictures: UInt8[Tensor, "batch colour height width"]
    provenance: Provenance

    def __getitem__(self, layer: str) -> Tensor:
        return self.outputs[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)

    def maps(self, layer: str) -> Maps:
        """What a layer gave as maps, in single precision at least; `MethodError` if it has no places of the images."""
        if layer not in self.grids:
            shape = list(self.outputs[layer].shape)
            raise MethodError(
                f"maps have an image, rows and columns; {layer!r} gives {shape} for {len(self.pictures)} image(s), "
                f"which does not: read it as acts[{layer!r}]"
            )
        maps = self.grids[layer]
        return maps.to(torch.promote_types(maps.dtype, torch.float32))

    def statistics(self, layer: str) -> ChannelStatistics:
        """The mean, the largest value, the sparsity, … of each channel for each image."""
        return channel_statistics(self.maps(layer))

    def channels(self, layer: str, choice: Choice, count: int, *, image: int = 0, seed: int = 0) -> list[int]:
        """The numbers of some channels of a layer.

        Args:
            layer: one of the layers that are here.
            choice: "first" by number; "strongest" by their mean; "selective": those that respond at the fewest
                places first, see `ChannelStatistics`; "random", in the order of their numbers.
            count: how many at most.
            image: for which image of the batch.
            seed: of "random".
        """
        checked("choice", choice, Choice)
        total = self.maps(layer).shape[1]
        if choice == "first":
            return list(range(min(count, total)))
        if choice == "random":
            drawn = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
            return sorted(drawn[:count].tolist())
        statistics = self.statistics(layer)
        ranking = statistics.mean if choice == "strongest" else statistics.selectivity
        return ranking[image].argsort(descending=True, stable=True)[:count].tolist()


def activations(
    net: Network, images: Any, layers: Sequence[str] | None = None, *, precision: torch.dtype | None = None
) -> Activations:
    """What some layers give for these images; the pass runs no further than the last of them.

    Each layer's values leave the device as soon as they are there, so that asking for many layers takes no more
    of its memory than asking for one. A layer whose first axis counts windows, patches or tokens instead of images is
    given as it is, and not read as maps.

    Args:
        net: the network; it is not changed.
        images: anything `net.prepare` takes.
        layers: the layers' addresses; by default the last of each resolution, or blocks evenly spaced, see `stages`.
        precision: in which the values are kept, such as `torch.float16`; by default as the layer gives them.

    Raises:
        LayerError: a layer does not exist, did not run or gives no tensor; the nearest names are listed. Or it has not
            one row for each image, and there are more images than one pass takes.
    """
    require_network(net)
    images = net.prepare(images)
    names = _in_depth_order(net, images, stages(net, images) if layers is None else layers)
    keep = partial(_kept, precision=precision)
    with torch.no_grad(), steps("activations", len(images)) as advance:

        def run(rows: slice) -> Mapping[str, Tensor]:
            if len(images[rows]) < len(images):
                _require_joinable(net, images, names)
            seen = forward(net, images[rows], record=names, stop=True, keep=keep).activations
            advance(len(range(len(images))[rows]))
            return seen

        parts = net.in_batches(images, run)
    values = {name: torch.cat([part[name] for part in parts]) for name in names}
    fields = {info.name: info.receptive_field for info in net.traced(images)}
    grids = _grids(net, images, values)
    return Activations(
        outputs=values,
        grids=grids,
        fields={name: fields.get(name.partition(":")[0]) for name in grids},
        pictures=pictures(net, images),
        provenance=provenance(net, "activations", layers=names, precision=precision),
    )


def _in_depth_order(net: Network, images: Inputs, names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        raise SettingError("name at least one layer; the list is empty")
    found = {name: net.address(name, images) for name in names}
    return tuple(sorted(found, key=lambda name: found[name].finished))


def _kept(values: Tensor, precision: torch.dtype | None) -> Tensor:
    """A copy in memory: what the layer gave may be written over later in the pass."""
    return values.detach().to("cpu", precision, copy=True)


def _grids(net: Network, images: Inputs, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By layer that has a place for each value, what it gave as maps of the images."""
    readings = {name: reading(net, images, name, each.shape) for name, each in values.items() if each.dim() > 2}
    return {name: readings[name](values[name]) for name in readings if readings[name].on_grid}


def _require_joinable(net: Network, images: Inputs, names: Sequence[str]) -> None:
    """`LayerError` if what a layer gives in several passes cannot be put together, as its rows are not images."""
    for name in names:
        if sentence := refusal(net, images, net.address(name, images)):
            raise LayerError(f"{sentence}; or ask for so few images that one pass takes them, not {len(images)}")
