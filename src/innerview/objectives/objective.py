"""What an objective is, and how objectives are combined."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..network.network import Network
from ..network.seen import Seen

Scores = Float[Tensor, "batch"]


@dataclass(frozen=True)
class Part:
    """What an objective reads of a layer: some channels and one position (row, column); None is all of them."""

    channels: frozenset[int] | None = None
    position: tuple[int, int] | None = None

    def __or__(self, other: "Part") -> "Part":
        """What holds both."""
        both = self.channels is not None and other.channels is not None
        return Part(
            channels=(self.channels or frozenset()) | (other.channels or frozenset()) if both else None,
            position=self.position if self.position == other.position else None,
        )


class Objective(ABC):
    """A scalar per image; combine objectives with + - * and numbers.

    To write one: read the layers named by `layers` (and the output if `reads_output`) from what a forward pass
    showed, and return one number per image.
    """

    @property
    def layers(self) -> tuple[str, ...]:
        """The addresses of the layers it reads."""
        return ()

    @property
    def reads_output(self) -> bool:
        """Whether it needs the network's output, so that the pass must run to its end."""
        return False

    def part(self, layer: str) -> Part:
        """What it reads of one of its layers: the rest need not be computed."""
        return Part()

    def bind(self, net: Network) -> "Objective":
        """The same question with class names turned into this network's indices."""
        return self

    def rows(self, images: Sequence[int]) -> "Objective":
        """The question for a batch made of these images of the original batch."""
        return self

    @abstractmethod
    def __call__(self, seen: Seen) -> Scores:
        """The scalar for each image of the pass."""

    @abstractmethod
    def describe(self, net: Network) -> str:
        """The question in a few words, for titles."""

    def __add__(self, other: "Objective | float") -> "Objective":
        return Sum(self, _objective(other))

    def __radd__(self, other: float) -> "Objective":
        return Sum(_objective(other), self)

    def __sub__(self, other: "Objective | float") -> "Objective":
        return Sum(self, -_objective(other))

    def __rsub__(self, other: float) -> "Objective":
        return Sum(_objective(other), -self)

    def __mul__(self, other: "Objective | float") -> "Objective":
        return Product(self, _objective(other))

    def __rmul__(self, other: float) -> "Objective":
        return Product(_objective(other), self)

    def __neg__(self) -> "Objective":
        return Product(Constant(-1.0), self)


def _objective(value: Objective | float) -> Objective:
    if isinstance(value, Objective):
        return value
    if isinstance(value, int | float):
        return Constant(float(value))
    raise ObjectiveError(f"objectives combine with objectives and numbers; got {type(value).__name__}")


def _joined(objectives: Sequence[Objective], layer: str) -> Part:
    return reduce(or_, [each.part(layer) for each in objectives if layer in each.layers])


@dataclass(frozen=True)
class Constant(Objective):
    """A number, the same for every image."""

    value: float

    def __call__(self, seen: Seen) -> Scores:
        return torch.full_like(seen.anchor, self.value)

    def describe(self, net: Network) -> str:
        """The number."""
        return f"{self.value:g}"


@dataclass(frozen=True)
class _Pair(Objective):
    left: Objective
    right: Objective

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers either side reads."""
        return tuple(dict.fromkeys(self.left.layers + self.right.layers))

    @property
    def reads_output(self) -> bool:
        """Whether either side reads the output."""
        return self.left.reads_output or self.right.reads_output

    def part(self, layer: str) -> Part:
        """What either side reads of it."""
        return _joined((self.left, self.right), layer)

    def bind(self, net: Network) -> "_Pair":
        """Both sides bound."""
        return replace(self, left=self.left.bind(net), right=self.right.bind(net))

    def rows(self, images: Sequence[int]) -> "_Pair":
        """Both sides for these images."""
        return replace(self, left=self.left.rows(images), right=self.right.rows(images))


@dataclass(frozen=True)
class Sum(_Pair):
    """The sum of two objectives."""

    def __call__(self, seen: Seen) -> Scores:
        return self.left(seen) + self.right(seen)

    def describe(self, net: Network) -> str:
        """Both sides, with + or −."""
        if isinstance(self.right, Product) and self.right.left == Constant(-1.0):
            return f"{self.left.describe(net)} − {self.right.right.describe(net)}"
        return f"{self.left.describe(net)} + {self.right.describe(net)}"


@dataclass(frozen=True)
class Product(_Pair):
    """The product of two objectives."""

    def __call__(self, seen: Seen) -> Scores:
        return self.left(seen) * self.right(seen)

    def describe(self, net: Network) -> str:
        """Both factors."""
        if self.left == Constant(-1.0):
            return f"−({self.right.describe(net)})"
        factors = [f"({each.describe(net)})" if isinstance(each, Sum) else each.describe(net) for each in self._sides]
        return " · ".join(factors)

    @property
    def _sides(self) -> tuple[Objective, Objective]:
        return self.left, self.right


@dataclass(frozen=True)
class PerImage(Objective):
    """One objective per image: the first is asked of the first image, and so on."""

    objectives: tuple[Objective, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers any of them reads."""
        return tuple(dict.fromkeys(layer for each in self.objectives for layer in each.layers))

    @property
    def reads_output(self) -> bool:
        """Whether any of them reads the output."""
        return any(each.reads_output for each in self.objectives)

    def part(self, layer: str) -> Part:
        """What any of them reads of it."""
        return _joined(self.objectives, layer)

    def bind(self, net: Network) -> "PerImage":
        """Each of them bound."""
        return PerImage(tuple(each.bind(net) for each in self.objectives))

    def rows(self, images: Sequence[int]) -> "PerImage":
        """The objectives of these images."""
        return PerImage(tuple(self.objectives[image] for image in images))

    def __call__(self, seen: Seen) -> Scores:
        asked = {each: each(seen) for each in dict.fromkeys(self.objectives)}
        return torch.stack([asked[each][image] for image, each in enumerate(self.objectives)])

    def describe(self, net: Network) -> str:
        """All of them."""
        return ", ".join(dict.fromkeys(each.describe(net) for each in self.objectives))
