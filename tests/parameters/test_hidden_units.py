"""The lines of hidden units against intersections worked out side by side, regions against scores by hand."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import innerview as iv
from fingerprint import fingerprint
from innerview.errors import MethodError, SettingError
from innerview.parameters.hidden_units import hidden_units
from innerview.parameters.unit_lines import Extent, UnitLines
from innerview.results import Provenance
from small_networks import SmallCNN

BOX = (-1.0, 3.0, -2.0, 2.0)


def lines(weights: list, bias: list, extent: Extent = BOX) -> UnitLines:
    nothing = torch.zeros(1, 1, dtype=torch.int16)
    provenance = Provenance("mlp", "0" * 16, (), "hidden_units", {})
    return UnitLines(torch.tensor(weights).float(), torch.tensor(bias).float(), extent, nothing, provenance)


def mlp(*widths: int, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [nn.Linear(into, out) for into, out in itertools.pairwise(widths)]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU(inplace=True))))[:-1]


def crossings(w: np.ndarray, b: float, extent: Extent) -> list[tuple[float, float]]:
    """Where a line meets the four sides, each solved for itself."""
    left, right, bottom, top = extent
    found = []
    for x in (left, right):
        if w[1] and bottom <= (y := -(w[0] * x + b) / w[1]) <= top:
            found.append((x, y))
    for y in (bottom, top):
        if w[0] and left <= (x := -(w[1] * y + b) / w[0]) <= right:
            found.append((x, y))
    return found


NUMBERS = st.floats(-3, 3, width=32).filter(lambda number: abs(number) > 1e-3)


@settings(max_examples=200, deadline=None)
@given(w=st.tuples(NUMBERS, NUMBERS), b=NUMBERS)
def test_a_segment_reaches_from_side_to_side(w: tuple[float, float], b: float) -> None:
    ends = lines([w], [b]).segments()[0].numpy()
    expected = crossings(np.array(w), b, BOX)
    if not expected:
        assert np.isnan(ends).all()
        return
    if np.isnan(ends).all():  # the line may touch a corner and be rounded past it
        assert max(np.ptp([point[0] for point in expected]), np.ptp([point[1] for point in expected])) < 1e-9
        return
    for end in ends:
        assert np.abs(np.array(expected) - end).max(1).min() < 1e-6
    for point in expected:
        assert np.abs(ends - point).max(1).min() < 1e-6


@pytest.mark.parametrize(
    ("w", "b", "ends"),
    [
        ([0.0, 2.0], -1.0, {(-1, 0.5), (3, 0.5)}),
        ([0.0, -2.0], 1.0, {(-1, 0.5), (3, 0.5)}),
        ([4.0, 0.0], -4.0, {(1, -2), (1, 2)}),
        ([1.0, 0.0], 1.0, {(-1, -2), (-1, 2)}),
        ([1.0, 1.0], 0.0, {(-1, 1), (2, -2)}),
        ([1e-30, 0.0], 0.0, {(0, -2), (0, 2)}),
    ],
)
def test_segments_worked_out_by_hand(w, b, ends) -> None:
    """Level, its reverse, upright, upright on the left side, falling, and very small weights."""
    assert {tuple(end) for end in lines([w], [b]).segments()[0].round(decimals=12).tolist()} == ends


@pytest.mark.parametrize(("w", "b"), [([0.0, 1.0], -5.0), ([1.0, 0.0], 9.0), ([1.0, 1.0], -9.0)])
def test_a_line_outside_the_extent_has_no_segment_but_is_a_line(w, b) -> None:
    result = lines([w], [b])
    assert result.segments().isnan().all()
    assert result.without_line == ()


def test_units_without_a_line_are_named() -> None:
    result = lines([[0, 0], [1, 0], [0, 0], [float("nan"), 1]], [1, 0, 0, 0])
    assert result.without_line == (0, 2, 3)
    assert result.segments()[[0, 2, 3]].isnan().all()


def test_normals_point_to_the_positive_side() -> None:
    result = lines([[3, 4], [0, -2]], [1, 1])
    torch.testing.assert_close(result.normals, torch.tensor([[0.6, 0.8], [0, -1]]).double())
    on_it = result.segments().mean(1)
    values = ((on_it + 0.1 * result.normals) * result.weights).sum(1) + result.bias
    assert (values > 0).all()


def test_the_lines_are_those_of_the_first_layer() -> None:
    module = mlp(2, 7, 3)
    result = hidden_units(module, resolution=4)
    assert torch.equal(result.weights, module[0].weight)
    assert torch.equal(result.bias, module[0].bias)
    assert result.weights.data_ptr() != module[0].weight.data_ptr()
    assert result.extent == (-3, 3, -3, 3)
    assert result.provenance.weights == iv.Network(module).digest()


def test_a_layer_without_bias_has_lines_through_the_origin() -> None:
    result = hidden_units(nn.Linear(2, 3, bias=False), resolution=2)
    assert result.bias.tolist() == [0, 0, 0]


class Quadrants(nn.Module):
    """Class 0 where both are negative, then 1 for x > 0, 2 for y > 0, 3 for both."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.inner.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        code = (self.inner(x) > 0).float() @ torch.tensor([1.0, 2.0])
        return -(code[:, None] - torch.arange(4.0)).abs()


