"""`innerview dictionary`, `groups` and `grid`: the results of the Python calls, as figures and tables."""

from pathlib import Path

import factory
import pytest
import torch

import innerview as iv
from innerview.combined.dictionary import semantic_dictionary
from innerview.combined.grid import activation_grid
from innerview.combined.groups import neuron_groups
from innerview.synthesis.recipe import CLEAR, LECTURE

QUICK = ["--steps", "2"]


@pytest.mark.parametrize(
    ("options", "layer", "position", "settings"),
    [
        ([], "relu", None, {"recipe": CLEAR}),
        (
            ["--layer", "conv2", "--position", "1", "2", "--target", "ox", "--units", "2", "--recipe", "Lecture"],
            "conv2",
            (1, 2),
            {"objective": iv.Logit("ox"), "units": 2, "recipe": LECTURE},
        ),
        (
            ["--layer", "conv2", "--project", "deconvolution", "--seed", "5"],
            "conv2",
            None,
            {"project": "deconvolution", "seed": 5},
        ),
        (
            ["--layer", "conv1", "--objective", "max:conv2 - logit:ox"],
            "conv1",
            None,
            {"objective": iv.Maximum("conv2") - iv.Logit(0)},
        ),
    ],
)
def test_the_dictionary_is_that_of_the_python_call(run, photos, small, *, options, layer, position, settings) -> None:
    net = factory.small()
    expected = semantic_dictionary(net, photos[0], layer, position, steps=2, **settings)
    ended = run("dictionary", photos[0], *small, *options, *QUICK, "--out", "out.safetensors")
    assert (ended.code, ended.err) == (0, "")
    found = iv.read("out.safetensors")
    for name in ("units", "contributions", "pixels", "projections", "whole"):
        assert torch.equal(getattr(found, name), getattr(expected, name))
    assert found.position == expected.position
    assert found.provenance.objective == expected.provenance.objective
    assert ended.rows[0] == ["layer", "row", "column", "channel", "activation", "contribution"]
    assert ended.rows[1:-1] == [
        [layer, *map(str, expected.position), str(unit), f"{strength:.6g}", f"{contribution:+.6g}"]
        for unit, strength, contribution in zip(
            expected.units.tolist(), expected.activations.tolist(), expected.contributions.tolist(), strict=True
        )
    ]
    assert ended.rows[-1] == ["wrote out.safetensors"]


def test_the_groups_are_those_of_the_python_call(run, photos, small) -> None:
    expected = neuron_groups(
        factory.small(), photos[0], "conv2", groups=2, steps=2, objective=iv.Logit(3), recipe=LECTURE, seed=1
    )
    options = ["--layer", "conv2", "--groups", "2", "--target", "3", "--recipe", "lecture", "--seed", "1"]
    ended = run("groups", photos[0], *small, *options, *QUICK, "--out", "out.safetensors")
    assert (ended.code, ended.err) == (0, "")
    found = iv.read("out.safetensors")
    for name in ("maps", "vectors", "contributions", "pixels"):
        assert torch.equal(getattr(found, name), getattr(expected, name))
    assert ended.rows == [
        ["group", "channels", "contribution"],
        *(
            [str(group + 1), ", ".join(map(str, expected.channels(group, 8))), f"{expected.contributions[group]:+.6g}"]
            for group in range(2)
        ),
        ["rest", "", f"{expected.remainder:+.6g}"],
        ["wrote out.safetensors"],
    ]


def test_the_groups_are_told_what_they_contribute_to(run, photos, small) -> None:
    why = iv.Logit("ox") - iv.Logit("bison")
    expected = neuron_groups(factory.small(), photos[0], "conv2", groups=2, steps=1, objective=why)
    options = ["--layer", "conv2", "--groups", "2", "--objective", str(why), "--steps", "1", "--out", "a.safetensors"]
    assert run("groups", photos[0], *small, *options).code == 0
    assert torch.equal(iv.read("a.safetensors").contributions, expected.contributions)
    assert iv.read("a.safetensors").provenance.asked == ("logit:0 - logit:1",)


