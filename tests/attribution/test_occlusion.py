"""Occlusion, at each position of the window and at each pixel, against tables by hand, loops, and Captum."""

import captum.attr
import pytest
import torch
from torch import nn

import innerview as iv
from innerview.attribution.covered import Covered
from small_networks import MultiLayer, OneConv, SmallCNN, images, network

GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))
X = torch.arange(16.0).reshape(1, 1, 4, 4)


def row(*values: float) -> torch.Tensor:
    return torch.tensor([[[list(map(float, values))]]])


def of_model_b(x: torch.Tensor, **settings: object) -> iv.Attribution:
    net = iv.Network(MultiLayer(), iv.Preprocess(size=3, mean=(0.0,), std=(1.0,)))
    return iv.Occlusion(baseline=0.0, **settings)(net, x, iv.Logit(0))


def occlude(x: torch.Tensor, **settings: object) -> list:
    return of_model_b(x, **settings).heatmap()[:, 0].tolist()


def test_model_b_pixel_by_pixel() -> None:
    assert occlude(row(20, 50, 30), window=1) == [[80, 200, 120]]


def test_model_b_overlapping_windows_are_averaged() -> None:
    """Windows of two pixels, each pixel the mean of the drops that cover it."""
    first, second = 280.0, 320.0 - 0.0
    clean, left, right = 4 * 100 - 7 - 1, 4 * 30 - 7 - 1, 4 * 20 - 7 - 1
    assert (clean - left, clean - right) == (first, second)
    result = of_model_b(row(20, 50, 30), window=(1, 2), stride=1)
    assert result.values.flatten().tolist() == [280, 320]
    assert result.covered == Covered(rows=((0, 1),), columns=((0, 2), (1, 3)))
    assert result.heatmap().flatten().tolist() == [280, 300, 320]
    assert result.cells().flatten().tolist() == [280, 280, 320]


def test_model_b_the_last_window_is_cut_off() -> None:
    result = of_model_b(row(20, 50, 30), window=(1, 2), stride=(1, 2))
    assert result.values.flatten().tolist() == [280, 120]
    assert result.covered == Covered(rows=((0, 1),), columns=((0, 2), (2, 3)))
    assert result.heatmap().flatten().tolist() == result.cells().flatten().tolist() == [280, 280, 120]


def test_model_b_in_a_batch() -> None:
    assert occlude(torch.cat([row(2, 10, 3), row(20, 50, 30)]), window=1) == [[8, 35, 12], [80, 200, 120]]


def test_model_a_with_a_window_over_everything() -> None:
    """The table's network gets x + 1; covering all of it leaves the score of zeros."""
    values = iv.Occlusion(window=4, baseline=0.0)(iv.Network(OneConv(), GREY), X, iv.Logit(0)).values
    assert values.tolist() == [[[[54]]]]


Drops = dict[tuple[int, int], float]


def by_loop(
    module: nn.Module, x: torch.Tensor, window: tuple, stride: tuple, absent: torch.Tensor
) -> tuple[torch.Tensor, Drops]:
    """One mask after the other, one pixel after the other: the mean drop at each pixel, and each mask's own."""
    rows, columns = x.shape[2:]
    total, count, drops = torch.zeros(rows, columns), torch.zeros(rows, columns), {}
    with torch.no_grad():
        clean = module(x.clone())[0, 2]
        top = 0
        while True:
            left = 0
            while True:
                masked = x.clone()
                for i in range(top, min(top + window[0], rows)):
                    for j in range(left, min(left + window[1], columns)):
                        masked[0, :, i, j] = absent[:, i, j]
                drop = drops[top, left] = clean - module(masked)[0, 2]
                total[top : top + window[0], left : left + window[1]] += drop
                count[top : top + window[0], left : left + window[1]] += 1
                if left + window[1] >= columns:
                    break
                left += stride[1]
            if top + window[0] >= rows:
                break
            top += stride[0]
    assert count.min() >= 1
    return total / count, drops


@pytest.mark.parametrize(
    ("window", "stride"),
    [((3, 3), (1, 1)), ((3, 2), (2, 2)), ((5, 3), (4, 2)), ((8, 8), (1, 1)), ((4, 4), (3, 3))],
)
def test_any_window_and_stride_equal_the_loop(window: tuple, stride: tuple) -> None:
    net, x = network(SmallCNN()), images(1)
    absent = x[0].mean((1, 2), keepdim=True).expand(3, 8, 8)
    expected, drops = by_loop(net.module.eval(), x, window, stride, absent)
    result = iv.Occlusion(window=window, stride=stride)(net, x, iv.Logit(2))
    torch.testing.assert_close(result.heatmap()[0], expected, rtol=1e-4, atol=1e-6)
    tops, lefts = ([first for first, _ in sides] for sides in (result.covered.rows, result.covered.columns))
    of_each = torch.tensor([[drops.pop((top, left)) for left in lefts] for top in tops])
    assert not drops
    torch.testing.assert_close(result.values[0, 0], of_each, rtol=1e-4, atol=1e-6)


