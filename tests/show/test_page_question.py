"""A page about a question that somebody asked: its maps, its picture, its words, and how to make it again."""

import re
import shlex

import numpy as np
import pytest
import torch
from PIL import Image
from test_page_sections import LABELS, pixels

import innerview as iv
from innerview.cli.main import main
from innerview.modules.scope import untouched
from innerview.objectives.scoring import score
from innerview.show.drawing.colours import Scale
from innerview.show.page import report
from innerview.show.page.sections import fragile, looked_for, where
from quick import quick_tours
from small_networks import SmallCNN, network

WHY = iv.Logit("zebra") - 0.5 * iv.Maximum("conv2")
SHOWN = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))


def net() -> iv.Network:
    return network(SmallCNN(), labels=LABELS)


def visit(objective: object = WHY) -> report.Visit:
    return report._visit(net(), SHOWN, SHOWN, 5, objective)


def text(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", "", html).split())


def test_the_maps_explain_the_question() -> None:
    tile = where.look(visit(), iv.Gradient).tile
    expected = iv.Gradient()(net(), SHOWN, WHY)
    scale = Scale.of([expected.heatmap()[0]], signed=expected.signed)
    assert np.array_equal(pixels(tile.alone), scale.paint(expected.heatmap()[0]))
    assert tile.question == "zebra − 0.5 · maximum of conv2"
    assert where.look(visit(None), iv.Gradient).tile.question != tile.question


def test_a_picture_is_made_for_the_question_before_those_of_the_classes() -> None:
    with quick_tours():
        first, *others = looked_for.looked_for(visit()).ideals
        usual = looked_for.looked_for(visit(None)).ideals
    assert (first.label, first.alive) == ("zebra − 0.5 · maximum of conv2", True)
    with untouched((ours := net()).module):
        assert first.photograph.replace("−", "-") == f"{score(ours, SHOWN, WHY.bind(ours))[0]:.1f}"
    assert others == usual[:2]


def test_the_explanation_that_moves_is_that_of_the_question() -> None:
    with quick_tours():
        found = fragile.fragile(visit())
    attack = fragile._attacked(visit())
    expected = iv.shift(net(), attack, iv.GradCAM(), WHY)
    assert found.moved.likeness == f"{expected.similarity[0].item():.2f}"
    assert found.moved.maps[0].question == "zebra − 0.5 · maximum of conv2"


@pytest.fixture(scope="module")
def page() -> str:
    with quick_tours():
        return iv.tour(net(), SHOWN, objective=WHY)


def test_the_page_says_what_is_asked(page: str) -> None:
    assert "The page asks about zebra − 0.5 · maximum of conv2." in text(page)
    assert "The answer that the maps explain: zebra − 0.5 · maximum of conv2." in text(page)
    assert "iv.GradCAM()(net, x, iv.parse_objective(&#39;logit:2 - 0.5 * max:conv2&#39;))" in page


def test_a_page_without_a_question_says_nothing_of_it() -> None:
    with quick_tours():
        assert "asks about" not in iv.tour(net(), SHOWN)


@pytest.mark.parametrize(
    ("objective", "error", "sentence"),
    [
        ("gnu", iv.LabelError, "no class is called 'gnu'"),
        (iv.Channel("conv9", 0), iv.LayerError, "no layer 'conv9' in SmallCNN"),
        ([1, 2], iv.ObjectiveError, "give one objective for all images or one per image; got 2 for 1"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_before_the_work(objective, error, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        iv.tour(net(), SHOWN, objective=objective)


def test_the_command_on_the_page_asks_the_same_again(tmp_path, monkeypatch) -> None:
    lenet, asked = iv.load("builtin/lenet"), []
    why = iv.Logit("3") - 0.5 * iv.Channel(lenet.layers()[0].name, 1)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save("a digit.png")
    words = shlex.split(report.command(report._visit(lenet, lenet.prepare("a digit.png"), "a digit.png", 5, why)))
    monkeypatch.setattr(report, "write_tour", lambda *_, objective, all_methods: asked.append(objective))
    assert words[:5] == ["innerview", "tour", "a digit.png", "--network", "builtin/lenet"]
    assert main(words[1:]) == 0
    assert asked == [why.bind(lenet)]
