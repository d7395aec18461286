"""The sections of the page that make pictures and attack the photograph: what they show, and when they do not."""

import base64
import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.sphere import sphere
from innerview.combined.shift import shift
from innerview.show.drawing.drawn import drawn
from innerview.show.page import report
from innerview.show.page.section import Visit
from innerview.show.page.sections import classes, fragile, looked_for
from innerview.show.page.sections.fragile import ATTEMPTS, POINTS
from innerview.show.page.tiles import MapTile
from innerview.show.sheets.attack import magnification
from innerview.synthesis.canvas import Fourier
from innerview.synthesis.synthesize import synthesize
from small_networks import OneConv, SmallCNN, TinyViT, network

LABELS = ["ox", "bison", "zebra", "bee", "koala"]


SHOWN = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
"""Pixels in 0–1."""


FEW = 4
"""Steps of synthesis."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked_for, "CHEAP", (3, FEW))
    monkeypatch.setattr(looked_for, "DEAR", (2, 2))


def visit(net: iv.Network, x: Tensor) -> Visit:
    return Visit(net, x, tuple(net.predict(x, 5)[0]), "")


@pytest.fixture(scope="module")
def small() -> Visit:
    return visit(network(SmallCNN(), labels=LABELS), SHOWN)


def pixels(address: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        return np.asarray(image)


Page = Callable[[iv.Network, Tensor], str]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page with these two sections alone, each space a single one."""
    monkeypatch.setattr(report, "SECTIONS", (looked_for.SECTION, fragile.SECTION))
    return lambda net, x: " ".join(report.tour(net, x).split())


def test_two_classes_share_a_scale_and_their_difference_is_asked_about(small: Visit) -> None:
    first, second = small.net.predict(small.image, 2)[0]
    found = classes.rivals(small)
    assert [bar.label for bar, _ in found.entries] == [first.label, second.label]
    assert found.entries[0][1].ends == found.entries[1][1].ends
    difference = iv.CAM()(small.net, small.image, iv.Logit(first.index) - iv.Logit(second.index))
    assert found.difference == MapTile.of(difference)


def test_a_network_with_one_class_has_no_rivals() -> None:
    alone = classes.rivals(visit(network(SmallCNN(classes=1)), SHOWN))
    assert (len(alone.entries), alone.difference) == (1, None)


def test_each_likely_class_has_its_picture_and_two_scores(small: Visit) -> None:
    top = small.net.predict(small.image, 3)[0]
    found = looked_for.looked_for(small)
    expected = synthesize(
        small.net,
        [iv.Logit(each.index) for each in top],
        canvas=Fourier(size=(8, 8), decay=1.5),
        recipe=iv.CLEAR,
        steps=FEW,
    )
    scores = small.net.logits(small.image)[0]
    assert [each.label for each in found.ideals] == [each.label for each in top]
    for row, ideal in enumerate(found.ideals):
        assert np.array_equal(pixels(ideal.picture), drawn(expected.pixels[row]))
        assert ideal.score.replace("−", "-") == f"{expected.scores[row].item():.1f}"
        assert ideal.photograph.replace("−", "-") == f"{scores[top[row].index].item():.1f}"


def test_of_a_large_input_there_are_fewer_pictures_in_fewer_steps() -> None:
    net = network(SmallCNN())
    net.preprocess = iv.Preprocess(size=(96, 100), mean=(0,) * 3, std=(1,) * 3)
    found = looked_for.looked_for(visit(net, torch.rand(1, 3, 96, 100)))
    assert (len(found.ideals), found.steps) == (2, 2)
    assert pixels(found.ideals[0].picture).shape == (96, 100, 3)


