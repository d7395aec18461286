"""`innerview demo`: a network being trained, as an animation and a sheet."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_animation_the_sheet_and_what_is_said(run) -> None:
    ended = run("demo", "hidden-units", "--data", "circles", "--units", "6", "--iterations", "5")
    assert (ended.code, ended.err) == (0, "")
    said, *written = ended.out.splitlines()
    assert said.endswith("% of new points are told apart after 5 iterations")
    assert written == ["wrote innerview-demo-circles.gif", "wrote innerview-demo-circles.png"]
    with Image.open("innerview-demo-circles.gif") as file:
        assert file.n_frames == 4  # before training, 1, 4 and 5
    assert Path("innerview-demo-circles.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_files(run) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run("demo", "hidden-units", "--iterations", "1", "--units", "3", "--seed", seed, "--out", f"made/{name}.gif")
    first, again, other = (Path(f"made/{name}.gif").read_bytes() for name in "abc")
    assert first == again != other


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "a.png"], "--out is a file that ends in .gif or .mp4; got 'a.png'"),
        (["--units", "0"], "units is a whole number, at least 1; got 0"),
        (["--iterations", "0"], "iterations is a whole number, at least 1; got 0"),
    ],
)
def test_a_mistake_writes_nothing(run, options, sentence) -> None:
    ended = run("demo", "hidden-units", *options)
    assert (ended.code, ended.out, ended.err) == (2, "", f"innerview: {sentence}\n")
    assert not list(Path().iterdir())


def test_demonstrations_are_listed_where_the_name_is_wrong(run) -> None:
    ended = run("demo", "visible-units")
    assert ended.code == 2
    assert "hidden-units" in ended.err
