"""The attack sheet: what stands on it, and that it can be read."""

import numpy as np
import pytest
import torch
from known_results import attribution, spot
from matplotlib.colors import to_hex

from innerview.adversarial.result import Attack
from innerview.adversarial.sphere import SphereTest
from innerview.combined.shift import Shift
from innerview.errors import SettingError
from innerview.results import Provenance
from innerview.show.drawing.colours import Scale
from innerview.show.sheets.attack import attack_sheet, magnification
from reading import outside, tiles, words

ORIGIN = Provenance("net", "0" * 16, ("away from ox",), "PGD", {})


def attacked(
    change: float = 0.01,
    *,
    channels: int = 3,
    classes: tuple[int, ...] = (0, 0, 1),
    names: tuple[str, ...] = ("ox", "gnu"),
) -> Attack:
    """One image of even grey, brightened everywhere, whose class is as given before and after each step."""
    before = torch.full((1, channels, 16, 16), 0.4)
    return Attack(
        inputs=before,
        adversarial=before + change,
        before=before,
        after=before + change,
        classes=torch.tensor([classes]),
        confidences=torch.tensor([[0.9, 0.6, 0.5, 0.4, 0.3][: len(classes)]]),
        raised=torch.zeros(1, len(classes)),
        steps=torch.tensor([len(classes) - 1]),
        success=torch.tensor([classes[-1] != classes[0]]),
        names=dict(enumerate(names)),
        provenance=ORIGIN,
    )


def around(*counts: int, own: int = 0, radius: float = 2.0) -> SphereTest:
    """So many points of each class around one image."""
    provenance = Provenance("net", "0" * 16, ("ox",), "sphere", {"radius": radius})
    names = dict(enumerate(("ox", "gnu", "yak")))
    picture = torch.full((1, 3, 16, 16), 100, dtype=torch.uint8)
    return SphereTest(
        torch.tensor([counts]), torch.tensor([own]), torch.ones(1), names, picture, picture + 5, provenance
    )


def moved(values: torch.Tensor | None = None, *, signed: bool = True) -> Shift:
    """An explanation that was a spot, and after the attack these values, by default half of it and another spot."""
    after = spot() / 2 + spot(at=(8, 20)) / 2 if values is None else values
    before = attribution(spot(), signed=signed)
    return Shift(before, attribution(after, signed=signed), ORIGIN)


def test_a_row_is_the_image_before_and_after_and_the_magnified_difference() -> None:
    drawn = attack_sheet(attacked(0.012))
    assert [tile.reshape(-1, 3)[0].tolist() for tile in tiles(drawn)] == [
        [102] * 3,
        [105] * 3,
        [round((0.5 + 20 * 0.012) * 255)] * 3,
    ]
    assert {"Original", "Adversarial", "Difference", "PGD: away from ox", "× 20", "change 3.00%"} <= set(words(drawn))


def test_class_and_confidence_stand_under_each_image() -> None:
    text = words(attack_sheet(attacked()))
    assert text[text.index("ox") + 1] == "90.0%"
    assert text[text.index("gnu") + 1] == "50.0% after 2 steps"
    failed = words(attack_sheet(attacked(classes=(0, 0))))
    assert "60.0% after 1 step, goal not reached" in " ".join(failed)


def test_the_curve_shows_each_steps_confidence_in_the_colour_of_its_class() -> None:
    drawn = attack_sheet(attacked(classes=(0, 0, 1, 1)))
    (curve,) = [axes for axes in drawn.axes if axes.lines]
    assert curve.lines[0].get_ydata() == pytest.approx([0.9, 0.6, 0.5, 0.4])
    (points,) = curve.collections
    colours = [to_hex(each) for each in points.get_facecolors()]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    legend = {text.get_text(): text.get_color() for text in drawn.texts if text.get_text().startswith("●")}
    assert legend == {"● ox": colours[0], "● gnu": colours[2]}


def test_an_image_that_was_not_changed_says_so() -> None:
    drawn = attack_sheet(attacked(0.0, classes=(0,)))
    assert "unchanged" in words(drawn)
    assert (tiles(drawn)[2] == 128).all()


def test_the_count_of_the_sphere_stands_under_the_difference() -> None:
    text = " ".join(words(attack_sheet(attacked(), sphere=around(3, 990, 7, own=1, radius=2.5))))
    assert "change 2.50%; of 1000 points 2.5× as far, 990 keep the class" in text


