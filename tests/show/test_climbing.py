"""Pictures while they are made, as frames and as a moving picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from innerview.errors import SettingError
from innerview.results import Provenance
from innerview.show.drawing.panels import panelled
from innerview.show.film import climbing
from innerview.show.film.animation import animate
from innerview.synthesis.result import Synthesis


def made(pictures: int = 2, moments: tuple[int, ...] = (2, 4, 6), channels: int = 3) -> Synthesis:
    """Even pictures: as bright as a tenth of the step, each a little redder than the one before."""
    levels = torch.arange(1, 9) / 10
    tint = torch.linspace(0, 0.2, pictures).reshape(1, -1, 1, 1, 1) * (torch.arange(channels) == 0).reshape(-1, 1, 1)
    shown = levels.reshape(-1, 1, 1, 1, 1).expand(8, pictures, channels, 6, 8) + tint
    return Synthesis(
        pixels=shown[-1],
        inputs=shown[-1],
        scores=torch.zeros(pictures),
        curve=torch.arange(8)[:, None] + 0.25 * torch.arange(pictures)[None],
        alive=torch.ones(pictures, dtype=torch.bool),
        snapshots=shown[[moment - 1 for moment in moments]],
        moments=moments,
        provenance=Provenance("net", "0" * 16, tuple(f"channel {k}" for k in range(pictures)), "synthesize", {}),
    )


@pytest.fixture
def headings(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What stands on each frame that is drawn."""
    read: list[list[str]] = []

    def watched(*panels, **layout):
        figure = panelled(*panels, **layout)
        read.append([text.get_text() for text in figure.texts])
        return figure

    monkeypatch.setattr(climbing, "panelled", watched)
    return read


def test_each_frame_says_its_step_and_the_objective_of_each_picture_then(headings: list[list[str]]) -> None:
    list(climbing.frames(made(), [0, 2, 3]))
    assert [words[:3] for words in headings] == [
        ["net: step 2 of 8", "channel 0  1.00", "channel 1  1.25"],
        ["net: step 6 of 8", "channel 0  5.00", "channel 1  5.25"],
        ["net: step 8 of 8", "channel 0  7.00", "channel 1  7.25"],
    ]


def test_the_finished_pictures_come_last_and_only_once() -> None:
    steps = [[step for step, _ in climbing.moments(made(moments=moments))] for moments in ((2, 4), (2, 8))]
    assert steps == [[2, 4, 8], [2, 8]]
    assert torch.equal(climbing.moments(made())[-1][1], made().pixels)


@pytest.mark.parametrize(("pictures", "channels"), [(1, 1), (2, 3), (3, 4), (12, 3), (30, 3)])
def test_frames_have_one_size_and_hold_every_picture(pictures: int, channels: int) -> None:
    result = made(pictures, channels=channels)
    shown = list(climbing.frames(result, range(4)))
    assert len({each.shape for each in shown}) == 1
    assert max(shown[0].shape) < 1500
    for pixels, (_, images) in zip(shown, climbing.moments(result), strict=True):
        grey = images.mean((1, 2, 3)) if channels == 4 else images[:, 0].mean((1, 2))
        counts = np.bincount(pixels[..., 0].ravel(), minlength=258)  # how many pixels are as red as that
        for level in (255 * grey).round().int().tolist():
            assert counts[level - 1 : level + 2].sum() > 1000


def test_a_gif_shows_each_moment_in_its_own_colours_and_holds_the_last(tmp_path: Path) -> None:
    result = made(moments=(2, 4))
    animate(result, tmp_path / "climb.gif", fps=10)
    with Image.open(tmp_path / "climb.gif") as file:
        assert (file.n_frames, file.info["loop"]) == (3, 0)
        for place, pixels in enumerate(climbing.frames(result, range(3))):
            file.seek(place)
            assert file.info["duration"] == (2000 if place == 2 else 100)
            assert np.abs(np.asarray(file.convert("RGB")).astype(int) - pixels).mean() < 4


@pytest.mark.parametrize(
    ("result", "settings", "sentence"),
    [
        (
            made(moments=()),
            {},
            "an animation shows the snapshots of a synthesis, and this one holds none; make it with "
            "synthesize(…, snapshots=range(1, 257, 5))",
        ),
        (made(101), {}, "a frame holds up to 100 pictures; got 101. Synthesize fewer at a time"),
        (made(), {"probe": 1}, "probes are those of a recording, and this is a synthesis; leave probe=1 away"),
        (made(), {"fps": 51}, "fps is a number, above 0 and at most 50; got 51"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_nothing_written(
    result: Synthesis, settings: dict, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError) as refused:
        animate(result, tmp_path / "climb.gif", **settings)
    assert str(refused.value) == sentence
    assert not list(tmp_path.iterdir())
