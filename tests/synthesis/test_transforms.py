"""What the network is shown of a picture: one resampling that equals its parts one after another."""

from dataclasses import replace
from math import cos, radians, sin

import pytest
import torch
from torch.nn import functional

import innerview as iv
from innerview.synthesis.recipe import CLEAR, LUCID
from innerview.synthesis.streams import Streams
from innerview.synthesis.transforms import Crops, Transforms, Views, resampled


def smooth(size: int = 24) -> torch.Tensor:
    """A picture without fine detail, so that interpolating twice loses little; grey at its edge."""
    x = torch.linspace(-1, 1, size)
    hill = torch.cos(torch.pi * x / 2).square()
    slope = torch.sin(2 * x)[:, None] * torch.cos(x + 0.5)
    return (0.5 + 0.4 * hill[:, None] * hill * slope).expand(1, 2, -1, -1).clone()


def shown(views: Views, picture: torch.Tensor, seed: int = 0) -> torch.Tensor:
    size = (picture.shape[2], picture.shape[3])
    return views(picture, Streams([seed]), views.seen(size, (10, 10)))


def test_without_any_transform_the_network_sees_the_very_picture() -> None:
    picture = torch.rand(2, 3, 7, 9)
    assert torch.equal(Transforms()(picture, Streams([0, 1]), (7, 9)), picture)


@pytest.mark.parametrize("seed", range(4))
def test_jitter_is_a_window_of_the_padded_picture(seed: int) -> None:
    picture = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(1))
    found = shown(Transforms(pad=3 / 9, jitter=(4 / 9, 2 / 9)), picture, seed)
    framed = functional.pad(picture, (3, 3, 3, 3), value=0.5)
    assert found.shape == (1, 3, 9, 11)
    windows = [framed[:, :, row : row + 9, column : column + 11] for row in range(7) for column in range(7)]
    distances = [float((found - window).abs().max()) for window in windows]
    assert min(distances) < 1e-5
    assert sorted(distances)[1] > 0.1


def test_jitter_reaches_every_place() -> None:
    places = set()
    for seed in range(60):
        placed = Transforms(jitter=(2 / 8, 0)).placements(Streams([seed]), (8, 8), (6, 6))
        places.add(tuple(placed[0, :, 2].tolist()))
    assert places == {(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)}


@pytest.mark.parametrize(("angle", "turns"), [(90.0, 1), (180.0, 2), (-90.0, 3)])
def test_quarter_turns_are_exact(angle: float, turns: int) -> None:
    picture = torch.rand(1, 2, 6, 6)
    found = shown(Transforms(angles=(angle,)), picture)
    expected = [torch.rot90(picture, sign * turns, (2, 3)) for sign in (1, -1)]
    assert min(float((found - each).abs().max()) for each in expected) < 1e-5


def test_half_the_size_leaves_a_frame_of_grey() -> None:
    """Every pixel seen lies between four of the picture, whose mean it is."""
    picture = torch.rand(1, 1, 8, 8)
    found = shown(Transforms(scales=(0.5,)), picture)
    torch.testing.assert_close(found[:, :, 2:6, 2:6], functional.avg_pool2d(picture, 2), atol=1e-5, rtol=0)
    assert (found[:, :, 0] == 0.5).all()


def test_one_resampling_equals_the_parts_one_after_another() -> None:
    picture = smooth()
    moving = Transforms(pad=6 / 24, jitter=(4 / 24, 2 / 24), scales=(1.1,), angles=(10.0,))
    (linear_shift,) = moving.placements(Streams([5]), (24, 24), (30, 30))
    together = resampled(picture, linear_shift[None], (30, 30))
    drawn = Streams([5])
    before, after = (drawn.choice(range(most + 1), 1, 2)[0, 0] - most / 2 for most in (4, 2))
    framed = functional.pad(picture, (6, 6, 6, 6), value=0.5)
    top, left = (before + 2).int().tolist()
    apart = framed[:, :, top : top + 32, left : left + 32]
    radians = torch.tensor(10.0).deg2rad()
    cos, sin = radians.cos(), radians.sin()
    for matrix in ([[1 / 1.1, 0.0], [0.0, 1 / 1.1]], [[cos, sin], [-sin, cos]]):
        apart = resampled(apart, torch.cat([torch.tensor(matrix), torch.zeros(2, 1)], 1)[None], (32, 32))
    top, left = (after + 1).int().tolist()
    torch.testing.assert_close(together, apart[:, :, top : top + 30, left : left + 30], atol=0.01, rtol=0)


def test_the_frame_is_grey_and_gradients_stay_in_the_picture() -> None:
    picture = torch.rand(1, 3, 8, 8, requires_grad=True)
    found = shown(Transforms(pad=4 / 8), picture)
    assert (found[:, :, :4] == 0.5).all()
    found.sum().backward()
    torch.testing.assert_close(picture.grad, torch.ones_like(picture))


