"""The drawing of unit lines: every line where it is, every point, every region."""

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from innerview.parameters.unit_lines import UnitLines
from innerview.results import Provenance
from innerview.show.sheets.unit_lines import COLOURS, FAINT, unit_lines


def result(**more: object) -> UnitLines:
    """A level line at 0.5, an upright one at 1, one that is outside, and a unit without a line."""
    return UnitLines(
        weights=torch.tensor([[0.0, 2], [-1, 0], [0, 1], [0, 0]]),
        bias=torch.tensor([-1.0, 1, 9, 0]),
        extent=(-1.0, 3.0, -2.0, 2.0),
        provenance=Provenance("mlp", "0" * 16, (), "hidden_units", {}),
        **{"regions": torch.tensor([[0, 1], [2, 9]])} | more,
    )


def drawn(figure: Figure, kind: type) -> list:
    return [each for axes in figure.axes for each in axes.collections if type(each) is kind]


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


def test_lines_stand_where_they_are_with_arrows_to_the_positive_side() -> None:
    figure = unit_lines(result())
    (lines,) = drawn(figure, LineCollection)
    ends = [{tuple(point) for point in np.round(segment, 9).tolist()} for segment in lines.get_segments()]
    assert ends == [{(-1, 0.5), (3, 0.5)}, {(1, -2), (1, 2)}]
    (arrows,) = drawn(figure, Quiver)
    assert (np.abs(arrows.get_offsets() - [[1, 0.5], [1, 0]]).round(9) == [[1.52, 0], [0, 1.52]]).all()
    np.testing.assert_allclose(np.sign(arrows.U), [0, -1], atol=0)
    np.testing.assert_allclose(np.sign(arrows.V), [1, 0], atol=0)
    assert "4 units of mlp, 2 of them without a line here" in words(figure)


def test_both_axes_have_one_scale() -> None:
    figure = unit_lines(result())
    box = figure.axes[0].get_window_extent()
    assert box.width == pytest.approx(box.height)
    assert figure.axes[0].get_xlim() == (-1, 3)


def test_regions_are_light_colours_from_the_lower_left_and_can_be_left_out() -> None:
    (image,) = unit_lines(result()).axes[0].images
    light = [1 - FAINT * (1 - np.array(to_rgb(COLOURS[index]))) for index in (0, 1, 2, 1)]
    np.testing.assert_allclose(np.asarray(image.get_array()).reshape(4, 3), light)
    assert image.origin == "lower"
    assert image.get_extent() == [-1, 3, -2, 2]
    assert not unit_lines(result(), regions=False).axes[0].images
    assert "predicted class" not in words(unit_lines(result(), regions=False))


def test_points_differ_by_colour_and_shape() -> None:
    points = torch.tensor([[0.0, 0], [1, 1], [2, 0]])
    figure = unit_lines(result(points=points, labels=torch.tensor([1, 0, 1])))
    clouds = drawn(figure, PathCollection)
    assert [each.get_offsets().tolist() for each in clouds] == [[[1, 1]], [[0, 0], [2, 0]]]
    assert len({tuple(each.get_facecolor()[0]) for each in clouds}) == 2
    assert len({len(each.get_paths()[0].vertices) for each in clouds}) == 2
    assert len(drawn(unit_lines(result(points=points)), PathCollection)) == 1


def test_deeper_units_are_curves_at_zero() -> None:
    steps = (torch.arange(40) + 0.5) / 10
    x, y = steps[None, :] - 1, steps[:, None] - 2
    deeper = {"2": torch.stack([(x - 1) ** 2 + y**2 - 1, torch.ones(40, 40)])}
    axes = unit_lines(result(deeper=deeper, regions=torch.zeros(40, 40).int())).axes[0]
    (circle,) = [each for each in axes.collections if hasattr(each, "levels")]
    vertices = np.concatenate([path.vertices for path in circle.get_paths()])
    np.testing.assert_allclose(np.hypot(vertices[:, 0] - 1, vertices[:, 1]), 1, atol=0.01)