class Deaf(SmallCNN):
    """Answers one class from its bias alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * torch.tensor([1.0, 0, 1, 1, 1]) + torch.tensor([0.0, 9, 0, 0, 0])


def test_a_picture_that_no_gradient_reached_says_so(page: Page) -> None:
    deaf = visit(network(Deaf(), labels=LABELS), SHOWN)
    assert [each.alive for each in looked_for.looked_for(deaf).ideals] == [False, True, True]
    assert "No gradient led from this question to the picture, so it shows nothing." in page(deaf.net, deaf.image)


def test_the_photograph_the_example_and_their_difference(small: Visit) -> None:
    found = fragile.fragile(small)
    expected = attack(small.net, small.image, found_method(small))
    assert found.success == bool(expected.success[0])
    assert [bar.label for bar in found.history] == [each.label for each in expected.history(0)]
    assert [bar.length for bar in found.history] == pytest.approx(
        [100 * each.probability for each in expected.history(0)], abs=0.01
    )
    factor = magnification(expected.difference[0])
    shown = [expected.before[0], expected.after[0], 0.5 + factor * expected.difference[0]]
    for address, tensor in zip(
        (found.changed.before, found.changed.after, found.changed.difference), shown, strict=True
    ):
        assert np.array_equal(pixels(address), drawn(tensor))
    assert found.changed.share == f"{100 * expected.relative_distance[0].item():.1f} %"
    assert found.step == f"{255 * expected.provenance.settings['step']:.3g}"


def found_method(small: Visit) -> iv.GradientAscent:
    """The first attempt if it changes the answer, else the second one."""
    return ATTEMPTS[0] if attack(small.net, small.image, ATTEMPTS[0]).success[0] else ATTEMPTS[1]


def test_the_sphere_and_the_explanations_are_those_of_the_functions(small: Visit) -> None:
    found = fragile.fragile(small)
    expected = attack(small.net, small.image, found_method(small))
    points = sphere(small.net, small.image, expected, samples=POINTS)
    assert (found.around.points, found.around.kept) == (POINTS, round(POINTS * points.share[0].item()))
    others = [f"{name} {count}" for name, count in points.ranking(0) if name != expected.history(0)[0].label]
    assert found.around.others == ", ".join(others)
    moved = shift(small.net, expected, iv.GradCAM())
    assert found.moved.likeness == f"{moved.similarity[0].item():.2f}"
    scale = fragile.Scale.of([moved.before.heatmap()[0], moved.after.heatmap()[0]], signed=moved.before.signed)
    assert np.array_equal(pixels(found.moved.maps[1].alone), scale.paint(moved.after.heatmap()[0]))


def test_longer_steps_are_taken_only_if_the_short_ones_do_not_change_the_answer(
    small: Visit, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = network(SmallCNN(), labels=LABELS)
    with torch.no_grad():
        sure.module.fc.bias[int(sure.predict(SHOWN)[0][0].index)] += 50
    found = fragile.fragile(visit(sure, SHOWN))
    assert (found.success, found.step, len(found.history)) == (False, "2.5", 16)
    assert "After 15 steps · 100.0 %: the answer is still the same" in page(sure, SHOWN)
    easy = iv.GradientAscent(step=0.5)
    monkeypatch.setattr(fragile, "ATTEMPTS", (easy, *ATTEMPTS))
    assert fragile.fragile(small).step == "128"


class Detached(SmallCNN):
    """Keeps its gradients to itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach()


class NotFinite(SmallCNN):
    """Overflows."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1e38 * 1e38


@pytest.mark.parametrize(
    ("module", "x", "sentences"),
    [
        (lambda: SmallCNN(classes=1), SHOWN, ["", "lower that instead: objective=Logit(0)"]),
        (
            OneConv,
            torch.rand(1, 1, 4, 4),
            [
                "a picture is drawn in the channels of the preprocessing, 3; this input has 1. Give Preprocess a mean "
                "and a deviation for each",
                "an attack moves pixels, so the input has the channels of the preprocessing, 3; got 1",
            ],
        ),
        (SmallCNN, 4 * SHOWN - 1, ["", "an attack keeps pixels in 0–1; this input was made of pixels from"]),
        (NotFinite, SHOWN, ["holds NaN or infinity", "holds NaN or infinity"]),
        (Detached, SHOWN, [None, "its forward pass detaches it"]),
    ],
)
def test_what_cannot_be_done_is_a_sentence_in_its_place(
    module: Callable[[], nn.Module], x: Tensor, sentences: list[str | None]
) -> None:
    here = visit(network(module()), x)
    refusals = [looked_for.looked_for(here).refusal, fragile.fragile(here).refusal]
    for refusal, sentence in zip(refusals, sentences, strict=True):
        assert (refusal == "") == (sentence == "")
        assert (sentence or "") in refusal


def test_without_a_grid_the_explanations_are_left_out_with_the_reason(page: Page) -> None:
    class Linear(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(192, 5))

    found = fragile.fragile(visit(network(Linear()), SHOWN))
    assert found.refusal == ""
    assert found.moved.maps == ()
    assert found.moved.refusal in page(network(Linear()), SHOWN)


def test_a_vision_transformer_has_both_sections() -> None:
    here = visit(network(TinyViT()), SHOWN)
    assert (looked_for.looked_for(here).refusal, fragile.fragile(here).refusal) == ("", "")


def test_hostile_labels_are_inert_in_both_sections(page: Page) -> None:
    hostile = ['"><img src=x onerror=alert(1)>', "</section><script>alert(1)</script>", "a", "b", "c"]
    html = page(network(SmallCNN(), labels=hostile), SHOWN)
    both = html[html.index('<section id="looked_for"') : html.index("<footer")]
    assert "<script" not in both
    assert "src=x" not in both.replace("&lt;img src=x", "")
