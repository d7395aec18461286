"""Sheets of kernels, weights and activations: every pixel can be read back, and what does not fit is said."""

import re
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn

import innerview as iv
from innerview.activation.maps import Activations
from innerview.errors import SettingError
from innerview.operations.receptive_field import ReceptiveField
from innerview.results import Provenance
from innerview.show.drawing.bands import Band, stacked
from innerview.show.drawing.colours import Scale
from innerview.show.drawing.montage import coloured, enlarged, in_rows, kernel_tiles, montage
from innerview.show.sheets.activations import thumbnail
from small_networks import SmallCNN, images, network


def words(drawn: Figure) -> str:
    inside = [text.get_text() for axes in drawn.axes for text in axes.texts]
    return " ".join([text.get_text() for text in drawn.texts] + inside)


def pictures(drawn: Figure) -> list[np.ndarray]:
    shown = [np.asarray(image.get_array()) for axes in drawn.axes for image in axes.images]
    return [pixels for pixels in shown if pixels.shape[0] > 1]


def test_a_montage_keeps_every_tile_and_fills_up_with_white() -> None:
    tiles = [np.full((2, 3, 3), value, np.uint8) for value in (10, 20, 30)]
    picture = montage(in_rows(tiles, 2), gap=1)
    assert picture.shape == (5, 7, 3)
    assert picture[:, :, 0].tolist() == [
        [10, 10, 10, 255, 20, 20, 20],
        [10, 10, 10, 255, 20, 20, 20],
        [255] * 7,
        [30, 30, 30, 255, 255, 255, 255],
        [30, 30, 30, 255, 255, 255, 255],
    ]


def test_enlarged_pixels_are_squares() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert np.array_equal(enlarged(picture, 4)[::4, ::4], picture)
    assert len(np.unique(enlarged(picture, 4)[:, :, 0])) == 2


def test_weights_can_be_read_back_from_the_colours() -> None:
    kernel = torch.randn(3, 5, 5)
    scale = Scale(limit=kernel.abs().max().item(), signed=True)
    pixels = torch.from_numpy(coloured(kernel, scale)).float().permute(2, 0, 1)
    assert ((2 * pixels / 255 - 1) * scale.limit - kernel).abs().max() <= scale.limit / 255 * 1.001


def test_weights_can_be_read_back_from_the_signed_colours() -> None:
    """Each level of the map is found again; neighbouring levels differ by 1 / 128 of the limit."""
    kernel = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)
    scale = Scale(limit=1.0, signed=True)
    tile = kernel_tiles(kernel, colour=False, scale=scale)[0][0]
    levels = (scale.colours(np.linspace(0, 1, 257))[:, :3] * 255).round()
    nearest = np.abs(tile[:, :, None].astype(float) - levels).sum(-1).argmin(-1)
    assert np.abs((nearest / 128 - 1) - kernel[0, 0].numpy()).max() <= 2 / 128


def test_small_pictures_are_enlarged_sharply_and_large_ones_averaged() -> None:
    small = np.zeros((2, 4, 3), np.uint8)
    small[0, 0] = 200
    large = thumbnail(small, 8)
    assert large.shape == (4, 8, 3)
    assert np.unique(large).tolist() == [0, 200]
    assert (large[:2, :2] == 200).all()
    checks = np.indices((64, 64)).sum(0)[..., None].repeat(3, 2) % 2 * 200
    assert np.unique(thumbnail(checks.astype(np.uint8), 16)).tolist() == [100]


def wide(count: int, size: int = 3, groups: int = 1, inputs: int = 4) -> iv.Network:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, inputs, 3), nn.Conv2d(inputs, count, size, groups=groups), nn.Flatten())
    return iv.Network(layers, iv.Preprocess(size=8), output=lambda out: out[:, :4])


def test_kernels_of_the_image_are_drawn_in_colour() -> None:
    net = network(SmallCNN())
    drawn = iv.figure(iv.filters(net, "conv1"))
    text = words(drawn)
    assert "conv1 of SmallCNN" in text
    assert re.search(r"In colour: mid-grey is 0, black and full colour are ±0\.\d+\.", text)
    found = iv.filters(net, "conv1")
    scale = Scale.of(list(found.kernels.flatten(0, 1)), signed=True)
    first = coloured(found.kernels[0], scale)
    factor = round(40 / first.shape[0])
    assert np.array_equal(pictures(drawn)[0][: factor * 3 : factor, : factor * 3 : factor], first)
    assert not np.array_equal(pictures(iv.figure(found, pairs=True))[0], pictures(drawn)[0])


def test_pairs_are_rows_of_outputs_and_columns_of_inputs() -> None:
    found = iv.filters(wide(6), "1", outputs=[5, 2])
    drawn = iv.figure(found)
    assert pictures(drawn)[0].shape == (2 * 39 + 3, 4 * 39 + 3 * 3, 3)
    assert "2 of 6 kernels of 3×3 4 of 4 inputs." in words(drawn)
    assert {"5", "2", "0", "1", "3"} <= set(words(drawn).split())


