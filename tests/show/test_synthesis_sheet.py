"""The contact sheet: what stands on it, and that it can be read."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from innerview.errors import SettingError
from innerview.results import Provenance
from innerview.show.sheets.synthesis import synthesis_sheet
from innerview.synthesis.result import Synthesis


def made(
    pictures: int = 2,
    *,
    moments: tuple[int, ...] = (),
    channels: int = 3,
    size: tuple[int, int] = (6, 8),
    asked: str = "layer3 channel",
) -> Synthesis:
    """Even pictures, each a little brighter than the one before, which were darker at each moment."""
    levels = torch.linspace(0.2, 0.6, pictures).reshape(-1, 1, 1, 1)
    images = levels.expand(-1, channels, *size).clone()
    shown = [images * moment / 64 for moment in moments]
    return Synthesis(
        pixels=images,
        inputs=images,
        scores=torch.arange(pictures) * 1.5,
        curve=torch.zeros(64, pictures),
        alive=torch.tensor([number != 1 for number in range(pictures)]),
        snapshots=torch.stack(shown) if shown else images.new_zeros(0, *images.shape),
        moments=moments,
        provenance=Provenance("net", "0" * 16, tuple(f"{asked} {k}" for k in range(pictures)), "synthesize", {}),
    )


def words(drawn: Figure) -> list[str]:
    return [text.get_text() for text in drawn.texts]


def tiles(drawn: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in drawn.axes for image in axes.images]


def levels(drawn: Figure) -> list[int]:
    return [int(tile[0, 0, 0]) for tile in tiles(drawn)]


def test_each_picture_stands_over_its_question_and_score() -> None:
    drawn = synthesis_sheet(made())
    assert levels(drawn) == [51, 153]
    assert tiles(drawn)[0].shape == (6, 8, 3)
    text = words(drawn)
    assert text[0:2] == ["layer3 channel 0", "0"]
    assert "net: synthesize, 64 steps" in text


def test_a_picture_that_no_gradient_reached_says_so() -> None:
    text = words(synthesis_sheet(made(3)))
    assert text[text.index("layer3 channel 1") + 1] == "no gradient reached it"
    assert text[text.index("layer3 channel 2") + 1] == "3"


def test_with_snapshots_each_row_is_a_moment_and_the_last_the_end() -> None:
    drawn = synthesis_sheet(made(3, moments=(16, 32)))
    assert levels(drawn) == [13, 26, 38, 26, 51, 76, 51, 102, 153]
    assert [text for text in words(drawn) if text.startswith("step")] == ["step 16", "step 32", "step 64"]
    ended = synthesis_sheet(made(2, moments=(32, 64)))
    assert [text for text in words(ended) if text.startswith("step")] == ["step 32", "step 64"]
    assert len(tiles(synthesis_sheet(made(3, moments=(16, 32)), snapshots=False))) == 3


def test_some_pictures_can_be_chosen() -> None:
    assert levels(synthesis_sheet(made(5), pictures=[4, 0])) == [153, 51]


def test_rows_are_as_long_as_asked_for() -> None:
    tops = [axes.get_position().y0 for axes in synthesis_sheet(made(6), across=2).axes]
    assert [tops.index(top) for top in tops] == [0, 0, 2, 2, 4, 4]
    with pytest.raises(SettingError, match="across is a whole number, at least 1 and at most 8; got 9"):
        synthesis_sheet(made(10), across=9)


@pytest.mark.parametrize("channels", [1, 4])
def test_pictures_that_are_not_rgb_are_drawn_in_grey(channels: int) -> None:
    assert all(tile.shape == (6, 8, 3) for tile in tiles(synthesis_sheet(made(channels=channels))))


@pytest.mark.parametrize(
    "result",
    [
        made(1, asked="$\\frac{a}{b}$ of a very long layer name that goes on and on, and on, channel"),
        made(9),
        made(40, size=(2, 2)),
        made(8, moments=(1, 2, 3), asked="features.12.conv.3.very_long_module_name_without_any_space channel"),
    ],
)
def test_everything_stays_on_the_page_and_nothing_lies_on_a_picture(result: Synthesis) -> None:
    drawn = synthesis_sheet(result)
    canvas = FigureCanvasAgg(drawn)
    width, height = drawn.get_size_inches() * drawn.dpi
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in drawn.texts]
    for box in boxes:
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
        assert not any(box.overlaps(axes.get_window_extent()) for axes in drawn.axes)
    places = [axes.get_position() for axes in drawn.axes]
    assert all(place.x0 >= 0 and place.x1 <= 1 and place.y0 >= 0 and place.y1 <= 1 for place in places)


@pytest.mark.parametrize(
    ("result", "settings", "sentence"),
    [
        (made(), {"pictures": [2]}, "pictures are numbered 0 to 1; got [2]"),
        (
            made(),
            {"pictures": []},
            "a sheet holds 1 to 100 pictures; got 0. Draw some at a time: figure(result, pictures=range(100))",
        ),
        (
            made(),
            {"snapshots": True},
            "this result holds no snapshots; make it with synthesize(…, snapshots=(1, 16, 64))",
        ),
        (
            made(9, moments=(1,)),
            {"snapshots": True},
            "a sheet of snapshots holds 8 pictures at 12 moments; got 9 at 1. "
            "Draw some at a time: figure(result, pictures=range(8))",
        ),
    ],
)
def test_what_does_not_fit_is_refused(result: Synthesis, settings: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        synthesis_sheet(result, **settings)
    assert str(refused.value) == sentence
