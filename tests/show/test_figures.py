"""Figures: what stands on a comparison sheet, and that drawing leaves no trace."""

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from known_results import attribution, spot
from matplotlib.figure import Figure
from PIL import Image

import innerview as iv
from innerview.attribution.covered import Covered
from innerview.errors import SettingError
from innerview.show import figures
from innerview.show.drawing.colours import Scale
from innerview.show.figures import figure, save
from innerview.show.sheets.attribution import MOST_IMAGES

DRAWN = (
    "these results can be drawn: Attribution, Filters, WeightDistributions, Activations, Comparison, UnitLines, "
    "Recording, Snapshot, Attack, SphereTest, Shift, Synthesis, SemanticDictionary, "
    "NeuronGroups, ActivationGrid, ScoreCard; and lists of Attribution, Attack"
)


def words(drawn: Figure) -> list[str]:
    inside = [text.get_text() for axes in drawn.axes for text in axes.texts]
    return [text.get_text() for text in drawn.texts] + inside


def tiles(drawn: Figure) -> list[np.ndarray]:
    """The pixels of the photographs and maps, without the colour bars."""
    shown = [np.asarray(image.get_array()) for axes in drawn.axes for image in axes.images]
    return [pixels for pixels in shown if pixels.shape[0] > 1]


def saved(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_sheet_has_the_photograph_then_one_column_for_each_result() -> None:
    drawn = figure([attribution(spot(2)), attribution(spot(2), method="GradCAM")])
    assert len(tiles(drawn)) == 2 * (1 + 2)
    assert np.unique(tiles(drawn)[0]).tolist() == [100]
    assert {"Image", "CAM", "Grad-CAM", "ox"} <= set(words(drawn))


def test_a_tile_is_the_map_over_the_photograph_or_the_map_alone() -> None:
    result = attribution(spot(at=(20, 5)))
    over, alone = (tiles(figure(result, style=style))[1] for style in ("overlay", "map"))
    change = np.abs(over.astype(int) - 100).sum(2)
    assert np.argwhere(change > 0).tolist() == [[20, 5]]
    assert np.array_equal(alone, Scale(2.0, signed=True).paint(result.heatmap()[0]))


def test_cells_are_the_values_as_they_are_on_the_methods_own_grid() -> None:
    """Two windows of 24 pixels over 32: each pixel has the value of the one whose middle, at 12 or 20, is nearer."""
    result = replace(attribution(torch.tensor([[[1.0, 2.0]]])), covered=Covered(((0, 32),), ((0, 24), (8, 32))))
    cells, smooth = (tiles(figure(result, style=style))[1] for style in ("cells", "map"))
    scale = Scale(2.0, signed=True)
    assert np.array_equal(cells, scale.paint(torch.tensor([[1.0] * 16 + [2.0] * 16] * 32)))
    assert np.array_equal(smooth, scale.paint(torch.tensor([[1.0] * 8 + [1.5] * 16 + [2.0] * 8] * 32)))


def coloured(values: torch.Tensor) -> iv.Attribution:
    """One with these values [batch, channel, row, column], a gradient's."""
    return replace(attribution(spot(len(values)), method="Gradient"), values=values, reduction="max_abs", signed=False)


def test_values_as_a_picture_are_the_lectures() -> None:
    """`save_image(result / result.max() + 0.5)`, which cuts off what is not in 0–1."""
    values = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    values[1] *= 5
    drawn = figure(coloured(values), style="rgb")
    for row in range(2):
        expected = (values[row] / values[row].max() + 0.5).clamp(0, 1).permute(1, 2, 0)
        assert np.array_equal(tiles(drawn)[2 + row], (expected * 255).round().byte().numpy())
    text = " ".join(words(drawn))
    assert f"0.5 + values / {float(values[1].max()):.2g}" in text
    assert "0.5 + values / the largest value of each picture" in text


def test_pictures_of_values_may_share_the_largest() -> None:
    values = torch.ones(2, 3, 32, 32) * torch.tensor([0.2, 0.8]).view(2, 1, 1, 1)
    values[:, :, 0] = 0
    first, second = tiles(figure(coloured(values), style="rgb", scale="shared"))[2:]
    assert (first[1:] == round(0.75 * 255)).all()
    assert (second[1:] == 255).all()
    assert (first[0] == round(0.5 * 255)).all()


def test_a_picture_without_a_value_above_zero_is_grey_and_black() -> None:
    values = torch.zeros(1, 3, 32, 32)
    values[:, :, 5] = -1.0
    drawn = tiles(figure(coloured(values), style="rgb"))[1]
    assert (drawn[5] == 0).all()
    assert (drawn[6] == 128).all()


def test_one_map_for_all_channels_is_no_picture() -> None:
    with pytest.raises(SettingError) as refusal:
        figure(attribution(spot(), method="GradCAM"), style="rgb")
    assert str(refusal.value) == (
        'style="rgb" draws methods with a value for each channel of each pixel, such as GuidedBackprop; Grad-CAM gives '
        "[1, 32, 32] for pictures of [3, 32, 32]"
    )


def test_what_the_values_add_up_to_stands_below_those_that_share_out_a_score() -> None:
    result = replace(attribution(spot(2)), total=torch.tensor([2.0, -0.01234]))
    text = words(figure([result, attribution(spot(2))]))
    assert [each for each in text if each.startswith("adds up")] == ["adds up to 2 of 2", "adds up to 2 of −0.0123"]


def test_numbers_stand_under_each_map_and_the_key_says_how_to_read_them() -> None:
    text = words(figure([attribution(spot()), attribution(spot() * 3, signed=False)]))
    assert {"−2", "+2", "6"} <= set(text)
    start = next(place for place, line in enumerate(text) if line.startswith("Red"))
    assert " ".join(text[start:]) == (
        "Red speaks for the answer, blue against it; the brighter, the more it counts. "
        "Each map has its own scale, which ends at the 99.5th percentile of |value|."
    )


def test_each_tile_has_its_own_scale_unless_one_is_shared() -> None:
    small, large = attribution(spot()), attribution(spot() * 10)
    own, shared = (tiles(figure([small, large], scale=each)) for each in ("each", "shared"))
    assert np.array_equal(own[1], own[2])
    assert np.abs(shared[1].astype(int) - 100).sum() < np.abs(shared[2].astype(int) - 100).sum()
    assert {"−20", "+20"} <= set(words(figure([small, large], scale="shared")))


def test_questions_that_differ_from_image_to_image_stand_above_their_tiles() -> None:
    text = words(figure(attribution(spot(2), asked=("ox", "bison"))))
    assert text.count("ox") == text.count("bison") == 1


def test_results_of_one_method_are_told_apart_by_their_settings() -> None:
    layers = [attribution(spot(), method="GradCAM", settings={"layer": name, "relu": True}) for name in (None, "a.b")]
    assert {"Grad-CAM (default layer)", "Grad-CAM (layer a.b)"} <= set(words(figure(layers)))


def test_a_method_that_wraps_another_is_called_after_both() -> None:
    settings = {"of": {"name": "GradCAM", "layer": None}, "samples": 3}
    assert "SmoothGrad of Grad-CAM" in words(figure(attribution(spot(), method="SmoothGrad", settings=settings)))


@pytest.mark.parametrize(
    ("values", "said"),
    [(torch.full((1, 32, 32), float("nan")), "not finite"), (torch.zeros(1, 32, 32), "zero everywhere")],
)
def test_a_map_that_says_nothing_is_not_drawn(values: torch.Tensor, said: str) -> None:
    drawn = figure(attribution(values))
    assert said in words(drawn)
    assert len(tiles(drawn)) == 1
    hatches = [patch.get_hatch() for axes in drawn.axes for patch in axes.patches]
    assert hatches == ["//" if said == "not finite" else None]


def test_only_the_images_asked_for_are_drawn() -> None:
    values = torch.cat([spot(at=(1, 1)), spot(at=(2, 2))])
    only = tiles(figure(attribution(values), images=[1]))
    assert len(only) == 2
    assert (only[1][1, 1] == 100).all()


def test_a_label_with_dollars_controls_and_endless_words_is_drawn_as_text(tmp_path: Path) -> None:
    asked = "$\\frac{$ \x07\ud800 \u202eox " + "x" * 300
    save(attribution(spot(), asked=(asked,)), tmp_path / "a.svg")
    assert "$\\frac{$ ox" in " ".join(words(figure(attribution(spot(), asked=(asked,)))))
    ET.parse(tmp_path / "a.svg")


@pytest.mark.parametrize("count", [1, 4, 12])
def test_everything_stays_on_the_page(count: int) -> None:
    drawn = figure([attribution(spot(2), asked=("a rather long name of a class, and its synonym", "ox"))] * count)
    renderer = matplotlib.backends.backend_agg.FigureCanvasAgg(drawn).get_renderer()
    width, height = drawn.get_size_inches() * drawn.dpi
    for text in drawn.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height


@pytest.mark.parametrize(
    ("results", "settings", "sentence"),
    [
        ([], {}, f"{DRAWN}; got a list of 0"),
        ("text", {}, f"{DRAWN}; got str"),
        (attribution(spot()), {"style": "heat"}, 'style is "overlay", "map", "cells" or "rgb"; got \'heat\''),
        (attribution(spot()), {"images": [1]}, "images are numbered 0 to 0; got [1]"),
        (
            [attribution(spot()), attribution(spot(2))],
            {},
            "the results on one sheet must be of the same images; draw others on a sheet of their own",
        ),
        (
            attribution(spot(MOST_IMAGES + 1)),
            {},
            f"a sheet holds 1 to {MOST_IMAGES} images and up to 48 results; got {MOST_IMAGES + 1} and 1. "
            f"Draw some at a time: figure(results, images=range({MOST_IMAGES}))",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_what_cannot_be_drawn_is_refused_in_a_sentence(results: object, settings: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        figure(results, **settings)  # type: ignore[arg-type]
    assert str(caught.value) == sentence


@pytest.mark.parametrize("ending", [".png", ".PNG", ".webp", ".svg", ".pdf"])
def test_a_figure_is_saved_in_the_format_its_name_says(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"new/where{ending}"
    save(attribution(spot()), path)
    start = {".png": b"\x89PNG", ".webp": b"RIFF", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending.lower()]
    assert path.read_bytes().startswith(start)
    assert list(path.parent.iterdir()) == [path]


def test_dpi_is_pixels_per_inch(tmp_path: Path) -> None:
    result = attribution(spot())
    for dpi in (50, 100):
        save(result, tmp_path / f"{dpi}.png", dpi=dpi)
    low, high = (saved(tmp_path / f"{dpi}.png").shape[:2] for dpi in (50, 100))
    assert high == pytest.approx([2 * edge for edge in low], abs=1)


def test_values_are_saved_and_come_back(tmp_path: Path) -> None:
    result = attribution(spot())
    save([result], tmp_path / "a.safetensors")
    assert torch.equal(iv.read(tmp_path / "a.safetensors").values, result.values)


def test_a_file_of_values_holds_one_result(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="one file holds the values of one result; got a list of 2"):
        save([attribution(spot())] * 2, tmp_path / "a.safetensors")


def test_an_unknown_ending_lists_those_that_work(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        save(attribution(spot()), tmp_path / "a.gif")
    assert str(caught.value) == "a result is saved as .png, .webp, .svg, .pdf or .safetensors; got 'a.gif'"


def test_a_file_stays_as_it_was_when_drawing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"before")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(figures.Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space"):
        save(attribution(spot()), path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_equal_results_give_equal_files(tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf", "a.png", "b.png"):
        save(attribution(spot()), tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_default_of_matplotlib_changes_and_no_window_is_known() -> None:
    import matplotlib.pyplot as plt

    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    drawn = figure(attribution(spot()))
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend
    assert plt.get_fignums() == []
    assert isinstance(drawn, Figure)


def test_the_users_defaults_do_not_break_a_sheet(tmp_path: Path) -> None:
    with matplotlib.rc_context({"text.usetex": True, "figure.constrained_layout.use": True, "text.color": "white"}):
        save(attribution(spot(), asked=("50 % ox",)), tmp_path / "a.png")
    save(attribution(spot(), asked=("50 % ox",)), tmp_path / "b.png")
    assert np.array_equal(saved(tmp_path / "a.png"), saved(tmp_path / "b.png"))


def test_a_figure_shows_itself_in_a_notebook_without_pyplot() -> None:
    """Several results have no notebook view of their own: their figure has."""
    drawn = figure([attribution(spot()), attribution(spot(at=(3, 3)))])
    shown = Image.open(io.BytesIO(drawn._repr_png_()))
    assert shown.size == pytest.approx(drawn.get_size_inches() * 96, abs=1)
