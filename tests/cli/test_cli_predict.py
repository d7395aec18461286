"""`innerview predict`: the numbers of the Python call, as a table."""

from pathlib import Path

import factory
import pytest
from factory import FACTORY, LABELS

import innerview as iv


def test_piped_rows_are_the_numbers_of_the_python_call(run, photos, small) -> None:
    ended = run("predict", *photos, *small, "--top", 3)
    expected = [
        [str(path), each.index, pytest.approx(each.probability, rel=1e-5)]
        for path in photos
        for each in factory.small().predict(path, top=3)[0]
    ]
    assert ended.code == 0
    assert ended.rows[0] == ["image", "class", "index", "probability"]
    assert [[name, int(index), float(value)] for name, _, index, value in ended.rows[1:]] == expected


def test_labels_come_out_as_they_are_without_what_steers_a_terminal(run, photos, small) -> None:
    ended = run("predict", photos[0], *small)
    assert {row[1] for row in ended.rows[1:]} == {LABELS[0], "bison", LABELS[2], "a\\x1b[31mb\\nc", LABELS[4]}
    assert "\x1b" not in ended.out


def test_in_a_terminal_the_table_is_aligned(in_terminal, photos, small) -> None:
    """The name stands once, numbers end below each other."""
    best, second = factory.small().predict(photos[0], top=2)[0]
    first, *rows = (line.rstrip() for line in in_terminal("predict", photos[0], *small, "--top", 2).out.splitlines())
    assert first.split() == ["image", "class", "index", "probability"]
    assert [row.startswith("one.png ") for row in rows] == [True, False]
    assert [row[-6:].strip() for row in rows] == [f"{each.probability:.1%}" for each in (best, second)]
    assert len({len(line) for line in (first, *rows)}) == 1


def test_in_a_terminal_brackets_are_no_markup(in_terminal, photos, small) -> None:
    shown = in_terminal("predict", photos[0], *small).out
    assert "[bold red]alarm[/bold red]" in shown
    assert ":smile: 日本" in shown
    assert "a\\x1b[31mb\\nc" in shown


def test_a_bad_image_is_named_and_the_others_are_shown(run, photos, small) -> None:
    Path("bad.png").write_text("no image")
    ended = run("predict", "bad.png", photos[0], "none.png", *small, "--top", 1)
    assert ended.code == 2
    assert [row[0] for row in ended.rows] == ["image", "one.png"]
    assert ended.err == (
        "innerview: 'bad.png' is not a JPEG, PNG, WEBP, BMP or GIF image, judged by its content; convert it to PNG\n"
        "innerview: there is no file 'none.png'; check the path\n"
    )


def test_without_a_good_image_there_are_only_errors(run, photos, small) -> None:
    ended = run("predict", "none.png", *small)
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("count", [31, 32, 33, 65])
def test_however_many_images_each_has_its_row(run, photos, small, count) -> None:
    """Images are looked at a handful at once."""
    named = [photos[number % 2] for number in range(count)]
    rows = run("predict", *named, *small, "--top", 1).rows[1:]
    assert [row[0] for row in rows] == [str(path) for path in named]
    assert len({(row[0], row[2], row[3]) for row in rows}) == 2


PIXELS = iv.Preprocess(size=8, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("options", "preprocess"),
    [
        (["--mean", "0.5"], iv.Preprocess(size=8, mean=(0.5,) * 3, std=(1.0,) * 3)),
        (["--mean", "0.1,0.2,0.3", "--std", "0.5"], iv.Preprocess(size=8, mean=(0.1, 0.2, 0.3), std=(0.5,) * 3)),
        (["--std", "0.5,0.6,0.7"], iv.Preprocess(size=8, mean=(0.0,) * 3, std=(0.5, 0.6, 0.7))),
        (["--size", "12"], iv.Preprocess(size=12, mean=(0.0,) * 3, std=(1.0,) * 3)),
        (["--size", "8,16"], iv.Preprocess(size=(8, 16), mean=(0.0,) * 3, std=(1.0,) * 3)),
    ],
)
def test_options_that_say_how_a_picture_becomes_the_input(run, photos, small, options, preprocess) -> None:
    net = factory.small()
    before = net.predict(photos[0], top=1)[0][0].probability
    net.preprocess = preprocess
    after = net.predict(photos[0], top=1)[0][0].probability
    shown = float(run("predict", photos[0], *small, *options, "--top", 1).rows[1][3])
    assert shown == pytest.approx(after, rel=1e-5)
    assert shown != pytest.approx(before, rel=1e-5)


def test_the_size_before_the_crop_keeps_its_proportion() -> None:
    from innerview.cli.options import NetworkOptions

    known = iv.Preprocess(size=224, resize=256)
    assert NetworkOptions(size="112")._preprocess(known) == iv.Preprocess(size=(112, 112), resize=128)
    assert NetworkOptions(size="112,224")._preprocess(known) == iv.Preprocess(size=(112, 224), resize=128)


def test_labels_come_from_a_file(run, photos, small) -> None:
    Path("names.txt").write_text("eins\nzwei\ndrei\nvier\nfünf\n", encoding="utf-8")
    rows = run("predict", photos[0], *small, "--labels", "names.txt").rows[1:]
    assert {int(row[2]): row[1] for row in rows} == dict(enumerate(["eins", "zwei", "drei", "vier", "fünf"]))


def test_an_option_reaches_the_function_that_builds_the_network_as_a_python_value(run, photos, small) -> None:
    assert len(run("predict", photos[0], *small, "--option", "classes=3").rows[1:]) == 3


def test_weights_come_from_a_file(run, photos) -> None:
    from safetensors.torch import save_file

    save_file(factory.small().module.state_dict(), "weights.safetensors")
    other = ["--network", f"{FACTORY}:other"]
    plain, loaded = (
        run("predict", photos[0], *other, *weights, "--top", 1).rows[1][3]
        for weights in ([], ["--weights", "weights.safetensors"])
    )
    assert float(loaded) == pytest.approx(factory.small().predict(photos[0], top=1)[0][0].probability, rel=1e-5)
    assert plain != loaded


def test_the_bar_is_only_for_people(run, photos, small) -> None:
    assert run("predict", *photos, *small).err == ""
