"""The shift sheet: what stands on it, and that it can be read."""

import numpy as np
import pytest
import torch
from known_results import attribution, spot

from innerview.combined.shift import Shift
from innerview.errors import SettingError
from innerview.results import Provenance
from innerview.show.drawing.colours import Scale
from innerview.show.figures import figure
from reading import outside, tiles, words

GREY = np.full((32, 32, 3), 100, np.uint8)


def moved(after: torch.Tensor, *, signed: bool = True, asked: str = "ox", network: str = "net") -> Shift:
    """Explanations that were a spot and are these values."""
    origin = Provenance(network, "0" * 16, (asked,), "shift", {"attack": {"name": "PGD"}})
    before = attribution(spot(len(after)), signed=signed, asked=(asked,))
    return Shift(before, attribution(after, signed=signed, asked=(asked,)), origin)


@pytest.mark.parametrize("signed", [True, False])
def test_both_explanations_have_one_scale_and_their_change_one_with_zero_in_the_middle(signed: bool) -> None:
    after = spot() / 4 + spot(at=(20, 20))
    drawn = figure(moved(after, signed=signed))
    scale, change = Scale.of([spot()[0], after[0]], signed=signed), Scale.of([(after - spot())[0]], signed=True)
    expected = [
        GREY,
        scale.overlay(GREY, spot()[0]),
        scale.overlay(GREY, after[0]),
        change.overlay(GREY, (after - spot())[0]),
    ]
    assert all(np.array_equal(tile, each) for tile, each in zip(tiles(drawn), expected, strict=True))
    text = words(drawn)
    assert [each for each in scale.ends if text.count(each) < 2] == []
    assert {*change.ends} <= set(text)


def test_words_say_what_was_asked_and_how_far_it_moved() -> None:
    text = words(figure(moved(spot() / 2 + spot(at=(8, 20)) / 2)))
    assert {"net: what the attack did to CAM", "ox, before and after PGD", "CAM", "for ox"} <= set(text)
    assert text[text.index("cosine 0.71") + 1] == "to the explanation before"
    assert "‖change‖ / ‖before‖ = 0.71" in text
    assert "1 if the explanation stayed, the smaller the less is left of it" in " ".join(text)


def test_an_explanation_that_stayed_has_no_change_to_draw() -> None:
    drawn = figure(moved(spot()))
    assert np.array_equal(tiles(drawn)[3], GREY)
    assert "zero everywhere" in words(drawn)


def test_an_explanation_of_nothing_says_so() -> None:
    drawn = figure(moved(torch.zeros(1, 32, 32)))
    assert np.array_equal(tiles(drawn)[2], GREY)
    assert {"zero everywhere", "cosine 0.00", "‖change‖ / ‖before‖ = 1.00"} <= set(words(drawn))


def test_only_the_images_asked_for_are_drawn() -> None:
    result = moved(torch.cat([spot(), spot(at=(3, 3)), spot(at=(9, 9))]))
    assert len(tiles(figure(result))) == 12
    assert len(tiles(figure(result, images=[2]))) == 4
    with pytest.raises(SettingError, match=r"^images are numbered 0 to 2; got \[3\]$"):
        figure(result, images=[3])


def test_everything_stays_on_the_page_and_names_are_plain_text() -> None:
    asked = "$\\frac{ox}$ and a long list of its synonyms, cattle, bull, bullock, without an end"
    drawn = figure(moved(spot(at=(3, 3)), asked=asked, network="a/very/long/name" * 9))
    assert not outside(drawn)
    assert any("$\\frac{ox}$" in text for text in words(drawn))