@pytest.mark.parametrize(("share", "places"), [(0.0, [0]), (0.01, [-0.04, 0.04]), (0.15, [-0.6, 0, 0.6])])
def test_a_share_of_less_than_a_pixel_is_a_shift_of_less_than_a_pixel(share: float, places: list[float]) -> None:
    found = Transforms(jitter=(share, 0), views=200, angles=(0, 360)).placements(Streams([0]), (8, 9), (8, 9))
    assert sorted({round(each, 9) for each in found[:, :, 2].flatten().tolist()}) == places


def test_lucids_transforms_show_twelve_pixels_more_of_224() -> None:
    assert LUCID.views.seen((224, 300), (224, 224)) == (236, 312)
    assert LUCID.views.seen((112, 112), (224, 224)) == (118, 118)
    assert LUCID.views.scales == (0.9, 0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1)
    assert sorted(LUCID.views.angles) == sorted([*range(-10, 11), 0, 0, 0, 0, 0])


@pytest.mark.parametrize("side", [8, 28, 32, 64, 224])
def test_the_default_recipe_shows_as_many_pixels_as_a_picture_has_and_moves_all_sizes_alike(side: int) -> None:
    size = (side, side)
    assert CLEAR.views.seen(size, size) == size
    still = replace(CLEAR.views, scales=(1.0,), angles=(0.0, 360.0), views=2000)
    shifts = still.placements(Streams([0]), size, size)[:, :, 2]
    assert shifts.abs().max().item() / side == pytest.approx((16 + 8) / 2 / 224)


def test_crops_are_enlarged_parts() -> None:
    """A part of half the side around the middle, without spread, is the middle quarter."""
    picture = torch.rand(1, 3, 20, 20)
    found = shown(Crops(part=0.5, spread=0, off=0), picture)
    torch.testing.assert_close(found, picture[:, :, 5:15, 5:15], atol=1e-5, rtol=0)


def test_crops_stay_within_the_picture_and_have_many_sizes() -> None:
    placed = Crops(part=0.3, spread=0.2, off=0.4, views=500).placements(Streams([0]), (40, 60), (10, 10))
    sides = placed[:, 0, 0] * 10 / 40
    assert sides.min() + 1e-6 >= 0.05
    assert sides.min() < 0.1
    assert sides.max() > 0.6
    for axis, side in ((0, 40), (1, 60)):
        middle = placed[:, axis, 2] / side
        assert (middle.abs() + sides / 2 <= 0.5 + 1e-5).all()
        assert middle.std() > 0.05


def test_every_view_is_drawn_for_itself_and_noise_has_its_deviation() -> None:
    picture = torch.full((1, 3, 30, 30), 0.4)
    views = Transforms(noise=0.2, views=2)
    found = views(picture, Streams([0]), (30, 30))
    assert (found - 0.4).std() == pytest.approx(0.2, rel=0.05)
    assert abs(torch.corrcoef(torch.stack([found[0].flatten(), found[1].flatten()]))[0, 1]) < 0.1


def test_places_are_as_precise_as_a_picture_in_double_precision() -> None:
    """Else its pixels would depend on its place in a batch by what single precision rounds."""
    placed = Transforms(scales=(0.9,), angles=(10.0,)).placements(Streams([0]), (8, 8), (8, 8))[0]
    turned = [cos(radians(10)) / 0.9, sin(radians(10)) / 0.9]
    expected = [[*turned, 0], [-turned[1], turned[0], 0]]
    # Two roundings of numbers near 1.
    torch.testing.assert_close(placed, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)


def test_a_picture_is_seen_the_same_whatever_its_neighbours() -> None:
    pictures = torch.rand(3, 3, 12, 12)
    moved = Transforms(pad=1 / 6, jitter=(1 / 6, 1 / 6), angles=(-5, 0, 5), noise=0.1, views=2)
    for views in (moved, Crops(views=2)):
        together = views(pictures, Streams([7, 8, 9]), (10, 10))
        alone = views(pictures[1:2], Streams([8]), (10, 10))
        torch.testing.assert_close(together[2:4], alone)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Transforms(views=0), "views is a whole number, at least 1; got 0"),
        (lambda: Transforms(pad=-1), "pad is a number, at least 0; got -1"),
        (
            lambda: Transforms(scales=(0.0,)),
            "scales is a tuple of numbers, above 0, not empty; got (0.0,)",
        ),
        (
            lambda: Transforms(jitter=(0.7, 0.3)).seen((12, 14), (8, 8)),
            "jitter (0.7, 0.3) leaves nothing of a picture of 12 × 14; give it less, or more pad",
        ),
    ],
)
def test_settings_outside_their_range_are_refused(make, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        make()
    assert str(refused.value) == sentence
