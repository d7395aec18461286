"""Attributions whose values are known, to be drawn."""

import torch

import innerview as iv
from innerview.results import Provenance


def attribution(
    values: torch.Tensor,
    *,
    signed: bool = True,
    asked: tuple[str, ...] = ("ox",),
    method: str = "CAM",
    settings: dict | None = None,
) -> iv.Attribution:
    """A result with these values [batch, row, column] over an even grey picture of 32 × 32 pixels."""
    pixels = torch.full((len(values), 3, 32, 32), 100, dtype=torch.uint8)
    provenance = Provenance("net", "0" * 16, asked, method, settings or {})
    return iv.Attribution(values[:, None], pixels, "sum", signed, provenance)


def spot(count: int = 1, *, at: tuple[int, int] = (8, 8), size: int = 32) -> torch.Tensor:
    """Maps that are zero but for one value."""
    values = torch.zeros(count, size, size)
    values[:, at[0], at[1]] = 2.0
    return values