@pytest.mark.parametrize("signed", [True, False])
def test_explanations_are_drawn_on_one_scale_with_their_likeness(signed: bool) -> None:
    shift = moved(signed=signed)
    drawn = attack_sheet(attacked(), shift=shift)
    heatmaps = [each.heatmap()[0] for each in (shift.before, shift.after)]
    scale = Scale.of(heatmaps, signed=signed)
    grey = np.full((32, 32, 3), 100, np.uint8)
    for tile, heatmap in zip(tiles(drawn)[3:], heatmaps, strict=True):
        assert np.array_equal(tile, scale.overlay(grey, heatmap))
    text = words(drawn)
    assert text[text.index("CAM") + 1] == "for ox"
    assert text[text.index("cosine 0.71") + 1] == "to the explanation before"
    assert {"Explanation before", "Explanation after", "Answer after each step"} <= set(text)
    key = "red speaks for the answer, blue against it" if signed else "the brighter, the more it counts"
    assert f"In the explanations, {key}; both are on one scale." in text


def test_an_explanation_that_is_nothing_is_not_drawn() -> None:
    drawn = attack_sheet(attacked(), shift=moved(torch.zeros(1, 32, 32)))
    assert (tiles(drawn)[4] == 100).all()
    assert "zero everywhere" in words(drawn)


@pytest.mark.parametrize(
    ("results", "beside", "sentence"),
    [
        ([attacked()] * 2, {"sphere": around(1)}, "got 2 attacks of 2 images, and 1"),
        (
            attacked(),
            {"shift": Shift(*[attribution(spot(3), asked=("ox",) * 3)] * 2, ORIGIN), "sphere": around(1)},
            "got 1 attack of 1 images, and 3, 1",
        ),
    ],
)
def test_what_belongs_to_another_attack_is_refused(results, beside: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        attack_sheet(results, **beside)
    assert str(refused.value) == (
        f"explanations and a sphere are drawn beside the one attack that they are about; {sentence}"
    )


@pytest.mark.parametrize(
    ("size", "factor"), [(0.5, 1), (0.9, 1), (0.25, 2), (0.1, 5), (0.03, 10), (0.001, 500), (1e-5, 50_000)]
)
def test_the_factor_is_round_and_lets_nothing_leave_the_range(size: float, factor: int) -> None:
    difference = size * (2 * torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(0)) - 1)
    difference[0, 0, :3] = size
    assert magnification(torch.full((3, 4, 4), -size)) == factor
    assert magnification(difference) * size <= max(0.505, size)


def test_one_bright_pixel_does_not_decide_the_factor_but_is_seen_if_it_is_all_there_is() -> None:
    difference = torch.full((1, 64, 64), 0.001)
    difference[0, 3, 3] = 0.5
    assert magnification(difference) == 500
    alone = torch.zeros(1, 64, 64)
    alone[0, 3, 3] = 0.1
    assert magnification(alone) == 5


@pytest.mark.parametrize("channels", [1, 4])
def test_images_that_are_not_rgb_are_drawn_in_grey(channels: int) -> None:
    assert all(tile.shape == (16, 16, 3) for tile in tiles(attack_sheet(attacked(channels=channels))))


def test_several_attacks_and_chosen_images_are_rows_of_one_sheet() -> None:
    assert len(tiles(attack_sheet([attacked(), attacked()]))) == 6
    assert len(tiles(attack_sheet(attacked(), images=[0, 0]))) == 6


def test_everything_stays_on_the_page_and_labels_are_plain_text() -> None:
    names = (
        "$\\frac{ox}$ and a long list of its synonyms, cattle, bull",
        "gnu, wildebeest, and another endless name",
        "c",
    )
    drawn = attack_sheet(
        attacked(classes=(0, 1, 2, 0, 1), names=names), shift=moved(), sphere=around(100_000, 0, 100_000)
    )
    assert not outside(drawn)
    assert any(text.startswith("$\\frac{ox}$") for text in words(drawn))


@pytest.mark.parametrize(
    ("results", "images", "sentence"),
    [
        (
            [],
            None,
            "a sheet holds 1 to 32 attacked images; got 0. Draw some at a time: figure(result, images=range(32))",
        ),
        (
            [attacked()] * 33,
            None,
            "a sheet holds 1 to 32 attacked images; got 33. Draw some at a time: figure(result, images=range(32))",
        ),
        (attacked(), [1], "images are numbered 0 to 0; got [1]"),
    ],
)
def test_what_does_not_fit_is_refused(results, images, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        attack_sheet(results, images=images)
    assert str(refused.value) == sentence
