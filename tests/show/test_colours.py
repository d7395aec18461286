"""Colours: zero is neutral, the scale is symmetric, photographs show through where a map is silent."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from innerview.show.drawing.colours import STRONGEST, Scale, flaw, photograph


def luminance(pixels: np.ndarray) -> np.ndarray:
    linear = (pixels / 255) ** 2.2
    return linear @ [0.2126, 0.7152, 0.0722]


def test_zero_is_the_neutral_colour_of_a_signed_map() -> None:
    painted = Scale(2.0, signed=True).paint(torch.zeros(1, 1))
    assert int(painted.min()) >= 240
    assert np.ptp(painted.astype(int)) <= 2


def test_zero_is_black_on_an_unsigned_map() -> None:
    assert int(Scale(2.0, signed=False).paint(torch.zeros(1, 1)).max()) <= 4


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(0, 1))
def test_opposite_values_stand_opposite_each_other(limit: float, part: float) -> None:
    scale = Scale(limit, signed=True)
    value = torch.tensor([[part * limit]])
    stops = (scale.colours(np.linspace(0, 1, 257))[:, :3] * 255).round().astype(int)
    plus, minus = scale.paint(value)[0, 0], scale.paint(-value)[0, 0]
    place = [int(np.abs(stops - colour).sum(1).argmin()) for colour in (plus, minus)]
    assert place[0] + place[1] == pytest.approx(256, abs=2)


def test_for_is_red_and_against_is_blue() -> None:
    painted = Scale(1.0, signed=True).paint(torch.tensor([[1.0, -1.0]]))[0].astype(int)
    assert painted[0, 0] > painted[0, 2] + 80
    assert painted[1, 2] > painted[1, 0] + 80


def test_an_unsigned_scale_grows_brighter_and_ignores_the_sign() -> None:
    scale = Scale(1.0, signed=False)
    light = luminance(scale.paint(torch.linspace(0, 1, 64)[None])[0])
    assert bool((np.diff(light) >= -1e-3).all())
    assert np.array_equal(scale.paint(torch.tensor([[0.4]])), scale.paint(torch.tensor([[-0.4]])))


def test_the_two_sides_of_a_signed_scale_differ_for_colour_blind_eyes() -> None:
    """Deuteranopia and protanopia keep blue against yellow: that difference alone tells the ends apart."""
    red, blue = Scale(1.0, signed=True).paint(torch.tensor([[1.0, -1.0]]))[0].astype(float)
    assert abs((red[2] - red[:2].mean()) - (blue[2] - blue[:2].mean())) > 60


def test_a_scale_ends_at_the_99_5th_percentile_of_the_size_of_all_its_maps() -> None:
    one, other = torch.linspace(-1, 1, 1001)[None], torch.linspace(0, 3, 999)[None]
    both = np.concatenate([one.abs().numpy().ravel(), other.numpy().ravel()])
    scale = Scale.of([one, other], signed=True)
    assert scale.limit == pytest.approx(np.percentile(both, 99.5))
    assert scale.clipped


def test_a_single_bright_pixel_is_the_scale_where_all_else_is_zero() -> None:
    heatmap = torch.zeros(64, 64)
    heatmap[3, 4] = 7
    assert Scale.of([heatmap], signed=True) == Scale(7.0, signed=True, clipped=False)


def test_values_that_are_not_finite_do_not_spoil_the_scale_of_the_others() -> None:
    broken = torch.tensor([[float("nan"), float("inf"), 1.0]])
    assert Scale.of([broken, torch.tensor([[2.0]])], signed=False).limit == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("scale", "ends"),
    [
        (Scale(0.314, signed=True), ("−0.31", "0", "+0.31")),
        (Scale(0.314, signed=True, clipped=True), ("≤ −0.31", "0", "≥ +0.31")),
        (Scale(42.0, signed=False), ("0", "42")),
        (Scale(42.0, signed=False, clipped=True), ("0", "≥ 42")),
    ],
)
def test_a_scale_says_its_numbers_and_whether_it_is_clipped(scale: Scale, ends: tuple[str, ...]) -> None:
    assert scale.ends == ends


def test_the_overlay_changes_the_photograph_most_at_the_hot_spot_and_nowhere_else() -> None:
    picture = np.full((9, 9, 3), 90, dtype=np.uint8)
    heatmap = torch.zeros(9, 9)
    heatmap[4, 4], heatmap[4, 5] = 1.0, 0.5
    change = np.abs(Scale(1.0, signed=True).overlay(picture, heatmap).astype(int) - 90).sum(2)
    assert np.unravel_index(change.argmax(), change.shape) == (4, 4)
    assert (change > 0).sum() == 2


def test_the_overlay_is_the_stated_mixture() -> None:
    picture = np.array([[[10, 200, 90]]], dtype=np.uint8)
    scale, heatmap = Scale(1.0, signed=True), torch.tensor([[0.5]])
    mixed = (1 - STRONGEST / 2) * picture + STRONGEST / 2 * scale.paint(heatmap)
    assert np.abs(scale.overlay(picture, heatmap) - mixed).max() <= 1


@pytest.mark.parametrize(
    ("heatmap", "words"),
    [
        (torch.tensor([[1.0, float("nan")]]), "not finite"),
        (torch.tensor([[1.0, float("-inf")]]), "not finite"),
        (torch.zeros(2, 2), "zero everywhere"),
        (torch.full((2, 2), 0.3), "0.3 everywhere"),
        (torch.tensor([[0.0, 1e-12]]), None),
        (torch.tensor([[0.0, 0.5]], dtype=torch.bfloat16), None),
    ],
)
def test_what_must_not_be_drawn_is_said_in_words(heatmap: torch.Tensor, words: str | None) -> None:
    assert flaw(heatmap) == words


def test_a_grey_picture_becomes_rgb() -> None:
    pixels = photograph(torch.tensor([[[7, 8]]], dtype=torch.uint8))
    assert pixels.tolist() == [[[7, 7, 7], [8, 8, 8]]]
