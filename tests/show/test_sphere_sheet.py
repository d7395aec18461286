"""The sphere sheet: what stands on it, and that it can be read."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from innerview.adversarial.sphere import SphereTest
from innerview.errors import SettingError
from innerview.results import Provenance
from innerview.show.figures import figure
from reading import outside, tiles, words

NAMES = dict(enumerate(("ox", "gnu", "yak", "elk", "cow", "ass", "pig", "emu")))


def around(*counts: tuple[int, ...], own: int = 0, names: dict[int, str] = NAMES, network: str = "net") -> SphereTest:
    """So many points of each class around each of some even grey images."""
    grey = torch.full((len(counts), 3, 16, 16), 100, dtype=torch.uint8)
    settings = {"radius": 2.5, "attack": {"name": "PGD", "steps": 3}}
    return SphereTest(
        counts=torch.tensor(counts),
        classes=torch.full((len(counts),), own),
        radii=torch.arange(1.0, len(counts) + 1),
        names=names,
        pictures=grey,
        examples=grey + 50,
        provenance=Provenance(network, "0" * 16, ("ox",), "sphere", settings),
    )


def bars(drawn: Figure) -> list[list[float]]:
    """Of each chart the lengths of its coloured bars, from above."""
    grey = (236 / 255,) * 3
    return [
        [bar.get_width() for bar in axes.patches if bar.get_facecolor()[:3] != pytest.approx(grey, abs=0.01)]
        for axes in drawn.axes
        if axes.patches
    ]


def test_a_row_is_the_image_one_of_the_points_and_the_share_of_each_class() -> None:
    drawn = figure(around((30, 960, 10), own=1))
    assert [int(tile[0, 0, 0]) for tile in tiles(drawn)] == [100, 150]
    assert bars(drawn) == [pytest.approx([0.96, 0.03, 0.01])]
    text = words(drawn)
    assert {"gnu", "at distance 1", "96.0% keep the class", "96.0%", "3.0%", "1.0%"} <= set(text)
    assert "net: 1,000 points 2.5× as far as PGD went" in text


def test_the_images_own_class_has_another_colour_than_all_others() -> None:
    drawn = figure(around((30, 960, 10), own=2))
    (chart,) = [axes for axes in drawn.axes if axes.patches]
    colours = [bar.get_facecolor()[:3] for bar in chart.patches][1::2]
    assert colours[0] == colours[1] != colours[2]


def test_many_classes_are_counted_together() -> None:
    drawn = figure(around((50, 20, 10, 8, 6, 3, 2, 1)))
    assert bars(drawn) == [pytest.approx([0.5, 0.2, 0.1, 0.08, 0.06, 0.06])]
    assert "3 other classes" in words(drawn)


def test_a_row_for_each_image_or_for_those_asked_for() -> None:
    result = around((10, 0), (5, 5), (0, 10))
    assert bars(figure(result)) == [[1.0], [0.5, 0.5], [1.0]]
    drawn = figure(result, images=[2, 0])
    assert [text for text in words(drawn) if "distance" in text][:2] == ["at distance 3", "at distance 1"]


def test_everything_stays_on_the_page_and_names_are_plain_text() -> None:
    names = dict.fromkeys(NAMES, "$\\frac{ox}$, an ox of a very long and endless name without an end")
    drawn = figure(around((50, 20, 10, 8, 6, 3, 2, 1), names=names, network="a/very/long/name" * 9))
    assert not outside(drawn)
    assert any("$\\frac{ox}$" in text for text in words(drawn))
    assert not [each for each in drawn.axes[-1].texts if each.get_parse_math()]


def test_the_key_says_how_the_bars_are_read() -> None:
    text = " ".join(words(figure(around((1, 1)))))
    assert "blue its own class and red all others, from 0 to 100%" in text
    assert "a matter of direction and not of size" in text


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([1], "images are numbered 0 to 0; got [1]"),
        ([], "a sheet holds 1 to 32 images; got 0. Draw some at a time: figure(result, images=range(32))"),
        ([0] * 33, "a sheet holds 1 to 32 images; got 33. Draw some at a time: figure(result, images=range(32))"),
    ],
)
def test_images_that_are_not_there_or_too_many_are_refused(images: list[int], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        figure(around((1, 1)), images=images)
    assert str(refused.value) == sentence


def test_pictures_keep_their_proportions() -> None:
    result = around((1, 1))
    wide = torch.zeros(1, 3, 10, 20, dtype=torch.uint8)
    drawn = figure(SphereTest(**{**vars(result), "pictures": wide, "examples": wide}))
    boxes = [axes.get_position().bounds for axes in drawn.axes if axes.images]
    width, height = drawn.get_size_inches()
    assert np.allclose([height * box[3] / (width * box[2]) for box in boxes], 0.5)
