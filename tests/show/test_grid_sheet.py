"""The sheet of an activation grid: pictures in their places, as large as the layer answers there strongly."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from innerview.combined.grid import ActivationGrid
from innerview.results import Provenance
from innerview.show.sheets.grid import grid_sheet, mosaic


def result(magnitudes: list[list[float]], *, side: int = 8, layer: str = "layer3") -> ActivationGrid:
    """Even pictures, each a little brighter than the one before, in a photograph of 30 × 40."""
    strengths = torch.tensor(magnitudes)
    levels = torch.linspace(0.2, 0.6, strengths.numel()).reshape(*strengths.shape, 1, 1, 1)
    return ActivationGrid(
        layer=layer,
        pixels=levels.expand(-1, -1, 3, side, side).clone(),
        magnitudes=strengths,
        picture=torch.full((3, 30, 40), 100, dtype=torch.uint8),
        provenance=Provenance("net", "0" * 16, ("each position of layer3",), "activation_grid", {}),
    )


def test_the_area_of_a_picture_is_its_magnitude() -> None:
    found = mosaic(result([[16.0, 4.0, 0.0], [1.0, 16.0, 16.0]]), scaled=True)
    assert found.shape == (16, 24, 3)
    cells = found[..., 0].reshape(2, 8, 3, 8).transpose(0, 2, 1, 3)
    assert (cells != 255).sum((2, 3)).tolist() == [[64, 16, 0], [4, 64, 64]]
    assert cells[0, 1, 2:6, 2:6].tolist() == [[71] * 4] * 4  # in the middle of its cell
    assert [int(cells[place][4, 4]) for place in ((0, 0), (1, 0), (1, 1), (1, 2))] == [51, 112, 133, 153]


def test_unscaled_pictures_fill_their_cells() -> None:
    found = mosaic(result([[16.0, 4.0], [0.0, 1.0]]), scaled=False)
    assert np.unique(found[..., 0]).tolist() == [51, 85, 119, 153]
    assert (found[..., 0] == 51).sum() == 64


def test_a_silent_layer_is_white() -> None:
    assert (mosaic(result([[0.0, 0.0]]), scaled=True) == 255).all()


def test_large_pictures_are_made_smaller() -> None:
    assert mosaic(result([[1.0, 1.0]], side=224), scaled=True).shape == (96, 192, 3)


@pytest.mark.parametrize("scaled", [True, False])
def test_the_photograph_stands_beside_the_grid(scaled: bool) -> None:
    drawn = grid_sheet(result([[2.0, 1.0], [1.0, 1.0]]), scaled=scaled)
    photo, grid = (np.asarray(axes.images[0].get_array()) for axes in drawn.axes)
    assert photo.shape == (30, 40, 3)
    assert grid.shape == (16, 16, 3)
    text = [each.get_text() for each in drawn.texts]
    assert text[0] == "net: the image as layer3 sees it, 2 × 2"
    assert any("the larger its area" in each for each in text) == scaled


@pytest.mark.parametrize(
    "shown", [result([[1.0]]), result([[1.0] * 14] * 14), result([[1.0] * 5], layer="a_long_name." * 30)]
)
def test_everything_stays_on_the_page_and_nothing_lies_on_a_picture(shown: ActivationGrid) -> None:
    drawn = grid_sheet(shown)
    canvas = FigureCanvasAgg(drawn)
    width, height = drawn.get_size_inches() * drawn.dpi
    for text in drawn.texts:
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
        assert not any(box.overlaps(axes.get_window_extent()) for axes in drawn.axes)
    places = [axes.get_position() for axes in drawn.axes]
    assert all(place.x0 >= 0 and place.x1 <= 1 and place.y0 >= 0 and place.y1 <= 1 for place in places)
