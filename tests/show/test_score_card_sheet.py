"""The sheet of a score card: what stands on it, and that it can be read."""

import math

import pytest
import torch
from matplotlib.axes import Axes

from innerview.errors import SettingError
from innerview.evaluation.card import ScoreCard
from innerview.results import Provenance
from innerview.show.figures import figure
from reading import outside, tiles, words

NATURAL = torch.tensor([[1.0, 2.0, 3.0, 4.0, 10.0]])


def card(score: float = 25.0, *, pictures: int = 1, **more: object) -> ScoreCard:
    """Pictures of one score beside five photographs."""
    other = {"network": "judge", "weights": "1" * 16}
    fields = {
        "scores": torch.full((pictures,), score),
        "natural": NATURAL.expand(pictures, -1),
        "transformed": torch.full((pictures,), 3.5),
        "natural_transformed": NATURAL.expand(pictures, -1) / 2,
        "ranks": torch.ones(pictures, dtype=torch.int64),
        "probabilities": torch.full((pictures,), 0.987),
        "transfer_ranks": torch.full((pictures,), 3),
        "transfer_probabilities": torch.full((pictures,), 0.41),
        "spectrum_distances": torch.full((pictures,), 6.25),
        "natural_spectrum_distances": torch.tensor([2.0, 3.0, 4.0, 5.0, 9.0]),
        "pictures": torch.full((pictures, 3, 16, 16), 100, dtype=torch.uint8),
        "provenance": Provenance("net", "0" * 16, ("ox",) * pictures, "score_card", {"other": other}),
    }
    return ScoreCard(**(fields | more))


def lines(axes: Axes) -> tuple[list[list[float]], list[float]]:
    """Where the photographs of each line and their median are, and where the picture is."""
    places = [[segment[0][0] for segment in each.get_segments()] for each in axes.collections]
    return places, [each.get_xdata()[0] for each in axes.lines]


def test_scores_stand_among_those_of_the_photographs_on_one_axis() -> None:
    scores, spectrum = figure(card()).axes[1:]
    (natural, median, transformed, their_median), own = lines(scores)
    assert natural == NATURAL[0].tolist()
    assert transformed == (NATURAL[0] / 2).tolist()
    assert [median, their_median, own] == [[3.0], [1.5], [25.0, 3.5]]
    low, high = scores.get_xlim()
    assert low < 0.5
    assert high > 25
    (distances, middle), own = lines(spectrum)
    assert (distances, middle, own) == ([2, 3, 4, 5, 9], [4.0], [6.25])
    assert spectrum.get_xlim()[0] == 0


def test_words_say_what_the_lines_show() -> None:
    text = words(figure(card()))
    assert {
        "net: beside 5 photographs",
        "ox",
        "rank 1, probability 98.7%",
        "rank 3, probability 41.0% in",
        "judge",
        "above 100% of the photographs, 2.5 × the best",
        "shifted and turned: above 80% of the photographs",
        "6.2 dB",
        "photographs' median 4.0 dB",
    } <= set(text)


def test_what_is_not_known_is_not_said() -> None:
    origin = Provenance("net", "0" * 16, ("layer3 energy",), "score_card", {"other": None})
    unknown = torch.tensor([math.nan])
    text = " ".join(
        words(
            figure(
                card(
                    ranks=torch.tensor([0]),
                    probabilities=unknown,
                    transfer_ranks=torch.tensor([0]),
                    transfer_probabilities=unknown,
                    natural=-NATURAL,
                    provenance=origin,
                )
            )
        )
    )
    assert "rank 0" not in text
    assert "nan" not in text
    assert "× the best" not in text
    assert "rank 2" in words(figure(card(ranks=torch.tensor([2]), probabilities=unknown)))


def test_scores_that_are_no_numbers_leave_a_readable_sheet() -> None:
    unknown = torch.tensor([math.nan])
    drawn = figure(card(math.nan, transformed=unknown))
    assert not outside(drawn)
    none = figure(
        card(math.nan, natural=NATURAL * math.nan, transformed=unknown, natural_transformed=NATURAL * math.inf)
    )
    assert "not finite" in words(none)


def test_a_row_for_each_picture_or_for_those_asked_for() -> None:
    assert len(tiles(figure(card(pictures=3)))) == 3
    assert len(tiles(figure(card(pictures=3), pictures=[1]))) == 1
    with pytest.raises(SettingError) as refused:
        figure(card(pictures=33))
    assert str(refused.value) == (
        "a sheet holds 1 to 32 pictures; got 33. Draw some at a time: figure(result, pictures=range(32))"
    )


def test_everything_stays_on_the_page_and_names_are_plain_text() -> None:
    long = "$\\frac{ox}$ and a long list of its synonyms, cattle, bull, bullock, without an end" * 2
    origin = Provenance("a/very/long/name" * 9, "0" * 16, (long,), "score_card", {"other": {"network": long}})
    drawn = figure(card(-1234567.0, provenance=origin))
    assert not outside(drawn)
    assert any("$\\frac{ox}$" in text for text in words(drawn))
    assert not [each for axes in drawn.axes for each in axes.texts if each.get_parse_math() and "$" in each.get_text()]
