"""A question of its own for each image of a batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from ..network.network import Network
from ..network.seen import Seen
from .objective import Objective, Part, Scores, joined


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
        return joined(self.objectives, layer)

    def bind(self, net: Network) -> "PerImage":
        """Each of them bound."""
        return PerImage(tuple(each.bind(net) for each in self.objectives))

    def rows(self, images: Sequence[int]) -> "PerImage":
        """The objectives of these images."""
        return PerImage(tuple(self.objectives[image] for image in images))

    def of(self, image: int) -> Objective:
        """The objective of this image."""
        return self.objectives[image]

    def __call__(self, seen: Seen) -> Scores:
        return self._each(lambda objective: objective(seen))

    def rank(self, seen: Seen) -> Int[Tensor, "batch"]:
        """That of each image's own question."""
        return self._each(lambda objective: objective.rank(seen))

    def _each(self, answer: Callable[[Objective], Tensor]) -> Tensor:
        """For each image the answer to its own question; every question is asked once."""
        answers = {each: answer(each) for each in dict.fromkeys(self.objectives)}
        return torch.stack([answers[each][image] for image, each in enumerate(self.objectives)])

    def describe(self, net: Network) -> str:
        """All of them."""
        return ", ".join(dict.fromkeys(each.describe(net) for each in self.objectives))

    def __str__(self) -> str:
        return f"[{' | '.join(map(str, self.objectives))}]"
