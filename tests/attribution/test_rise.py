"""RISE against loops over pixels and masks, and against what the masks must be on average."""

import math

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.attribution.rise import RISE, _masks
from innerview.progress import listening
from small_networks import PIXELS, SmallCNN, images, network


def masks(method: RISE, x: Tensor) -> Tensor:
    grids, shifts = method._draws(x)
    return _masks(grids, shifts, x.shape[2:])


def grown_at(grid: Tensor, row: int, column: int, cell: tuple[int, int]) -> float:
    """Bilinear interpolation at one pixel of the grid grown to one cell more, worked out by hand."""
    cells = len(grid)
    places = []
    for pixel, side in zip((row, column), cell, strict=True):
        place = min(max((pixel + 0.5) * cells / ((cells + 1) * side) - 0.5, 0), cells - 1)
        low = math.floor(place)
        places.append((low, min(low + 1, cells - 1), place - low))
    (top, bottom, down), (left, right, along) = places
    above = (1 - along) * grid[top, left] + along * grid[top, right]
    below = (1 - along) * grid[bottom, left] + along * grid[bottom, right]
    return float((1 - down) * above + down * below)


@pytest.mark.parametrize(("size", "cells"), [((8, 8), 3), ((7, 12), 4), ((9, 5), 5)])
def test_a_mask_is_the_grid_grown_and_shifted(size: tuple[int, int], cells: int) -> None:
    method, x = RISE(masks=4, cells=cells), torch.zeros(1, 3, *size)
    grids, shifts = method._draws(x)
    cell = math.ceil(size[0] / cells), math.ceil(size[1] / cells)
    expected = [
        [
            [grown_at(grid.double(), row + top, column + left, cell) for column in range(size[1])]
            for row in range(size[0])
        ]
        for grid, (top, left) in zip(grids, shifts.tolist(), strict=True)
    ]
    torch.testing.assert_close(masks(method, x), torch.tensor(expected))


def test_shifts_reach_from_nothing_to_a_whole_cell() -> None:
    _, shifts = RISE(masks=500, cells=4)._draws(torch.zeros(1, 3, 8, 11))
    assert [set(each.tolist()) for each in shifts.T] == [{0, 1, 2}, {0, 1, 2, 3}]


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_each_pixel_is_kept_as_often_as_asked(keep: float) -> None:
    """Every pixel is a weighted mean of independent cells; the bound is five standard errors."""
    mean = masks(RISE(masks=4000, cells=4, keep=keep), images(1)).mean(0)
    assert (mean - keep).abs().max() < 5 * (keep * (1 - keep) / 4000) ** 0.5


def test_the_map_is_the_sum_over_masks_and_pixels() -> None:
    method = RISE(masks=20, cells=3, keep=0.4)
    net, x = network(SmallCNN()), images(2)
    scores = torch.zeros(2, 20)
    with torch.no_grad():
        for number, mask in enumerate(masks(method, x)):
            for image in range(2):
                masked, mean = x[image].clone(), x[image].mean((1, 2))
                for row in range(8):
                    for column in range(8):
                        masked[:, row, column] = mask[row, column] * (x[image, :, row, column] - mean) + mean
                scores[image, number] = net.module.eval()(masked[None])[0, 2]
    expected = torch.zeros(2, 1, 8, 8)
    for image in range(2):
        for number, mask in enumerate(masks(method, x)):
            expected[image, 0] += (scores[image, number] - scores[image].mean()) * mask
    torch.testing.assert_close(method(net, x, iv.Logit(2)).values, expected / (20 * 0.4), rtol=1e-4, atol=1e-6)


def test_of_a_linear_network_the_map_is_the_contributions_through_the_masks_covariance() -> None:
    """For s = Σ wᵩ xᵩ M(q) the map is Σ wᵩ xᵩ cov(M(q), M(p)) / keep, which no forward pass is needed for."""
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5, bias=False)))
    method, x = RISE(masks=50, cells=3, keep=0.3, baseline=0.0), images(1)
    kept = masks(method, x).flatten(1)
    shares = (net.module[1].weight[3].detach() * x[0].flatten()).view(3, 64).sum(0)
    kept = kept - kept.mean(0)
    expected = kept.T @ kept / (50 * 0.3) @ shares
    torch.testing.assert_close(method(net, x, iv.Logit(3)).values.flatten(), expected, rtol=1e-4, atol=1e-5)