def test_regions_are_the_classes_at_the_centres_of_cells_from_the_lower_left() -> None:
    regions = hidden_units(Quadrants(), extent=(-1, 3, -3, 1), resolution=4).regions
    assert regions.tolist() == [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [2, 3, 3, 3]]


@pytest.mark.parametrize("squeeze", [False, True])
def test_one_output_is_compared_with_the_threshold(squeeze: bool) -> None:
    module = nn.Sequential(nn.Linear(2, 1, bias=False), *([nn.Flatten(0)] if squeeze else []))
    nn.init.constant_(module[0].weight, 1.0)
    at_zero, higher = (hidden_units(module, extent=(0, 2, 0, 2), resolution=2, threshold=t).regions for t in (0.0, 1.5))
    assert at_zero.tolist() == [[1, 1], [1, 1]]
    assert higher.tolist() == [[0, 1], [1, 1]]


def test_deeper_layers_are_their_sums_before_the_rectifier(monkeypatch: pytest.MonkeyPatch) -> None:
    module = mlp(2, 6, 5, 3)
    whole = hidden_units(module, resolution=9, deeper=True)
    steps = -3 + 6 * (torch.arange(9) + 0.5) / 9
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    first = torch.stack([x, y], 2) @ module[0].weight.T + module[0].bias
    second = first.relu() @ module[2].weight.T + module[2].bias
    third = second.relu() @ module[4].weight.T + module[4].bias
    assert list(whole.deeper) == ["2", "4"]
    torch.testing.assert_close(whole.deeper["2"], second.permute(2, 0, 1).detach())
    torch.testing.assert_close(whole.deeper["4"], third.permute(2, 0, 1).detach())
    assert torch.equal(whole.regions.long(), third.argmax(2))
    monkeypatch.setattr("innerview.parameters.hidden_units.AT_ONCE", 10)
    parts = hidden_units(module, resolution=9, deeper=True)
    assert torch.equal(parts.regions, whole.regions)
    torch.testing.assert_close(parts.deeper["4"], whole.deeper["4"])


def test_the_extent_is_around_the_data() -> None:
    result = hidden_units(mlp(2, 3, 2), [[0, 0], [10, 4]], [1, 0], resolution=2)
    assert result.extent == (-1, 11, -1, 5)
    assert result.points.tolist() == [[0, 0], [10, 4]]
    assert result.labels.tolist() == [1, 0]


def test_wrappers_are_looked_through_and_double_precision_is_kept() -> None:
    module = nn.DataParallel(mlp(2, 3, 2).double())
    result = hidden_units(module, np.zeros((1, 2)), resolution=2)
    assert torch.equal(result.weights, module.module[0].weight)


@pytest.mark.usefixtures("unchecked_types")
def test_the_module_is_as_it_was_also_after_a_refusal() -> None:
    points = torch.randn(5, 2)
    for module in (nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.BatchNorm1d(3)), nn.Linear(3, 2)):
        before = fingerprint(module, points)
        try:
            hidden_units(module, points, deeper=True)
        except MethodError:
            assert isinstance(module, nn.Linear)
        assert fingerprint(module, points) == before


class Strict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("pairs\nonly")


class Plain(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (
            SmallCNN(),
            "hidden units draw lines where the first linear layer reads two numbers; 'fc' of SmallCNN reads 6. "
            "Train a perceptron on two features, or ask for filters(net, 'fc')",
        ),
        (
            nn.Linear(3, 2),
            "hidden units draw lines where the first linear layer reads two numbers; '' of Linear reads 3. "
            "Train a perceptron on two features, or ask for filters(net, '')",
        ),
        (
            nn.Sequential(nn.Tanh(), nn.Linear(2, 2)),
            "lines in the plane of the input need a first linear layer that reads the input itself; in Sequential "
            "something is computed before it. Hand over the part of the network that begins with it",
        ),
        (Strict(), "hidden units need a network that takes points [n, 2]; Strict fails on them: pairs only"),
        (
            Plain(),
            "hidden units are those of the first nn.Linear of a perceptron; Plain has no nn.Linear. For convolutions "
            "ask for filters(net, layer)",
        ),
        (
            nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (2, 2))),
            "decision regions need one score, or one for each class, for each point; Sequential gives [4, 2, 2]. "
            "Pick the scores with Network(module, output=…)",
        ),
    ],
)
def test_what_has_no_lines_is_refused_in_a_sentence(module: nn.Module, sentence: str) -> None:
    with pytest.raises(MethodError) as caught:
        hidden_units(module, resolution=2)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"data": [[1, 2, 3]]}, "data are finite points [n, 2], at least one; got [1, 3]"),
        ({"data": [[1, float("nan")]]}, "data are finite points [n, 2], at least one; got [1, 2]"),
        ({"labels": [1]}, "labels are one class for each point of data; got 1 labels and no points"),
        (
            {"data": [[1, 2]], "labels": [1, 0]},
            "labels are one class for each point of data; got 2 labels and 1 points",
        ),
        ({"extent": [1, 0, 0, 1]}, "extent is left < right and bottom < top, four numbers; got [1, 0, 0, 1]"),
        ({"resolution": 0}, "resolution is a whole number, at least 1; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(given: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        hidden_units(mlp(2, 3, 2), **given)
    assert str(caught.value) == sentence
