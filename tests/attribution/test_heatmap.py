"""One number per pixel of a method's values, worked out by hand."""

import pytest
import torch

import innerview as iv
from innerview.attribution.covered import Covered
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


@pytest.mark.parametrize(("side", "cells"), [(2, 4), (3, 7), (2, 7)])
def test_a_cell_is_the_part_of_the_image_that_a_value_is_about(side: int, cells: int) -> None:
    """Pixel p of n lies in cell ⌊(p + ½) m / n⌋ of m."""
    values = torch.arange(float(side * side)).view(1, 1, side, side)
    pictures = torch.zeros(1, 3, cells, cells, dtype=torch.uint8)
    origin = iv.Provenance("network", "digest", ("ox",), "method", {})
    found = iv.Attribution(values, pictures, "sum", True, origin).cells()[0]
    places = [int((pixel + 0.5) * side / cells) for pixel in range(cells)]
    assert found.tolist() == [[values[0, 0, row, column].item() for column in places] for row in places]


def test_parts_that_overlap_share_a_pixel_or_leave_it_to_the_nearest_middle() -> None:
    """Middles at 2, 4 and 5½: the pixels' middles ½ to 5½ lie nearest to them in turn, of two the first."""
    values = torch.tensor([[[[1.0, 2.0, 6.0]]]])
    covered = Covered(rows=((0, 1),), columns=((0, 4), (2, 6), (5, 6)))
    assert covered.mean(values)[0, 0, 0].tolist() == [1, 1, 1.5, 1.5, 2, 4]
    assert covered.nearest(values)[0, 0, 0].tolist() == [1, 1, 1, 2, 2, 6]
