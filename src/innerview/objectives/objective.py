"""What an objective is, and how objectives are combined."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import ObjectiveError
from ..network.network import Network
from ..network.seen import Seen
from ..settings import Settings
from . import arguments

Scores = Float[Tensor, "batch"]
Line = tuple[Float[Tensor, "batch unit"], int]
"""What all units of a kind answer, and which of them is asked about."""


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


class Objective(Settings, ABC):
    """A scalar per image; combine objectives with + - * and numbers.

    To write one: read the layers named by `layers` (and the output if `reads_output`) from what a forward pass
    showed, and return one number per image. The fields of a frozen dataclass are checked by their annotations; with a
    `form` it has a text: `str(objective)` is what `parse_objective` reads, once its class is in the catalogue.
    """

    form: ClassVar[str] = ""
    """How it is written, as in `channel:LAYER,CHANNEL`: its kind, and its fields in their order."""

    @classmethod
    def kind(cls) -> str:
        """Its name in the catalogue: what stands before the colon, which may be left out: `max[:LAYER]`."""
        return cls.form.partition(":")[0].rstrip("[")

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

    def of(self, image: int) -> "Objective":
        """The question for this one of the images."""
        return self

    @abstractmethod
    def __call__(self, seen: Seen) -> Scores:
        """The scalar for each image of the pass."""

    @abstractmethod
    def describe(self, net: Network) -> str:
        """The question in a few words, for titles."""

    @property
    def class_asked(self) -> int | None:
        """The index of the class it is about, once it is bound; None if it is about no single one."""
        return None

    def line(self, seen: Seen) -> Line | None:
        """What all units of its kind answer (the channels of its layer, the classes), and which one is its own.

        None if it is about no single one.
        """
        return None

    def rank(self, seen: Seen) -> Int[Tensor, "batch"]:
        """The place of its unit among those of its kind, for each image: 1 if none is stronger; 0 if it has none."""
        line = self.line(seen)
        if line is None:
            return torch.zeros_like(seen.anchor, dtype=torch.int64)
        units, own = line
        return 1 + (units > units[:, own, None]).sum(1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __str__(self) -> str:
        """As `parse_objective` reads it; objectives without a form print as in Python."""
        return ":".join(filter(None, (self.kind(), arguments.spelled(self)))) if self.form else repr(self)

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


def joined(objectives: Sequence[Objective], layer: str) -> Part:
    """What any of them reads of a layer that one of them reads."""
    return reduce(or_, [each.part(layer) for each in objectives if layer in each.layers])


@dataclass(frozen=True)
class Constant(Objective):
    """A number, the same for every image."""

    value: float

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")

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
        return joined((self.left, self.right), layer)

    def bind(self, net: Network) -> "_Pair":
        """Both sides bound."""
        return replace(self, left=self.left.bind(net), right=self.right.bind(net))

    def rows(self, images: Sequence[int]) -> "_Pair":
        """Both sides for these images."""
        return replace(self, left=self.left.rows(images), right=self.right.rows(images))

    def of(self, image: int) -> "_Pair":
        """Both sides for this image."""
        return replace(self, left=self.left.of(image), right=self.right.of(image))


@dataclass(frozen=True)
class Sum(_Pair):
    """The sum of two objectives."""

    def __call__(self, seen: Seen) -> Scores:
        return self.left(seen) + self.right(seen)

    def describe(self, net: Network) -> str:
        """Both sides, with + or −."""
        less = _negated(self.right)
        if less is None:
            return f"{self.left.describe(net)} + {self.right.describe(net)}"
        words = less.describe(net)
        return f"{self.left.describe(net)} − {f'({words})' if isinstance(less, Sum) else words}"

    def __str__(self) -> str:
        less = _negated(self.right)
        sign, right = ("+", self.right) if less is None else ("-", less)
        return f"{self.left} {sign} {_bracketed(right, isinstance(right, Sum))}"


@dataclass(frozen=True)
class Product(_Pair):
    """The product of two objectives."""

    def __call__(self, seen: Seen) -> Scores:
        return self.left(seen) * self.right(seen)

    def describe(self, net: Network) -> str:
        """Both factors."""
        less = _negated(self)
        if less is not None:
            return f"−({less.describe(net)})"
        factors = [f"({each.describe(net)})" if isinstance(each, Sum) else each.describe(net) for each in self._sides]
        return " · ".join(factors)

    def __str__(self) -> str:
        """Left first, as it is read; a minus binds more strongly than a product, and `-1` is a number."""
        less = _negated(self)
        if less is not None:
            return f"-{_bracketed(less, isinstance(less, Sum | Constant) or _is_product(less))}"
        left = _bracketed(self.left, isinstance(self.left, Sum))
        return f"{left} * {_bracketed(self.right, isinstance(self.right, Sum) or _is_product(self.right))}"

    @property
    def _sides(self) -> tuple[Objective, Objective]:
        return self.left, self.right


def _negated(objective: Objective) -> Objective | None:
    """What an objective is minus of; None if it is not written with a minus."""
    if isinstance(objective, Product) and objective.left == Constant(-1.0):
        return objective.right
    return None


def _is_product(objective: Objective) -> bool:
    return isinstance(objective, Product) and _negated(objective) is None


def _bracketed(objective: Objective, needed: bool) -> str:
    return f"({objective})" if needed else str(objective)
