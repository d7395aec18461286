"""One number per pixel of a method's values, worked out by hand."""

import pytest
import torch

import innerview as iv
from innerview.attribution.method import Reduction

VALUES = torch.tensor([[[[1.0, -4], [2, 0]], [[-3, 3], [1, -5]]]])
"""One image, two channels of two rows and columns."""


def heatmap(values: torch.Tensor, reduction: Reduction, *, signed: bool, size: int = 2) -> torch.Tensor:
    pictures = torch.zeros(len(values), 3, size, size, dtype=torch.uint8)
    origin = iv.Provenance("network", "digest", ("ox",), "method", {})
    return iv.Attribution(values, pictures, reduction, signed, origin).heatmap()


@pytest.mark.parametrize(
    ("reduction", "signed", "expected"),
    [
        ("sum", True, [[-2, -1], [3, -5]]),
        ("sum", False, [[2, 1], [3, 5]]),
        ("max_abs", True, [[-3, -4], [2, -5]]),
        ("max_abs", False, [[3, 4], [2, 5]]),
    ],
)
def test_channels_become_one_number_whose_sign_is_kept_where_it_tells_for_from_against(
    reduction: Reduction, *, signed: bool, expected: list
) -> None:
    assert heatmap(VALUES, reduction, signed=signed)[0].tolist() == expected


def test_a_coarse_grid_is_interpolated_between_magnitudes() -> None:
    """At 4 pixels two values lie 1/4 and 3/4 of the way: between −8 and 8 there is no zero where nothing counts."""
    row = torch.tensor([[[[-8.0, 8.0]] * 2]])
    assert heatmap(row, "sum", signed=False, size=4)[0, 0].tolist() == [8, 8, 8, 8]
    assert heatmap(row, "sum", signed=True, size=4)[0, 0].tolist() == [-8, -4, 4, 8]
