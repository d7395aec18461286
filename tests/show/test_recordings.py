"""Contact sheets, animations and TensorBoard files of recordings."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

import innerview as iv
from innerview.errors import SettingError
from innerview.recording.probes import ActivationMaps, FilterImages, HiddenUnits
from innerview.recording.recorder import Recorder
from innerview.recording.recording import Recording
from innerview.recording.statistics import Statistics
from innerview.show.drawing.colours import Scale
from innerview.show.film.animation import animate
from innerview.show.sheets.recordings import MOST, contact_sheet, frames
from innerview.show.tensorboard import to_tensorboard
from small_networks import SmallCNN, images


@dataclass(frozen=True)
class Own:
    def measure(self, net: iv.Network) -> dict[str, torch.Tensor]:
        return {"a": torch.zeros(1)}


def recorded() -> Recording:
    """A network whose weights are doubled at each iteration."""
    torch.manual_seed(0)
    module = SmallCNN()
    probes = [
        FilterImages("conv1"),
        FilterImages("conv2"),
        ActivationMaps("conv2", images(2)),
        ActivationMaps("conv2", images(1)),
        Statistics(images(2), ["conv2"]),
        Own(),
        FilterImages("fc"),
    ]
    recorder = Recorder(module, probes, at=range(999))
    for _ in range(2):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(2)
        recorder.step()
    return recorder.recording()


@pytest.fixture(scope="module")
def doubled() -> Recording:
    return recorded()


def perceptron_recording(count: int = 2) -> Recording:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    recorder = Recorder(module, [HiddenUnits(torch.randn(9, 2), [0, 1, 1] * 3, resolution=8)], at=range(99))
    for _ in range(count):
        with torch.no_grad():
            module[0].bias.add_(0.3)
        recorder.step()
    return recorder.recording()


def panels(figure: Figure) -> list[np.ndarray]:
    """The pictures, without the colour bar."""
    shown = [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
    return [pixels for pixels in shown if pixels.shape[:2] != (1, 257)]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_a_panel_for_each_iteration_on_one_scale(doubled) -> None:
    shown = panels(contact_sheet(doubled, probe=0))
    kernels = [snapshot.measured[0]["kernels"] for snapshot in doubled]
    limit = Scale.of([kernels[-1].flatten(1)], signed=True).limit
    for pixels, weights in zip(shown, kernels, strict=True):
        first = pixels[:3, :3] / 255 * 2 - 1
        expected = (weights[0].permute(1, 2, 0) / limit).clamp(-1, 1).numpy()
        np.testing.assert_allclose(first, expected, atol=0.005)


def test_the_headings_are_the_iterations_and_the_foot_says_the_scale(doubled) -> None:
    text = words(contact_sheet(doubled, probe=0))
    assert [line for line in text if "iteration " in line or "training" in line] == [
        "before training",
        "iteration 1",
        "iteration 2",
    ]
    limit = max(Scale.of([each.measured[0]["kernels"].flatten(1)], signed=True).limit for each in doubled)
    foot = " ".join(text)
    assert f"black and full colour are ±{limit:.2g}. All iterations have one scale." in foot
    assert "Kernels of conv1 in SmallCNN" in foot


def test_kernels_with_many_inputs_are_rows_of_signed_maps(doubled) -> None:
    last = panels(contact_sheet(doubled, probe=1))[-1]
    kernels = doubled[2].measured[1]["kernels"]
    scale = Scale.of([kernels.flatten(1)], signed=True)
    assert np.array_equal(last[4:7, 8:11], scale.paint(kernels[1, 2]))
    assert last.shape == (6 * 4 - 1, 4 * 4 - 1, 3)


def test_weights_of_a_linear_layer_are_one_picture(doubled) -> None:
    assert panels(contact_sheet(doubled, probe=6))[0].shape == (5, 6, 3)


def test_maps_have_a_row_for_each_image_or_a_square_of_channels(doubled) -> None:
    maps = doubled[1].measured[2]["maps"]
    scales = [Scale.of([each.measured[2]["maps"].flatten(0, 2)], signed=True) for each in doubled]
    scale = Scale(max(each.limit for each in scales), True)
    rows = panels(contact_sheet(doubled, probe=2))[1]
    assert rows.shape == (2 * 5 - 1, 6 * 5 - 1, 3)
    assert np.array_equal(rows[5:9, 10:14], scale.paint(maps[1, 2]))
    assert panels(contact_sheet(doubled, probe=3))[1].shape == (2 * 5 - 1, 3 * 5 - 1, 3)


def test_lines_have_their_own_panel_at_each_iteration() -> None:
    recording = perceptron_recording()
    figure = contact_sheet(recording)
    assert len(figure.axes) == 3
    for axes, snapshot in zip(figure.axes, recording, strict=True):
        (lines,) = [each for each in axes.collections if hasattr(each, "get_segments")]
        segments = snapshot.lines().segments()
        seen = segments[segments.isfinite().all(2).all(1)]
        np.testing.assert_allclose(np.array(lines.get_segments()), seen)


def test_of_many_iterations_some_are_left_out_and_the_foot_says_so() -> None:
    recorder = Recorder(SmallCNN(), [FilterImages("conv1")], at=range(99))
    for _ in range(MOST + 5):
        recorder.step()
    figure = contact_sheet(recorder.recording())
    headings = [line for line in words(figure) if line.startswith(("before", "iteration"))]
    assert (len(headings), headings[0], headings[-1]) == (MOST, "before training", f"iteration {MOST + 5}")
    assert f"{MOST} of {MOST + 6} snapshots are shown." in " ".join(words(figure))


def test_statistics_are_curves_over_the_iterations(doubled) -> None:
    figure = contact_sheet(doubled, probe=4)
    text = words(figure)
    place = [line for line in text if line.endswith(("weights", "dead"))].index("conv1 weights")
    (mean, *_) = figure.axes[place].lines
    assert mean.get_xdata().tolist() == [0, 1, 2]
    expected = [snapshot.measured[0]["kernels"].mean().item() for snapshot in doubled]
    np.testing.assert_allclose(mean.get_ydata(), expected, rtol=1e-4)
    assert any(line.startswith("conv2 activations, ") for line in text)


def test_a_network_that_diverged_is_drawn_all_the_same() -> None:
    module = SmallCNN()
    recorder = Recorder(module, [FilterImages("conv1"), Statistics()], at=range(9))
    with torch.no_grad():
        module.conv1.weight.fill_(torch.nan)
    recorder.step()
    assert len(panels(contact_sheet(recorder.recording()))) == 2
    assert contact_sheet(recorder.recording(), probe=1).axes


@pytest.mark.parametrize(
    ("probe", "sentence"),
    [
        (
            5,
            "pictures are made of what HiddenUnits, FilterImages, ActivationMaps measure; probe 5 is Own. Its numbers "
            "are in recording[iteration].measured[5]",
        ),
        (9, "the probes are numbered 0 to 6; got 9"),
    ],
)
def test_what_cannot_be_drawn(doubled, probe, sentence) -> None:
    with pytest.raises(SettingError) as caught:
        contact_sheet(doubled, probe=probe)
    assert str(caught.value) == sentence


def test_frames_have_one_size_and_differ(doubled) -> None:
    for recording in (doubled, perceptron_recording()):
        pictures = list(frames(recording))
        assert len({each.shape for each in pictures}) == 1
        assert not np.array_equal(pictures[0], pictures[-1])


def test_a_gif_has_a_picture_for_each_snapshot_and_holds_the_last(tmp_path) -> None:
    recording = perceptron_recording(4)
    animate(recording, tmp_path / "lines.gif", fps=5)
    expected = list(frames(recording))
    with Image.open(tmp_path / "lines.gif") as file:
        assert (file.n_frames, file.info["loop"]) == (5, 0)
        for place, pixels in enumerate(expected):
            file.seek(place)
            assert file.info["duration"] == (2000 if place == 4 else 200)
            assert np.abs(np.asarray(file.convert("RGB")).astype(int) - pixels).mean() < 3


def test_an_mp4_has_even_sides_and_holds_the_last_picture(doubled, tmp_path) -> None:
    av = pytest.importorskip("av")
    animate(doubled, tmp_path / "kernels.mp4", fps=5)
    pixels = list(frames(doubled))
    with av.open(str(tmp_path / "kernels.mp4")) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 3 + 10
    rows, columns = (side + side % 2 for side in pixels[0].shape[:2])
    assert pictures[0].shape == (rows, columns, 3)
    inside = pictures[-1][: pixels[0].shape[0], : pixels[0].shape[1]].astype(int)
    assert np.abs(inside - pixels[-1]).mean() < 8


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("a.webm", {}, "an animation is written as .gif or .mp4; got 'a.webm'"),
        ("a.gif", {"fps": 0}, "fps is a number, above 0 and at most 50; got 0"),
    ],
)
def test_mistakes_write_nothing(doubled, tmp_path, name, settings, sentence) -> None:
    with pytest.raises(SettingError) as caught:
        animate(doubled, tmp_path / name, **settings)
    assert str(caught.value) == sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("library", "write", "sentence"),
    [
        (
            "av",
            lambda it, to: animate(it, to / "a.mp4"),
            '.mp4 needs the library av; install it with: pip install "innerview[video]"',
        ),
        (
            "torch.utils.tensorboard",
            to_tensorboard,
            "to_tensorboard needs the library tensorboard; install it with: pip install 'innerview[tensorboard]'",
        ),
    ],
)
def test_a_missing_library_is_one_sentence(doubled, tmp_path, monkeypatch, *, library, write, sentence) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SettingError) as caught:
        write(doubled, tmp_path)
    assert str(caught.value) == sentence
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_gets_pictures_histograms_and_scalars(doubled, tmp_path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    to_tensorboard(doubled, tmp_path)
    found = EventAccumulator(str(tmp_path), size_guidance={"images": 0, "histograms": 0}).Reload()
    assert [each.step for each in found.Images("FilterImages/conv1/0")] == [0, 1, 2]
    assert "Own/5" not in found.Tags()["images"]
    last = found.Histograms("weights/conv1")[-1].histogram_value
    kernels = doubled[2].measured[0]["kernels"]
    assert last.num == kernels.numel()
    assert last.sum == pytest.approx(kernels.sum().item(), rel=1e-4)
    assert last.sum_squares == pytest.approx(kernels.square().sum().item(), rel=1e-4)
    scalars = found.Scalars("weights/conv1/highest")
    np.testing.assert_allclose([each.value for each in scalars], [s.measured[0]["kernels"].max() for s in doubled])
    assert "weights/conv1/dead" not in found.Tags()["scalars"]
    assert "activations/conv2/dead" in found.Tags()["scalars"]


def test_a_snapshot_is_drawn_alone_as_its_panel_is(doubled) -> None:
    for probe in (0, 1, 2, 3, 6):
        alone = panels(iv.figure(doubled[1], probe=probe))
        (panel,) = panels(contact_sheet(doubled.at([1]), probe=probe))
        assert np.array_equal(alone[0], panel)
    text = words(iv.figure(doubled[1]))
    assert {"Kernels of conv1 in SmallCNN", "iteration 1"} <= set(text)
    assert "All iterations have one scale" not in " ".join(text)
    assert "before training" in words(iv.figure(doubled[0]))


def test_the_lines_of_a_snapshot_are_those_of_its_units() -> None:
    snapshot = perceptron_recording()[1]
    assert "4 hidden units of Sequential" in words(iv.figure(snapshot))
    (expected,) = panels(iv.figure(snapshot.lines()))
    (found,) = panels(iv.figure(snapshot))
    assert np.array_equal(found, expected)


def test_statistics_of_a_snapshot_are_a_histogram_for_each_layer(doubled) -> None:
    found = doubled[2].distributions(4)
    drawn = iv.figure(doubled[2], probe=4)
    assert len(drawn.axes) == len(found) == 4
    for axes, distribution in zip(drawn.axes, found.values(), strict=True):
        (steps,) = axes.patches
        values, edges, _ = steps.get_data()
        assert values.tolist() == distribution.counts.tolist()
        assert np.allclose(edges, distribution.edges)
    assert "Statistics of SmallCNN, 2 iterations trained" in words(drawn)


def test_a_snapshot_without_a_drawing_says_where_its_numbers_are(doubled) -> None:
    with pytest.raises(SettingError, match=r"probe 5 is Own\. Its numbers are in recording"):
        iv.figure(doubled[0], probe=5)
    with pytest.raises(SettingError, match="the probes are numbered 0 to 6; got 7"):
        iv.figure(doubled[0], probe=7)