def test_depthwise_kernels_flow_in_lines() -> None:
    drawn = iv.figure(iv.filters(wide(24, groups=24, inputs=24), "1"))
    assert pictures(drawn)[0].shape[:2] == (2 * 39 + 13, 20 * 39 + 19 * 13)


def test_point_kernels_are_one_picture() -> None:
    found = iv.filters(wide(6, size=1), "1")
    drawn = pictures(iv.figure(found))[0]
    scale = Scale.of(list(found.kernels.flatten(0, 1)), signed=True)
    assert np.array_equal(drawn[::80, ::80], scale.paint(found.kernels[:, :, 0, 0]))


@pytest.mark.usefixtures("unchecked_types")
def test_what_does_not_fit_is_on_the_next_page_and_said() -> None:
    found = iv.filters(wide(50), "1")
    assert "40 of 50 kernels of 3×3 4 of 4 inputs, page 0 of 0–1." in words(iv.figure(found))
    assert "10 of 50 kernels of 3×3 4 of 4 inputs, page 1 of 0–1." in words(iv.figure(found, page=1))
    with pytest.raises(SettingError, match=r"^the 50 kernels have 2 page\(s\), numbered from 0; got 2$"):
        iv.figure(found, page=2)
    with pytest.raises(SettingError, match=r'^scale is "shared" or "each"; got \'own\'$'):
        iv.figure(found, scale="own")


def test_each_kernel_can_have_its_own_scale() -> None:
    net = wide(2)
    with torch.no_grad():
        net.module[1].weight[1] = 100 * net.module[1].weight[0]
    shared, each = (pictures(iv.figure(iv.filters(net, "1"), scale=scale))[0] for scale in ("shared", "each"))
    assert np.array_equal(each[:39], each[-39:])
    assert not np.array_equal(shared[:39], shared[-39:])


def test_weights_have_a_line_for_each_layer() -> None:
    net = network(SmallCNN())
    found = iv.weight_distributions(net)
    drawn = iv.figure(found)
    assert len(drawn.axes) == len(found.layers)
    assert set(found.layers) <= set(words(drawn).split())
    with pytest.raises(SettingError, match=r"have 1 page\(s\), numbered from 0; got 1$"):
        iv.figure(found, page=1)


def known(maps: Tensor, **others: Tensor) -> Activations:
    values = {"maps": maps, **others}
    field = ReceptiveField((3, 3), (2, 2), (-1, -1))
    picture = torch.full((len(maps), 3, 8, 8), 100, dtype=torch.uint8)
    return Activations(
        values, {"maps": maps}, {"maps": field}, picture, Provenance("net", "0" * 16, (), "activations", {})
    )


def test_channels_have_their_number_and_their_values_colour() -> None:
    maps = torch.arange(3 * 16, dtype=torch.float32).reshape(1, 3, 4, 4)
    drawn = iv.figure(known(maps), channels=[2, 0])
    picture = pictures(drawn)[1]
    assert picture.shape == (96, 2 * 96 + 13, 3)
    scale = Scale.of([maps[0, 2], maps[0, 0]], signed=False)
    assert np.array_equal(picture[::24, :96:24], scale.paint(maps[0, 2]))
    assert "3 channels of 4 × 4; here 2 of them" in words(drawn)


def test_dead_channels_are_counted_and_named() -> None:
    maps = torch.ones(1, 3, 4, 4) * torch.tensor([0.0, 1.0, -1.0])[:, None, None]
    text = words(iv.figure(known(maps), channels="first"))
    assert "3 channels of 4 × 4, 2 of them above 0 nowhere" in text
    assert "0 · 0 everywhere" in text


def test_pages_of_channels() -> None:
    maps = torch.rand(1, 12, 4, 4)
    assert "here 2 in their order" in words(iv.figure(known(maps), channels="first", count=5, page=2))
    with pytest.raises(SettingError, match=r"^'maps' has 3 page\(s\) of 5 channels, numbered from 0; got 3$"):
        iv.figure(known(maps), channels="first", count=5, page=3)


@pytest.mark.parametrize("rule", ["first", "strongest", "selective", "random"])
def test_every_rule_goes_on_where_the_page_before_ends(rule: str) -> None:
    result = known(torch.rand(1, 12, 4, 4, generator=torch.Generator().manual_seed(0)) - 0.5)
    ranking = result.channels("maps", rule, 12)
    if rule == "random":
        ranking = torch.randperm(12, generator=torch.Generator().manual_seed(0)).tolist()
    for page, expected in enumerate([ranking[:5], ranking[5:10], ranking[10:]]):
        found = iv.figure(result, channels=rule, count=5, page=page)
        expected = sorted(expected) if rule == "random" else expected
        assert np.array_equal(pictures(found)[1], pictures(iv.figure(result, channels=expected))[1])
    assert "page 2" in words(found)