def test_it_agrees_with_captum_where_windows_tile_the_image() -> None:
    net, x = network(SmallCNN()), images(2)
    peer = captum.attr.Occlusion(net.module.eval()).attribute(
        x, sliding_window_shapes=(3, 4, 4), strides=(3, 2, 2), target=1, baselines=0
    )
    maps = iv.Occlusion(window=4, stride=2, baseline=0.0)(net, x, iv.Logit(1)).heatmap()
    torch.testing.assert_close(maps[:, None].expand_as(peer), peer, rtol=1e-4, atol=1e-6)


def test_disjoint_windows_of_an_additive_model_share_out_the_score() -> None:
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5, bias=False)))
    values = iv.Occlusion(window=2, stride=2, baseline=0.0)(net, images(), iv.Logit(3)).values
    torch.testing.assert_close(values.sum((1, 2, 3)), net.logits(images())[:, 3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 7, None])
def test_the_batch_size_does_not_change_the_result(batch_size: int | None) -> None:
    net, x = network(SmallCNN()), images(2)
    expected = iv.Occlusion(window=4, stride=2, batch_size=50)(net, x, iv.Logit(1)).values
    values = iv.Occlusion(window=4, stride=2, batch_size=batch_size)(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_the_baseline_is_given_in_display_colours() -> None:
    """A colour is what the picture would be with a patch of that colour on it."""
    prepare = iv.Preprocess(size=8, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    net = iv.Network(network(SmallCNN()).module, prepare)
    pixels = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    patched = torch.tensor([1.0, 0.5, 0.0])[None, :, None, None].expand(1, 3, 8, 8)
    x, covered = prepare.normalise(pixels), prepare.normalise(patched)
    expected = net.logits(x)[0, 1] - net.logits(covered)[0, 1]
    values = iv.Occlusion(window=8, baseline=(1.0, 0.5, 0.0))(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected.expand_as(values), rtol=1e-4, atol=1e-6)


def test_blur_keeps_a_flat_image_and_its_mean() -> None:
    net = network(SmallCNN())
    flat = torch.full((1, 3, 8, 8), 0.7)
    assert iv.Occlusion(window=4, baseline="blur")(net, flat, iv.Logit(1)).values.abs().max() < 1e-5
    assert iv.Occlusion(window=4, baseline="blur")(net, images(), iv.Logit(1)).values.abs().max() > 1e-4


def test_the_positions_of_the_window_survive_saving(tmp_path) -> None:
    result = iv.Occlusion(window=(3, 2), stride=2)(network(SmallCNN()), images(), iv.Logit(1))
    result.save(tmp_path / "why.safetensors")
    again = iv.read(tmp_path / "why.safetensors")
    assert again.covered == result.covered
    assert torch.equal(again.values, result.values)
    assert torch.equal(again.cells(), result.cells())


def test_the_mean_over_noisy_copies_is_one_of_positions_too() -> None:
    net, x = network(SmallCNN()), images()
    occlusion = iv.Occlusion(window=4)
    smooth = iv.SmoothGrad(of=occlusion, samples=2, sigma=0)(net, x, iv.Logit(1))
    assert smooth.covered == occlusion(net, x, iv.Logit(1)).covered
    torch.testing.assert_close(smooth.heatmap(), occlusion(net, x, iv.Logit(1)).heatmap())


def test_probabilities_can_be_asked_for() -> None:
    net, x = network(SmallCNN()), images(1)
    drop = iv.Occlusion(window=8, baseline=0.0)(net, x, iv.Probability(1)).values[0, 0, 0, 0]
    covered = torch.zeros_like(x)
    torch.testing.assert_close(drop, (net.logits(x).softmax(1) - net.logits(covered).softmax(1))[0, 1])


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"window": 0}, "window is a whole number, at least 1, or two whole numbers, at least 1, or None; got 0"),
        ({"window": 9}, r"the window \(9, 9\) must fit into the input of 8 × 8 pixels"),
        (
            {"window": 2, "stride": 3},
            r"the stride \(3, 3\) must not exceed the window \(2, 2\), or pixels stay",
        ),
        (
            {"baseline": "red"},
            'baseline is "mean" or "blur", or a number, at least 0 and at most 1, or a tuple of numbers, at least 0 '
            "and at most 1; got 'red'",
        ),
        ({"batch_size": 0}, "batch_size is a whole number, at least 1, or None; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError, match=sentence):
        iv.Occlusion(**settings)(network(SmallCNN()), images(), iv.Logit(1))


def test_a_shorter_colour_than_the_channels_is_refused() -> None:
    sentence = "a baseline's colour has one value per channel: 3 for this network; got 2"
    with pytest.raises(iv.InnerviewError, match=sentence):
        iv.Occlusion(window=4, baseline=(0.0, 1.0))(network(SmallCNN()), images(), iv.Logit(1))
