"""The sheets of a position's units and of groups of channels: what stands on them, and that it can be read."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from innerview.combined.dictionary import SemanticDictionary
from innerview.combined.groups import NeuronGroups
from innerview.operations.receptive_field import ReceptiveField
from innerview.results import Provenance
from innerview.show.sheets.dictionary import cell, dictionary_sheet, extent, groups_sheet, signed_colours, visible

FIELD = ReceptiveField(size=(20, 10), stride=(4, 4), start=(-8, -3))


def looked_up(units: int = 3, *, layer: str = "layer3", colours: int = 3, rule: str = "guided") -> SemanticDictionary:
    """Even pictures, each a little brighter, and projections that are one pixel, all in a picture of 32 × 24."""
    levels = torch.linspace(0.2, 0.6, units).reshape(-1, 1, 1, 1)
    projections = torch.zeros(units, colours, 32, 24)
    projections[:, 0, 10, 7] = 1.0
    return SemanticDictionary(
        layer=layer,
        position=(2, 1),
        grid=(8, 6),
        units=torch.arange(units) + 40,
        activations=torch.linspace(8, 2, units),
        contributions=torch.linspace(-0.5, 1.0, units),
        pixels=levels.expand(-1, colours, 32, 24).clone(),
        projections=projections,
        whole=torch.full((colours, 32, 24), 0.8),
        alive=torch.tensor([unit != 1 for unit in range(units)] + [True]),
        contribution=torch.tensor(-0.062),
        score=torch.tensor(6.69),
        picture=torch.full((3, 32, 24), 100, dtype=torch.uint8),
        field=FIELD,
        provenance=Provenance("net", "0" * 16, ("ox",), "dictionary", {"project": rule}),
    )


def grouped(groups: int = 2, *, question: str = "ox") -> NeuronGroups:
    levels = torch.linspace(0.2, 0.6, groups).reshape(-1, 1, 1, 1)
    maps = torch.zeros(groups, 2, 2)
    maps[0, 0, 0] = 3.0
    return NeuronGroups(
        layer="layer3",
        maps=maps,
        vectors=torch.eye(groups, 7),
        contributions=torch.linspace(1.5, -0.5, groups),
        remainder=torch.tensor(-2.3),
        pixels=levels.expand(-1, 3, 16, 16).clone(),
        alive=torch.arange(groups) != 1,
        score=torch.tensor(6.69),
        picture=torch.full((3, 32, 24), 100, dtype=torch.uint8),
        provenance=Provenance("net", "0" * 16, (question,), "neuron_groups", {}),
    )


def words(drawn: Figure) -> list[str]:
    return [text.get_text() for text in drawn.texts]


def tiles(drawn: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in drawn.axes for image in axes.images]


def test_a_position_has_a_heading_and_a_card_for_each_unit() -> None:
    text = words(dictionary_sheet(looked_up()))
    assert text[:2] == [
        "net: what layer3 sees at row 2, column 1",
        "ox: 6.69; this position contributes −0.062",
    ]
    assert [each for each in text if each.startswith("channel")] == ["channel 40", "channel 41", "channel 42"]
    assert [each for each in text if each.startswith("activation ")] == ["activation 8", "activation 5", "activation 2"]
    assert [each for each in text if each.startswith("contribution ")] == [
        "contribution −0.5",
        "contribution +0.25",
        "contribution +1",
    ]
    assert text.count("no gradient reached it") == 1
    assert text[text.index("channel 41") + 1] == "no gradient reached it"


def test_the_pictures_are_the_image_the_whole_and_two_of_each_unit() -> None:
    shown = tiles(dictionary_sheet(looked_up()))
    assert [int(tile[0, 0, 0]) for tile in shown[:2]] == [100, 204]
    assert [int(tile[0, 0, 0]) for tile in shown[2::2]] == [51, 102, 153]
    assert [tile.shape for tile in shown[3::2]] == [(1, 1, 3)] * 3  # cut to the one pixel of the projection
    assert shown[3].tolist() == [[[255, 128, 128]]]


def test_a_unit_from_which_nothing_flows_back_says_so() -> None:
    result = looked_up()
    result.projections[2] = 0
    text = words(dictionary_sheet(result))
    assert text[text.index("channel 42") + 1] == "at its cap: no way back"


def test_the_bars_are_as_long_as_the_numbers() -> None:
    drawn = dictionary_sheet(looked_up())
    bars = [
        (axes.get_xlim(), float(bar.get_width())) for axes in drawn.axes for group in axes.containers for bar in group
    ]
    strengths, contributions = bars[::2], bars[1::2]
    assert strengths == [((0, 8), 8.0), ((0, 8), 5.0), ((0, 8), 2.0)]
    assert contributions == [((-1, 1), -0.5), ((-1, 1), 0.25), ((-1, 1), 1.0)]


def test_the_position_and_what_it_can_see_are_framed() -> None:
    result = looked_up()
    assert visible(result) == (0, 1, 20, 11)  # rows −8 + 2·4 … and columns −3 + 1·4 …
    assert cell(result) == (8, 4, 12, 8)
    frames = {
        (each.get_x(), each.get_y(), each.get_width(), each.get_height())
        for each in dictionary_sheet(result).axes[0].patches
    }
    assert frames == {(0.5, -0.5, 10, 20), (3.5, 7.5, 4, 4)}
    assert visible(replace(result, field=None)) == (0, 0, 32, 24)
    assert visible(replace(result, position=(7, 5))) == (20, 17, 32, 24)


def test_projections_are_cut_to_where_there_is_something() -> None:
    result = looked_up(2)
    assert extent(result) == (10, 7, 11, 8)
    wider = result.projections.clone()
    wider[1, 1, 20, 12] = -0.06  # of a largest value of 1
    wider[0, 1, 2, 2] = 0.04
    assert extent(replace(result, projections=wider)) == (10, 7, 21, 13)
    assert extent(replace(result, projections=torch.zeros_like(wider))) == visible(result)


def test_a_projection_is_grey_where_it_is_nothing() -> None:
    values = torch.zeros(3, 4, 4)
    values[:, 0, 0] = torch.tensor([2.0, -2.0, 0.0])
    shown = signed_colours(values)
    assert shown[1, 1].tolist() == [128, 128, 128]
    assert shown[0, 0].tolist() == [255, 0, 128]
    assert signed_colours(values[:1])[0, 0].tolist() == [255, 255, 255]
    assert signed_colours(values[:2])[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("rule", "title"),
    [("guided", "guided back-propagation"), ("deconvolution", "deconvolution"), ("gradient", "the plain gradient")],
)
def test_the_key_names_the_rule(rule: str, title: str) -> None:
    assert f"projected back to the pixels by {title}" in " ".join(
        words(dictionary_sheet(looked_up(6, rule=rule)))
    ).replace("\n", " ")


def test_each_group_has_its_picture_its_map_and_its_channels() -> None:
    drawn = groups_sheet(grouped())
    text = words(drawn)
    assert text[:2] == [
        "net: layer3 in 2 groups of channels",
        "ox: 6.69; the groups contribute +1, what is in none of them −2.3",
    ]
    assert text[text.index("group 1") + 1] == "channels 0, 1, 2, 3"
    assert text[text.index("group 2") + 1] == "no gradient reached it"
    assert [each for each in text if each.startswith("contribution ")] == ["contribution +1.5", "contribution −0.5"]
    photo, first, over, second, bare = tiles(drawn)
    assert (int(first[0, 0, 0]), int(second[0, 0, 0])) == (51, 153)
    assert over[0, 0].tolist() != photo[0, 0].tolist()
    assert over[31, 23].tolist() == photo[31, 23].tolist()
    assert np.array_equal(bare, photo)  # the second group answers nowhere


LONG = "features.12.conv.3.a_very_long_module_name.without.any_space_in_it"


@pytest.mark.parametrize(
    "result",
    [
        looked_up(1),
        looked_up(9, layer=LONG),
        replace(looked_up(4), alive=torch.zeros(5, dtype=torch.bool)),
        grouped(1),
        grouped(7, question="$\\frac{a}{b}$ of a class with a very long name that goes on and on and on"),
    ],
    ids=["one", "nine", "dead", "one group", "seven groups"],
)
def test_everything_stays_on_the_page_and_nothing_lies_on_a_picture(result: SemanticDictionary | NeuronGroups) -> None:
    drawn = dictionary_sheet(result) if isinstance(result, SemanticDictionary) else groups_sheet(result)
    canvas = FigureCanvasAgg(drawn)
    width, height = drawn.get_size_inches() * drawn.dpi
    for text in drawn.texts:
        if not text.get_text():
            continue
        box = text.get_window_extent(canvas.get_renderer())
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
        assert not any(box.overlaps(axes.get_window_extent()) for axes in drawn.axes)
    places = [axes.get_position() for axes in drawn.axes]
    assert all(place.x0 >= 0 and place.x1 <= 1 and place.y0 >= 0 and place.y1 <= 1 for place in places)
