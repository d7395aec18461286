"""The layers that are shown where none are named."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import LayerError
from ..network.layers import LayerInfo
from ..network.network import Network
from ..network.recognition import reading
from ..passes.main_path import main_path

Inputs = Float[Tensor, "batch channel row column"]
Size = tuple[int, int]

COUNT = 5
BARE = re.compile("Norm|Pool|Permute|Rearrange")


def stages(net: Network, images: Inputs) -> tuple[str, ...]:
    """The last layer of each resolution; of a network with one or two, five blocks evenly spaced. In depth order.

    Layers are looked for on the main path of the network (`main_path`), and as a teacher would name them: what
    holds like blocks or several resolutions is opened, such as `features` or `blocks`; what is inside a block is
    not. A normalisation, a pooling or a rearrangement on its own stands only for a resolution that has nothing else.

    Raises:
        LayerError: no layer has rows and columns.
    """
    path = _Path.of(net, images)
    if not path.sizes:
        raise LayerError(f"{net.name} has no layer with rows and columns; name one of its layers: layers=[…]")
    steps = path.steps()
    features = [name for name in steps if not path.is_bare(name)]
    bare = {path.sizes[name]: name for name in reversed(steps) if path.is_bare(name)}
    last = bare | {path.sizes[name]: name for name in features}
    blocks = max(path.series, key=len, default=())
    several = blocks if len(blocks) >= COUNT else features or steps
    chosen = list(last.values()) if len(last) > 2 else _spread(several)
    return tuple(path.outermost(name, chosen) for name in steps if name in chosen)


@dataclass(frozen=True)
class _Path:
    """The main path of a network.

    Attributes:
        same: its layers as they finish, together those that give the same tensor.
        sizes: of each, the rows and columns.
        series: like blocks, one after the other.
        leaves: of those without parts, their kinds.
    """

    same: tuple[tuple[str, ...], ...]
    sizes: dict[str, Size]
    series: tuple[tuple[str, ...], ...]
    leaves: dict[str, str]

    @classmethod
    def of(cls, net: Network, images: Inputs) -> "_Path":
        layers = {info.name: info for info in net.traced(images)}
        sizes = {name: size for name, info in layers.items() if (size := _size(net, images, info))}
        same = main_path(net, images, sizes)
        names = {name for names in same for name in names}
        composed = {name for name in names if any(True for _ in net.module.get_submodule(name).children())}
        return cls(
            same,
            {name: size for name, size in sizes.items() if name in names},
            tuple(_series([layers[name] for names in same for name in names], sizes, composed)),
            {name: layers[name].kind for name in names - composed},
        )

    def steps(self) -> list[str]:
        """The layers that are inside opened ones only and are not opened themselves, one for each tensor."""
        opened = {name for name in self.sizes if self._is_opened(name)}
        closed = self.sizes.keys() - opened
        tops = {name for name in closed if not any(each in closed for each in _around(name))}
        found = (next((name for name in names if name in tops), None) for names in self.same)
        return [name for name in found if name is not None]

    def _is_opened(self, name: str) -> bool:
        """Whether it holds like blocks, or resolutions that nothing else has."""
        inside = {each for each in self.sizes if _is_inside(each, name)}
        others = {self.sizes[each] for each in self.sizes.keys() - inside}
        return any(inside.issuperset(each) for each in self.series) or any(
            self.sizes[each] not in others for each in inside
        )

    def is_bare(self, name: str) -> bool:
        """Whether it only normalises, pools or rearranges."""
        return BARE.search(self.leaves.get(name, "")) is not None

    def outermost(self, name: str, chosen: Iterable[str]) -> str:
        """What a layer is best called: the largest around it that gives the same and holds no other that is chosen."""
        (same,) = (names for names in self.same if name in names)
        around = [
            each
            for each in same
            if _is_inside(name, each) and not any(_is_inside(other, each) for other in chosen if other != name)
        ]
        return around[-1] if around else name


def _size(net: Network, images: Inputs, info: LayerInfo) -> Size | None:
    """The rows and columns of a layer; None if it has none, or one position only."""
    one_number_each = info.output_shape[1:] == (1,)
    has_places = len(info.output_shape) > 1 and not one_number_each and info.rows_per_image == 1
    if not has_places or not (read := reading(net, images[:1], info.name)).on_grid:
        return None
    rows, columns = read(torch.empty(1, *info.output_shape, device="meta")).shape[2:]
    return (rows, columns) if rows * columns > 1 else None


def _series(layers: Sequence[LayerInfo], sizes: Mapping[str, Size], composed: Container[str]) -> list[tuple[str, ...]]:
    """What each container with one resolution holds more than one of, as to kind and shape, if it has parts."""
    resolutions, together = defaultdict(set), defaultdict(list)
    for info in layers:
        container = info.name.rpartition(".")[0]
        resolutions[container].add(sizes[info.name])
        if info.name in composed:
            together[container, info.kind, info.output_shape].append(info.name)
    return [tuple(names) for (where, *_), names in together.items() if len(names) > 1 and len(resolutions[where]) == 1]


def _spread(names: Sequence[str]) -> list[str]:
    """Five of the names, evenly spaced, or all if there are fewer."""
    if len(names) <= COUNT:
        return list(names)
    return [names[round(step * (len(names) - 1) / (COUNT - 1))] for step in range(COUNT)]


def _is_inside(name: str, around: str) -> bool:
    return name.startswith(f"{around}.")


def _around(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))