def test_numbers_without_a_place_are_bars() -> None:
    drawn = iv.figure(known(torch.rand(1, 2, 4, 4), scores=torch.tensor([[0.5, -2.0, 1.0]])))
    bars = [patch.get_height() for axes in drawn.axes for patch in axes.patches]
    assert bars == [0.5, -2.0, 1.0]
    assert "1: -2" in words(drawn)


def test_over_the_photograph_zero_shows_the_photograph() -> None:
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, 0, 0] = 1
    over = pictures(iv.figure(known(maps), over=True))[1]
    assert (over[-12:, -12:] == 100).all()
    assert not (over[:12, :12] == 100).all()


def boxes(drawn: Figure) -> list[tuple[float, ...]]:
    patches = [patch for axes in drawn.axes if axes.images for patch in axes.patches]
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in patches[::2]]


def test_a_pixel_frames_the_unit_and_what_it_sees() -> None:
    """Pixel (4, 6) is the middle of unit (2, 3), which sees rows 3–5 and columns 5–7. A pixel is drawn 24 wide."""
    field, unit = boxes(iv.figure(known(torch.rand(1, 1, 4, 4)), pixel=(4, 6)))
    assert field == (5 * 24 - 0.5, 3 * 24 - 0.5, 3 * 24, 3 * 24)
    assert unit == (3 * 24 - 0.5, 2 * 24 - 0.5, 24, 24)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"image": 1}, "the images are numbered 0 to 0; got 1"),
        ({"count": 101}, "count is a whole number, at least 1 and at most 100, or None; got 101"),
        ({"scale": "layer"}, 'scale is "shared" or "each"; got \'layer\''),
        ({"channels": [3]}, "'maps' has channels 0 to 2, 100 fit on a sheet; got [3]"),
        ({"pixel": (8, 0)}, "pixel is a row below 8 and a column below 8; got (8, 0)"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_settings_outside_their_range(settings: dict, sentence: str) -> None:
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        iv.figure(known(torch.rand(1, 3, 4, 4)), **settings)


def test_a_comparison_shows_before_after_and_the_difference() -> None:
    net, x, y = network(SmallCNN()), images(1, seed=1), images(1, seed=2)
    found = iv.compare(net, x, y, ["conv1"])
    drawn = iv.figure(found, count=2)
    first = found.channels("conv1", 1)[0]
    change = found.difference("conv1")[0]
    scale = Scale.of([change[channel] for channel in found.channels("conv1", 2)], signed=True)
    picture = pictures(drawn)[1]
    assert np.array_equal(picture[2 * (96 + 13) :, :96], thumbnail(scale.paint(change[first])))
    share = found.shares("conv1")[0, found.channels("conv1", 2)].sum()
    assert f"channels hold {share:.0%} of the squared difference" in words(drawn)


def test_a_sheet_of_bands_leaves_matplotlibs_defaults_alone(check_defaults: Callable[[], None]) -> None:
    stacked("title", [Band("one", "note", np.zeros((4, 4, 3), np.uint8))], key="key")
    check_defaults()


@pytest.fixture
def check_defaults() -> Callable[[], None]:
    import matplotlib

    before = dict(matplotlib.rcParams)

    def check() -> None:
        assert dict(matplotlib.rcParams) == before

    return check


def overlapping(drawn: Figure) -> list[tuple[str, str]]:
    """The texts of a figure that stand in each other's way."""
    FigureCanvasAgg(drawn).draw()
    texts = [*drawn.texts, *(text for axes in drawn.axes for text in axes.texts)]
    boxes = [(each.get_text(), each.get_window_extent()) for each in texts if each.get_text()]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


@pytest.mark.parametrize("note", ["", "a note " * 40])
@pytest.mark.parametrize("columns", [1, 15, 40])
def test_the_numbers_of_a_scale_stand_in_the_way_of_nothing(columns: int, note: str) -> None:
    tile = np.zeros((40, 40, 3), np.uint8)
    labels = [(43.0 * column, 0.0, str(100 + column)) for column in range(columns)]
    scale = Scale(12.5, signed=True, clipped=True)
    band = Band("a.long.name.of.a.layer." * 8, note, montage([[tile] * columns], gap=3), scale, labels)
    assert overlapping(stacked("Title", [band, band], key="how to read it")) == []


def test_texts_in_each_others_way_are_found() -> None:
    drawn = Figure()
    drawn.text(0.5, 0.5, "one")
    drawn.text(0.51, 0.5, "other")
    assert overlapping(drawn) == [("one", "other")]


def test_the_sheet_of_many_columns_has_no_text_over_another() -> None:
    net = iv.Network(nn.Sequential(nn.Conv2d(1, 15, 3), nn.Conv2d(15, 6, 3)), iv.Preprocess(size=8, mean=0, std=1))
    assert overlapping(iv.figure(iv.filters(net, "1"))) == []
