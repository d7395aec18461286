"""A layer's output read as maps: which of its values belongs to which place of the image.

Convolutional networks give [batch, channel, row, column]; others put the channels last, or give a sequence of
tokens, often with some before the grid that have no place (class, distillation and register tokens).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from ..errors import LayerError, MethodError

Maps = Float[Tensor, "batch map map_row map_column"]
Size = tuple[int, int]


class Reading(ABC):
    """How a layer's output, or the gradient there, is rearranged into [batch, channel, row, column]."""

    on_grid = True
    """Whether rows and columns are places of the image."""

    @abstractmethod
    def __call__(self, output: Tensor) -> Maps:
        """The maps, a view of the output."""


@dataclass(frozen=True)
class ChannelsFirst(Reading):
    """[batch, channel, row, column], as it is."""

    def __call__(self, output: Tensor) -> Maps:
        return output


@dataclass(frozen=True)
class ChannelsLast(Reading):
    """[batch, row, column, channel]."""

    def __call__(self, output: Tensor) -> Maps:
        return output.movedim(3, 1)


@dataclass(frozen=True)
class Tokens(Reading):
    """[batch, token, channel]: `prefix` tokens that have no place, then those of a grid, row by row."""

    prefix: int
    grid: Size

    def __call__(self, output: Tensor) -> Maps:
        return output[:, self.prefix :].transpose(1, 2).unflatten(2, self.grid)


@dataclass(frozen=True)
class Placeless(Reading):
    """[batch, token, channel] of which no grid is known, or [batch, channel]: tokens × 1, or 1 × 1."""

    on_grid = False

    def __call__(self, output: Tensor) -> Maps:
        return output[..., None, None] if output.dim() == 2 else output.transpose(1, 2)[..., None]


@dataclass(frozen=True)
class AsTold(Reading):
    """The way that the user says, `Network(module, grid=…)`: one map of each channel for each image."""

    grid: Callable[[Tensor], Tensor]
    images: int
    layer: str

    def __call__(self, output: Tensor) -> Maps:
        maps = self.grid(output)
        if maps.dim() != 4 or len(maps) != self.images:
            raise MethodError(
                f"maps are [batch, channel, row, column] with {self.images} in the batch; {self.layer} was read as "
                f"{list(maps.shape)}. Name another layer, or say how to read this one: Network(module, grid=…)"
            )
        return maps


@dataclass(frozen=True)
class Refused(Reading):
    """Not at all: `LayerError` with the reason."""

    sentence: str

    on_grid = False

    def __call__(self, output: Tensor) -> Maps:
        raise LayerError(self.sentence)
