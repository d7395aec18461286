"""`innerview synthesize` and `innerview dream`: the pictures of the Python call, as a figure and a table."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import factory
import pytest
import torch
from factory import FACTORY
from PIL import Image, ImageSequence

import innerview as iv
from innerview.cli.making import MakingOptions
from innerview.evaluation.score_card import score_card
from innerview.synthesis.canvas import Fourier
from innerview.synthesis.dream import Octaves, dream
from innerview.synthesis.magnitude import MagnitudeConstrained
from innerview.synthesis.priors import L1, EdgeEnergy
from innerview.synthesis.recipe import CLEAR, LECTURE, MACO
from innerview.synthesis.spectrum import spectrum_of
from innerview.synthesis.synthesize import synthesize
from small_networks import SmallCNN, network


@pytest.fixture
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


QUICK = ["--steps", "2", "--out", "out.safetensors"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "asked", "settings"),
    [
        (["--target", "ox", "--target", "1"], [iv.Logit(0), iv.Logit(1)], {}),
        (["--objective", "channel:conv2,3"], [iv.Channel("conv2", 3)], {"recipe": CLEAR}),
        (["--objective", "channel:conv2,1-2"], [iv.Channel("conv2", 1), iv.Channel("conv2", 2)], {}),
        (["--objective", "neuron:conv1,2", "--seed", "4"], [iv.Neuron("conv1", 2)], {"seed": 4}),
        (["--objective", "neuron:conv1,2,0,3"], [iv.Neuron("conv1", 2, (0, 3))], {}),
        (["--objective", "energy:conv1", "--recipe", "lecture"], [iv.LayerEnergy("conv1")], {"recipe": LECTURE}),
        (["--objective", "logit:ox - 0.5 * max:conv1"], [iv.Logit(0) - 0.5 * iv.Maximum("conv1")], {}),
        (
            ["--objective", "probability:bison", "--objective", "logit:ox", "--recipe", "MACO"],
            [iv.Probability(1), iv.Logit(0)],
            {"recipe": MACO},
        ),
        (
            ["--objective", "channel:conv1,0", "--starts", "2", "--diversity", "5"],
            [iv.Channel("conv1", 0)],
            {"starts": 2, "recipe": replace(CLEAR, diversity=5.0)},
        ),
        (["--target", "ox", "--snapshots", "1,2"], [iv.Logit(0)], {"snapshots": (1, 2)}),
    ],
)
def test_the_pictures_are_those_of_the_python_call(run, small, *, options, asked, settings) -> None:
    expected = synthesize(factory.small(), asked, steps=2, **settings)
    ended = run("synthesize", *small, *options, *QUICK)
    assert (ended.code, ended.err) == (0, "")
    found = iv.read("out.safetensors")
    torch.testing.assert_close(found.pixels, expected.pixels)
    torch.testing.assert_close(found.snapshots, expected.snapshots)
    assert found.provenance.settings == expected.provenance.settings
    assert ended.rows[0] == ["picture", "question", "score", "made"]
    assert [row[1] for row in ended.rows[1:-1]] == [expected.objective(k) for k in range(len(expected))]
    assert [float(row[2]) for row in ended.rows[1:-1]] == pytest.approx(expected.scores.tolist(), rel=1e-4, abs=1e-6)
    assert ended.rows[-1] == ["wrote out.safetensors"]


def test_the_figure_stands_in_the_current_folder(in_terminal, here, small) -> None:
    ended = in_terminal("synthesize", *small, "--target", "ox", "--steps", "1")
    assert ended.out.splitlines()[-1] == "wrote innerview-synthesize.png"
    assert Path("innerview-synthesize.png").read_bytes().startswith(b"\x89PNG")


def test_the_size_of_the_input_is_that_of_the_picture(run, here, small) -> None:
    run("synthesize", *small, "--target", "ox", "--size", "12,16", *QUICK)
    assert iv.read("out.safetensors").pixels.shape == (1, 3, 12, 16)


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        (["--prior", "edgeenergy:weight=0.01", "--prior", "L1:weight=2"], {"priors": (EdgeEnergy(0.01), L1(2))}),
        (["--canvas-size", "12,20"], {"canvas": Fourier(size=(12, 20), decay=1.5)}),
        (["--canvas-size", "12", "--image", "one.png"], {"canvas": Fourier(size=12, image="one.png", decay=1.5)}),
    ],
)
def test_recipes_take_priors_an_image_and_a_size(run, photos, small, *, options, recipe) -> None:
    expected = synthesize(factory.small(), iv.Logit(0), recipe=replace(CLEAR, steps=2, **recipe))
    assert run("synthesize", *small, "--target", "ox", *options, *QUICK).code == 0
    torch.testing.assert_close(iv.read("out.safetensors").pixels, expected.pixels)


def test_maco_takes_the_spectrum_of_a_folder(run, photos, small) -> None:
    canvas = MagnitudeConstrained(spectrum=spectrum_of(photos, 8))
    expected = synthesize(factory.small(), iv.Logit(0), recipe=replace(MACO, canvas=canvas), steps=2)
    assert run("synthesize", *small, "--target", "ox", "--recipe", "maco", "--spectrum", ".", *QUICK).code == 0
    torch.testing.assert_close(iv.read("out.safetensors").pixels, expected.pixels)


@pytest.mark.usefixtures("here")
def test_a_film_shows_how_the_picture_comes_about(run, small) -> None:
    ended = run("synthesize", *small, "--target", "ox", "--steps", "3", "--out", "out.gif")
    assert ended.rows[-1] == ["wrote out.gif"]
    assert pictures_in("out.gif") == 3
    run("synthesize", *small, "--target", "ox", "--steps", "3", "--snapshots", "1", "--out", "out.gif")
    assert pictures_in("out.gif") == 2


def pictures_in(path: str) -> int:
    with Image.open(path) as film:
        return sum(1 for _ in ImageSequence.Iterator(film))


def test_a_film_has_no_more_pictures_than_are_seen() -> None:
    assert MakingOptions().moments(640, film=True) == list(range(10, 641, 10))
    assert MakingOptions().moments(640, film=False) == []
    assert MakingOptions(snapshots="5-7").moments(640, film=True) == [5, 6, 7]


def judging() -> iv.Network:
    """Another network, with the same labels in another order."""
    return network(SmallCNN(), seed=1, labels=factory.LABELS[::-1])


def test_photographs_add_the_score_card(run, photos, small) -> None:
    net, other = factory.small(), judging()
    asked = [iv.Logit(0), iv.Channel("conv2", 1)]
    made = synthesize(net, asked, steps=2)
    card = score_card(net, made, asked, photos, other=other)
    Path("judge.py").write_text("from test_cli_synthesize import judging")
    judge = "judge.py:judging"
    options = ["--target", "ox", "--objective", "channel:conv2,1", "--photographs", ".", "--judge", judge]
    ended = run("synthesize", *small, *options[2:4], *options[:2], *options[4:], *QUICK)
    title, *rows, beside, _ = ended.rows
    first = ["picture", "question", "score", "above", "× best", "transformed", "off"]
    assert title == [*first, "rank", "rank confidence", "judge", "judge confidence", "made"]
    for row, picture in zip(rows, (0, 1), strict=True):
        numbers = [float(each) if each else float("nan") for each in row[3:-1]]
        expected = [
            card.quantiles[picture],
            card.times_best[picture],
            card.transformed[picture],
            card.spectrum_distances[picture],
            card.ranks[picture],
            card.probabilities[picture],
            card.transfer_ranks[picture] or float("nan"),
            card.transfer_probabilities[picture],
        ]
        assert numbers == pytest.approx([float(each) for each in expected], rel=1e-3, abs=1e-5, nan_ok=True)
    off = float(card.natural_spectrum_distances.median())
    assert beside == [f"beside 2 photographs, whose own spectra are {off:.1f} dB off"]


def test_people_read_the_score_card_in_few_columns(in_terminal, photos, small) -> None:
    ended = in_terminal("synthesize", *small, "--target", "ox", "--photographs", ".", *QUICK)
    title, _, row, *_ = map(str.strip, ended.out.splitlines())
    assert re.split("  +", title) == [
        *("picture", "question", "score", "above", "× best", "transformed", "off", "rank", "made")
    ]
    assert re.fullmatch(r"0 +ox +\S+ +\d+% +\S+ +\S+ +\d+\.\d dB +\d \(\d+%\) +yes", row)


def test_a_photograph_that_cannot_be_read_is_named_and_left_out(run, photos, small) -> None:
    Path("broken.png").write_bytes(b"no image")
    ended = run("synthesize", *small, "--target", "ox", "--photographs", ".", *QUICK)
    assert ended.code == 0
    assert "broken.png" in ended.err
    assert ended.rows[-2][0].startswith("beside 2 photographs")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            [],
            'say what the picture should answer: --target CLASS, or --objective QUESTION as in "channel:layer3,42"',
        ),
        (
            ["--objective", "chanel:conv1,0"],
            "'chanel:conv1,0' is no objective: there is no kind 'chanel'; did you mean 'channel'? The kinds are "
            "logit, probability, neuron, channel, energy, max, direction",
        ),
        (
            ["--objective", "channel:conv1"],
            "'channel:conv1' is no objective: it needs a channel. It is written channel:LAYER,CHANNEL",
        ),
        (["--objective", "energy:conv9"], None),
        (["--target", "gnu"], None),
        (["--target", "ox", "--recipe", "soup"], "no recipe 'soup'; the recipes are clear, lucid, lecture, maco"),
        (
            ["--target", "ox", "--out", "a.bmp"],
            "--out is a file that ends in .png or .webp or .svg or .pdf or .safetensors or .gif or .mp4; got 'a.bmp'",
        ),
        (["--target", "ox", "--steps", "0"], "steps is a whole number, at least 1; got 0"),
        (
            ["--target", "ox", "--prior", "edgeenergy"],
            "a prior needs a weight, as in edgeenergy:weight=0.01; got 'edgeenergy'",
        ),
        (
            ["--target", "ox", "--prior", "edgenergy:weight=1"],
            "no prior 'edgenergy'; did you mean 'edgeenergy'? The priors are edgeenergy, totalvariation, l1, l2",
        ),
        (
            ["--target", "ox", "--canvas-size", "8x9"],
            "--canvas-size takes one number or two, rows and columns; got '8x9'",
        ),
        (
            ["--target", "ox", "--canvas-size", "0"],
            "size is a whole number, at least 1, or two whole numbers, at least 1, or None; got (0, 0)",
        ),
        (["--target", "ox", "--image", "none.png"], "there is no file 'none.png'; check the path"),
        (
            ["--target", "ox", "--spectrum", "."],
            "--spectrum is for --recipe maco, whose pictures keep it; got clear",
        ),
        (
            ["--target", "ox", "--photographs", "none"],
            "--photographs takes a folder with images; 'none' holds none that can be read",
        ),
        (
            ["--target", "ox", "--judge", "builtin/lenet"],
            "a second network judges beside photographs; add --photographs FOLDER",
        ),
        (
            ["--target", "ox", "--photographs", ".", "--judge-weights", "file.pth"],
            "--judge-weights are those of a second network; add --judge NAME",
        ),
    ],
)
def test_a_mistake_is_one_sentence(run, small, *, options, sentence) -> None:
    ended = run("synthesize", *small, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    if sentence:
        assert ended.err == f"innerview: {sentence}\n"
    assert not list(Path().glob("innerview-*"))


@pytest.mark.parametrize(
    ("options", "asked", "settings"),
    [
        (["--objective", "energy:conv1"], iv.LayerEnergy("conv1"), {}),
        (["--target", "ox", "--ratio", "1.5", "--step", "0.03"], iv.Logit(0), {}),
        (["--seed", "2"], None, {"seed": 2}),
    ],
)
def test_dreams_are_those_of_the_python_call(run, photos, small, *, options, asked, settings) -> None:
    net = factory.small()
    how = Octaves(ratio=1.5, step=0.03, steps=2) if asked == iv.Logit(0) else Octaves(steps=2)
    octaves = 3 if asked == iv.Logit(0) else 2
    expected = dream(net, net.prepare(photos), asked, octaves=octaves, how=how, **settings)
    ended = run("dream", *photos, *small, "--octaves", octaves, "--octave-steps", 2, *options, *QUICK[2:])
    assert (ended.code, ended.err) == (0, "")
    torch.testing.assert_close(iv.read("out.safetensors").pixels, expected.pixels)
    assert ended.rows[-1] == ["wrote out.safetensors"]


def test_a_bad_image_is_named_and_the_others_are_dreamt_of(run, photos, small) -> None:
    ended = run("dream", "none.png", *photos, *small, "--octave-steps", "1", "--octaves", "1")
    assert ended.code == 2
    assert ended.err == "innerview: there is no file 'none.png'; check the path\n"
    assert Path("innerview-dream-none.png").read_bytes().startswith(b"\x89PNG")
    assert run("dream", "none.png", *small).code == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--objective", "energy:conv1", "--target", "ox"],
            "one question is asked, as --objective or as --target; got 2",
        ),
        (["--out", "one.png"], "--out would overwrite the image 'one.png'; choose another name"),
        (["--ratio", "1"], "ratio is a number, above 1; got 1.0"),
    ],
)
def test_a_dream_that_cannot_be_is_refused(run, photos, small, *, options, sentence) -> None:
    ended = run("dream", photos[0], *small, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"innerview: {sentence}\n"


def test_transformers_have_channels_too(run, here) -> None:
    ended = run("synthesize", "--network", f"{FACTORY}:vit", "--objective", "channel:block,3", *QUICK)
    assert ended.code == 0
    assert iv.read("out.safetensors").alive.all()


@pytest.mark.usefixtures("here")
def test_a_film_that_cannot_be_written_is_refused_before_the_work(run, small, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr("innerview.synthesize", lambda *_, **__: pytest.fail("it has begun"))
    ended = run("synthesize", *small, "--target", "ox", "--out", "out.mp4")
    assert ended.code == 2
    assert ended.err == 'innerview: .mp4 needs the library av; install it with: pip install "innerview[video]"\n'
