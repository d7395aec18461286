"""Questions about what happens inside: a neuron, a channel, a layer, a direction."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..network.default_layer import uncapped_layer
from ..network.network import Network
from ..network.seen import Seen
from ..settings import Amount, NotEmpty, Text, Whole
from .objective import Line, Objective, Part, Scores

Values = Float[Tensor, "batch channel position"]
Position = tuple[Whole, Whole] | Whole
"""A row and a column, or the number of a token in its sequence."""


@dataclass(frozen=True)
class _OfLayer(Objective):
    layer: Text

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer it reads."""
        return (self.layer,)


@dataclass(frozen=True)
class Channel(_OfLayer):
    """The mean activation of one channel over all positions (of a vector: the value of one unit)."""

    channel: Whole

    form: ClassVar[str] = "channel:LAYER,CHANNEL"

    def __call__(self, seen: Seen) -> Scores:
        return _channel(_values(seen, self.layer), self.channel, self.layer).mean(1)

    def line(self, seen: Seen) -> Line:
        """All channels of the layer."""
        values = _values(seen, self.layer)
        return values.mean(2), _existing(values, self.channel, self.layer)

    def part(self, layer: str) -> Part:
        """The channel."""
        return Part(frozenset({self.channel}))

    def describe(self, net: Network) -> str:
        """Layer and channel."""
        return f"{self.layer} channel {self.channel}"


@dataclass(frozen=True)
class Neuron(_OfLayer):
    """One activation: a channel at a position (row, column), by default where the channel is strongest.

    Tokens lie on their grid; a single number is a token's place in the sequence, such as 0 for the class token, which
    lies on no grid. Where no grid is known, the position is (token, 0); vectors have only (0, 0).
    """

    channel: Whole
    position: Position | None = None

    form: ClassVar[str] = "neuron:LAYER,CHANNEL[,ROW,COLUMN|,TOKEN]"

    def __call__(self, seen: Seen) -> Scores:
        return _channel(_values(seen, self.layer, self.position), self.channel, self.layer).max(1).values

    def line(self, seen: Seen) -> Line:
        """All channels of the layer, each at the position or where it is strongest."""
        values = _values(seen, self.layer, self.position)
        return values.amax(2), _existing(values, self.channel, self.layer)

    def part(self, layer: str) -> Part:
        """The channel, at the position if there is one."""
        return Part(frozenset({self.channel}), _place(self.position))

    def describe(self, net: Network) -> str:
        """Layer, channel and position."""
        where = "strongest position" if self.position is None else _words(self.position)
        return f"{self.layer} channel {self.channel}, {where}"


@dataclass(frozen=True)
class LayerEnergy(_OfLayer):
    """The mean of the squared activations of a whole layer: what DeepDream amplifies."""

    form: ClassVar[str] = "energy:LAYER"

    def __call__(self, seen: Seen) -> Scores:
        return seen.maps(self.layer).square().mean((1, 2, 3))

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"energy of {self.layer}"


@dataclass(frozen=True)
class Maximum(Objective):
    """The largest activation of a whole layer: of the `Neuron` that answers an image most.

        f(x) = max A(k, y, x)   over all channels and positions

    Without a layer it is the last with a grid of features that the class scores depend on, `features` of a VGG; where
    that is cut off from above (ReLU6), it is what was there before, as a response at the cap has no gradient.

    Reference: Fleuret, Deep learning course: the "max feature response", `model.features(x).max()`.
    """

    layer: Text | None = None

    form: ClassVar[str] = "max[:LAYER]"

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer it reads."""
        return (self._layer(),)

    def bind(self, net: Network) -> "Maximum":
        """With the layer looked up, if there is none; `SettingError` if the network has no such layer."""
        return self if self.layer else replace(self, layer=uncapped_layer(net, net.blank()))

    def __call__(self, seen: Seen) -> Scores:
        return seen.maps(self._layer()).flatten(1).max(1).values

    def _layer(self) -> str:
        if self.layer is None:
            raise ObjectiveError(f"bind the objective to a network first: {self!r} names no layer")
        return self.layer

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"maximum of {self._layer()}"


@dataclass(frozen=True)
class Direction(_OfLayer):
    """How much a layer's channels point along a vector, at a position (row, column) or as a mean over all.

        f(x) = ⟨v(x), d⟩ · max(0.1, cos(v(x), d))^power

    With a power of 0 this is the dot product, which rewards strong answers of whatever else answers, too; the larger
    the power, the more it counts that nothing else does.

    Reference: Olah et al. 2018, The building blocks of interpretability; Carter et al. 2019, Activation atlas.
    """

    vector: Annotated[tuple[float, ...], NotEmpty()]
    position: Position | None = None
    power: Amount = 0.0

    form: ClassVar[str] = "direction:LAYER,[NUMBER,…]"

    def __call__(self, seen: Seen) -> Scores:
        values = _values(seen, self.layer, self.position)
        if len(self.vector) != values.shape[1]:
            raise ObjectiveError(
                f"the direction has {len(self.vector)} numbers, but layer {self.layer!r} has {values.shape[1]} channels"
            )
        vector = torch.tensor(self.vector, dtype=values.dtype, device=values.device)
        along = torch.einsum("bcp,c->bp", values, vector)
        if self.power:
            tiny = torch.finfo(values.dtype).tiny
            lengths = values.square().sum(1).clamp_min(tiny).sqrt() * vector.norm()
            along = along * (along / lengths.clamp_min(tiny)).clamp_min(0.1) ** self.power
        return along.mean(1)

    def part(self, layer: str) -> Part:
        """All channels, at the position if there is one."""
        return Part(position=_place(self.position))

    def describe(self, net: Network) -> str:
        """The layer."""
        return f"a direction in {self.layer}"


def _values(seen: Seen, layer: str, position: Position | None = None) -> Values:
    """What a layer gives at all positions, or at one; a number counts the tokens of a sequence."""
    if position is None:
        return seen.maps(layer).flatten(2)
    if isinstance(position, int):
        tokens = seen.tokens(layer)
        if not 0 <= position < tokens.shape[2]:
            raise ObjectiveError(f"layer {layer!r} has tokens 0 to {tokens.shape[2] - 1}; got {position}")
        return tokens[:, :, position, None]
    maps = seen.maps(layer)
    rows, columns = maps.shape[2:]
    if not (0 <= position[0] < rows and 0 <= position[1] < columns):
        raise ObjectiveError(f"layer {layer!r} has {rows} × {columns} positions (row, column); got {position}")
    return maps[:, :, position[0], position[1], None]


def _channel(values: Values, channel: int, layer: str) -> Float[Tensor, "batch position"]:
    return values[:, _existing(values, channel, layer)]


def _existing(values: Values, channel: int, layer: str) -> int:
    if not 0 <= channel < values.shape[1]:
        raise ObjectiveError(f"layer {layer!r} has channels 0 to {values.shape[1] - 1}; got {channel}")
    return channel


def _place(position: Position | None) -> tuple[int, int] | None:
    """Its row and column; a token has none."""
    return None if isinstance(position, int) else position


def _words(position: Position) -> str:
    return f"token {position}" if isinstance(position, int) else f"position {position}"