def test_the_brightest_pixel_lies_where_the_network_looks() -> None:
    class Corner(nn.Module):
        """Sees nothing but the pixels in rows 2 to 4, columns 10 to 12."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 2:5, 10:13].mean((1, 2, 3))[:, None] * self.weight

    white = torch.ones(1, 3, 16, 16)
    values = RISE(masks=1000, cells=5, baseline=0.0)(iv.Network(Corner(), PIXELS), white, iv.Logit(0)).values
    row, column = divmod(int(values.argmax()), 16)
    assert 2 <= row <= 4
    assert 10 <= column <= 12


def test_masks_that_keep_everything_tell_nothing() -> None:
    net, x = network(SmallCNN()), images(2)
    values = RISE(masks=3, cells=2, keep=1.0)(net, x, iv.Probability(1)).values
    torch.testing.assert_close(values, torch.zeros(2, 1, 8, 8), rtol=0, atol=1e-6)


def test_the_papers_product_is_that_with_the_mean_colour_of_the_preprocessing() -> None:
    mean, seen = (0.5, 0.4, 0.3), []
    net = iv.Network(network(SmallCNN()).module, iv.Preprocess(size=8, mean=mean, std=(0.2, 0.2, 0.2)))
    method, x = RISE(masks=3, cells=2, batch_size=1, baseline=mean), images(1)
    net.layers()
    with net.module.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone())):
        method(net, x, iv.Logit(1))
    torch.testing.assert_close(torch.cat(seen[-3:]), x * masks(method, x)[:, None], rtol=0, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 64, None])
def test_the_batch_size_does_not_change_the_result(batch_size: int | None) -> None:
    net, x = network(SmallCNN()), images(2)
    expected = RISE(masks=30, cells=3, batch_size=7)(net, x, iv.Logit(1)).values
    values = RISE(masks=30, cells=3, batch_size=batch_size)(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_a_pass_holds_no_more_images_than_asked() -> None:
    net, sizes = network(SmallCNN()), []
    net.layers(images())
    net.module.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    RISE(masks=10, cells=3, batch_size=6)(net, images(2), iv.Logit(1))
    assert sizes == [6, 6, 6, 2]


def test_images_of_a_batch_get_the_masks_and_the_question_of_their_own() -> None:
    net, x = network(SmallCNN()), images(3)
    asked = [iv.Logit(0), iv.Channel("conv1", 1), iv.Logit(2) - iv.Logit(3)]
    together = RISE(masks=20, cells=3)(net, x, asked).values
    apart = torch.cat([RISE(masks=20, cells=3)(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


def test_the_seed_decides_the_masks() -> None:
    net, x = network(SmallCNN()), images(1)
    first, again, other = (RISE(masks=20, cells=3, seed=seed)(net, x, iv.Logit(1)).values for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_maps_are_single_precision_at_least(dtype: torch.dtype) -> None:
    exact = network(SmallCNN())
    values = RISE(masks=20, cells=3)(iv.Network(exact.module.to(dtype), PIXELS), images(), iv.Logit(1)).values
    assert values.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    expected = RISE(masks=20, cells=3)(network(SmallCNN()), images(), iv.Logit(1)).values
    assert torch.cosine_similarity(values.float().flatten(), expected.flatten(), dim=0) > 0.99


def test_progress_counts_the_masks() -> None:
    heard = []
    with listening(lambda *news: heard.append(news[:3])):
        RISE(masks=10, cells=3, batch_size=4)(network(SmallCNN()), images(1), iv.Logit(1))
    assert heard == [("masking", done, 10) for done in (0, 4, 8, 10)]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"masks": 0}, "masks is a whole number, at least 1; got 0"),
        ({"cells": 0}, "cells is a whole number, at least 1; got 0"),
        ({"keep": 0.0}, "keep is a number, above 0 and at most 1; got 0.0"),
        ({"keep": 1.5}, "keep is a number, above 0 and at most 1; got 1.5"),
        ({"cells": 9}, "the 9 cells must fit into the input of 8 × 8 pixels"),
        ({"batch_size": 0}, "batch_size is a whole number, at least 1, or None; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError, match=sentence):
        RISE(**settings)(network(SmallCNN()), images(), iv.Logit(1))
