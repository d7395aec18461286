"""A stream of random numbers for each picture, so that none depends on its neighbours in the batch."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


class Streams:
    """One generator for each picture, seeded on its own; numbers are drawn on the CPU, so every device has the same."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Float[Tensor, "picture ..."]:
        """Standard normal numbers of this shape for each picture."""
        return torch.stack([torch.randn(shape, generator=each) for each in self._generators])

    def uniform(self, *shape: int) -> Float[Tensor, "picture ..."]:
        """Numbers from 0 to 1 of this shape for each picture."""
        return torch.stack([torch.rand(shape, generator=each) for each in self._generators])

    def choice(self, values: Sequence[float], *shape: int) -> Float[Tensor, "picture ..."]:
        """Some of these values, each as likely as the others, in double precision."""
        drawn = [torch.randint(len(values), shape, generator=each) for each in self._generators]
        return torch.tensor(values, dtype=torch.float64)[torch.stack(drawn)]