def test_the_grid_is_that_of_the_python_call(run, photos, small) -> None:
    expected = activation_grid(factory.small(), photos[0], "relu", most=3, steps=2, seed=4)
    ended = run("grid", photos[0], *small, "--most", "3", "--seed", "4", *QUICK, "--out", "out.safetensors")
    assert (ended.code, ended.err, ended.rows) == (0, "", [["wrote out.safetensors"]])
    found = iv.read("out.safetensors")
    assert torch.equal(found.pixels, expected.pixels)
    assert found.layer == "relu"
    settings = ["--most", "2", "--recipe", "lecture", "--out", "lecture.safetensors"]
    assert run("grid", photos[0], *small, *settings, *QUICK).code == 0
    expected = activation_grid(factory.small(), photos[0], "relu", most=2, steps=2, recipe=LECTURE)
    assert torch.equal(iv.read("lecture.safetensors").pixels, expected.pixels)
    assert run("grid", photos[0], *small, "--layer", "conv1", "--most", "2", *QUICK, "--out", "a.safetensors").code == 0
    assert iv.read("a.safetensors").layer == "conv1"


@pytest.mark.parametrize(("verb", "first"), [("dictionary", "layer"), ("groups", "group"), ("grid", "wrote")])
def test_a_person_gets_a_figure_named_after_the_image(in_terminal, photos, small, *, verb, first) -> None:
    ended = in_terminal(verb, photos[0], *small, *QUICK)
    lines = ended.out.splitlines()
    assert lines[0].split()[0] == first
    assert lines[-1] == f"wrote innerview-{verb}-one.png"
    assert Path(f"innerview-{verb}-one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("verb", ["dictionary", "groups", "grid"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--layer", "conv3"],
            "no layer 'conv3' in NET; did you mean 'conv2' or 'conv1'? `innerview layers NET` lists them",
        ),
        (["--out", "a.jpg"], "--out is a file that ends in .png or .webp or .svg or .pdf or .safetensors; got 'a.jpg'"),
        (["--out", "one.png"], "--out would overwrite the image 'one.png'; choose another name"),
    ],
)
def test_a_mistake_is_one_sentence(run, photos, small, *, verb, options, sentence) -> None:
    ended = run(verb, photos[0], *small, *options, *QUICK)
    assert (ended.code, ended.out, ended.err) == (2, "", f"innerview: {sentence.replace('NET', small[1])}\n")


@pytest.mark.parametrize(
    ("verb", "options", "sentence"),
    [
        ("dictionary", ["--recipe", "deep"], "no recipe 'deep'; the recipes are clear, lucid, lecture, maco"),
        ("grid", ["--recipe", "deep"], "no recipe 'deep'; the recipes are clear, lucid, lecture, maco"),
        ("groups", ["--recipe", "deep"], "no recipe 'deep'; the recipes are clear, lucid, lecture, maco"),
        (
            "groups",
            ["--groups", "9"],
            "layer 'relu' has 6 channels at 4 × 4 positions, so there are 1 to 6 groups; got 9",
        ),
        ("dictionary", ["--position", "4", "0"], "layer 'relu' has 4 × 4 positions, (0, 0) to (3, 3); got (4, 0)"),
        ("dictionary", ["--target", "gnu"], None),
        ("groups", ["--objective", "logit:gnu"], None),
        (
            "groups",
            ["--objective", "logit:ox", "--target", "ox"],
            "one question is asked, as --objective or as --target; got 2",
        ),
        ("grid", ["--most", "0"], "most is a whole number, at least 1; got 0"),
    ],
)
def test_a_setting_that_does_not_fit_is_one_sentence(run, photos, small, *, verb, options, sentence) -> None:
    ended = run(verb, photos[0], *small, *options, *QUICK)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    if sentence:
        assert ended.err == f"innerview: {sentence}\n"


@pytest.mark.parametrize("verb", ["dictionary", "groups", "grid"])
def test_an_image_that_cannot_be_read_is_named(run, photos, small, *, verb) -> None:
    ended = run(verb, "none.png", *small, *QUICK)
    assert (ended.code, ended.err) == (2, "innerview: there is no file 'none.png'; check the path\n")
