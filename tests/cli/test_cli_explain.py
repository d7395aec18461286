"""`innerview explain`: the maps of the Python call, in a figure or as raw values."""

from pathlib import Path

import factory
import pytest
import torch
from factory import FACTORY

import innerview as iv

SILENT = f"innerview: {iv.GradCAM.about.silence}.\n"
"""What is said where a map is zero everywhere."""


@pytest.fixture
def saved(monkeypatch) -> list:
    """What would be drawn."""
    results: list = []
    monkeypatch.setattr(iv, "save", lambda found, path, style: results.extend(found))
    return results


def values(path: str = "out.safetensors") -> torch.Tensor:
    return iv.read(path).values


@pytest.mark.parametrize(
    ("options", "method", "objective"),
    [
        (["--target", "ox"], iv.GradCAM(), iv.Logit(0)),
        (["--target", "1", "--method", "gradient"], iv.Gradient(), iv.Logit(1)),
        (["--target", "ox", "--against", "bison"], iv.GradCAM(), iv.Logit(0) - iv.Logit(1)),
        (["--target", "ox", "--probability"], iv.GradCAM(), iv.Probability(0)),
        (["--method", "occlusion:window=4,stride=2"], iv.Occlusion(window=4, stride=2), None),
        (["--probability", "--method", "gradient"], iv.Gradient(), "top probability"),
        (["--objective", "logit:ox - logit:bison"], iv.GradCAM(), iv.Logit(0) - iv.Logit(1)),
        (["--objective", "-logit:ox", "--method", "gradient"], iv.Gradient(), -iv.Logit(0)),
        (["--objective", "channel:conv2,3", "--method", "gradient"], iv.Gradient(), iv.Channel("conv2", 3)),
        (["--objective", "max:conv2", "--method", "deconvolution"], iv.Deconvolution(), iv.Maximum("conv2")),
        (["--objective", "[logit:ox | logit:bison]"], iv.GradCAM(), [iv.Logit(0), iv.Logit(1)]),
    ],
)
def test_the_values_are_those_of_the_python_call(run, photos, small, *, options, method, objective) -> None:
    net = factory.small()
    x = net.prepare(photos)
    if objective == "top probability":
        objective = [iv.Probability(ranking[0].index) for ranking in net.predict(x, 1)]
    ended = run("explain", *photos, *small, *options, "--out", "out.safetensors")
    expected = method(net, x, objective).values
    assert (ended.code, ended.err) == (0, "" if expected.flatten(1).any(1).all() else SILENT)
    torch.testing.assert_close(values(), expected)
    assert values().abs().max() > 0


def test_the_style_is_how_the_maps_are_drawn(run, photos, small) -> None:
    files = {style: f"{style}.png" for style in ("overlay", "map", "cells")}
    for style, out in files.items():
        assert run("explain", *photos, *small, "--style", style, "--out", out).code == 0
    result = iv.GradCAM()(net := factory.small(), net.prepare(photos))
    for style, out in files.items():
        iv.save(result, "expected.png", style=style)
        assert Path(out).read_bytes() == Path("expected.png").read_bytes()
    assert len({Path(out).read_bytes() for out in files.values()}) == 3


def test_the_figure_stands_in_the_current_folder_under_the_first_image_s_name(run, photos, small) -> None:
    best = [ranking[0] for ranking in factory.small().predict(photos, 1)]
    ended = run("explain", *photos, *small)
    assert ended.out.splitlines() == [
        *(f"{path}: {each.label}, {each.probability:.1%}" for path, each in zip(photos, best, strict=True)),
        "wrote innerview-explain-one.png",
    ]
    assert Path("innerview-explain-one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("ending", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_ending_says_the_format(run, photos, small, ending, start) -> None:
    assert run("explain", photos[0], *small, "--out", f"made/for/it{ending}").code == 0
    assert Path(f"made/for/it{ending}").read_bytes().startswith(start)


def test_methods_and_classes_stand_side_by_side(run, photos, small, saved) -> None:
    """Ordered by method, then by class, as they were given."""
    options = ["--method", "occlusion", "--method", "gradcam", "--target", "bison", "--target", "ox"]
    assert run("explain", *photos, *small, *options).code == 0
    assert [(each.provenance.method, each.objective(0)) for each in saved] == [
        ("Occlusion", "bison"),
        ("Occlusion", "ox"),
        ("GradCAM", "bison"),
        ("GradCAM", "ox"),
    ]
    assert [len(each) for each in saved] == [2] * 4


def test_questions_stand_beside_classes(run, photos, small, saved) -> None:
    options = ["--objective", "channel:conv2,0-1", "--objective", "-1 * logit:ox", "--target", "bison"]
    assert run("explain", *photos, *small, "--method", "gradient", *options).code == 0
    assert [each.objective(0) for each in saved] == ["bison", "conv2 channel 0", "conv2 channel 1", "−(ox)"]


def test_by_default_each_image_is_asked_about_its_own_class(run, photos, small, saved) -> None:
    run("explain", *photos, *small)
    best = [ranking[0].label for ranking in factory.small().predict(photos, 1)]
    assert [saved[0].objective(image) for image in (0, 1)] == best


def test_all_takes_what_fits_and_says_why_the_rest_does_not(run, photos, saved) -> None:
    ended = run("explain", photos[0], "--network", f"{FACTORY}:vit", "--method", "all")
    left_out = {line.split()[1] for line in ended.err.splitlines() if "is left out" in line}
    assert ended.code == 0
    assert left_out == {"CAM", "LRP"}
    assert (
        "innerview: CAM is left out: CAM needs class scores that are the global average of a map for each class"
        in ended.err
    )
    assert {each.provenance.method for each in saved} == {kind.__name__ for kind in iv.METHODS.values()} - left_out


def test_a_method_asked_for_by_name_must_fit(run, photos, saved) -> None:
    ended = run("explain", photos[0], "--network", f"{FACTORY}:vit", "--method", "cam", "--method", "gradient")
    assert (ended.code, ended.out, saved) == (2, "", [])
    assert ended.err.startswith("innerview: CAM needs class scores that are the global average of a map for each class")


def test_a_bad_image_is_named_and_the_others_are_explained(run, photos, small, saved) -> None:
    ended = run("explain", "none.png", *photos, *small)
    assert ended.code == 2
    assert ended.err == "innerview: there is no file 'none.png'; check the path\n"
    assert len(saved[0]) == 2
    assert ended.out.endswith("wrote innerview-explain-none.png\n")


def test_without_a_good_image_nothing_is_written(run, photos, small) -> None:
    ended = run("explain", "none.png", *small)
    assert (ended.code, ended.out) == (2, "")
    assert not list(Path().glob("innerview-*"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--out", "a.jpg"], "--out is a file that ends in .png or .webp or .svg or .pdf or .safetensors; got 'a.jpg'"),
        (["--out", "one.png"], "--out would overwrite the image 'one.png'; choose another name"),
        (
            ["--out", "a.safetensors", "--target", "ox", "--target", "bison"],
            "a .safetensors file holds the values of one method and one question; "
            "got 1 images, 1 methods and 2 questions",
        ),
        (
            [part for index in range(49) for part in ("--target", str(index))],
            "a figure has room for 32 images and, of each, 48 maps: one for each method and question; "
            "got 1 images, 1 methods and 49 questions",
        ),
        (["--target", "gnu"], None),
        (["--against", "gnu"], None),
        (["--method", "lime"], None),
        (["--objective", "logit:gnu"], None),
        (["--objective", "chanel:conv1,0"], None),
        (["--objective", "channel:conv9,0"], None),
        (
            ["--out", "a.safetensors", "--objective", "channel:conv1,0-2"],
            "a .safetensors file holds the values of one method and one question; "
            "got 1 images, 1 methods and 3 questions",
        ),
        (
            ["--objective", "logit:ox", "--against", "bison"],
            '--against and --probability go with --target; an objective says it all, as in "logit:ox - logit:bison" or '
            '"probability:ox"',
        ),
    ],
)
def test_a_mistake_is_found_before_the_work(run, photos, small, monkeypatch, *, options, sentence) -> None:
    def work(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(iv.Network, "prepare", work)
    ended = run("explain", photos[0], *small, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    if sentence:
        assert ended.err == f"innerview: {sentence}\n"


def test_classes_without_names_are_asked_for_by_index(run, photos, saved) -> None:
    assert run("explain", photos[0], "--network", f"{FACTORY}:unnamed", "--target", "3").code == 0
    assert saved[0].objective(0) == "class 3"


def test_an_image_that_is_named_twice_is_shown_twice(run, photos, small, saved) -> None:
    assert run("explain", photos[0], photos[0], *small).code == 0
    assert len(saved[0]) == 2


def test_a_method_that_is_named_beside_all_is_drawn_once(run, photos, small, saved) -> None:
    assert run("explain", photos[0], *small, "--method", "all", "--method", "gradcam").code == 0
    assert [each.provenance.method for each in saved].count("GradCAM") == 1


def test_a_person_reads_why_a_map_is_zero_everywhere(run, photos, small) -> None:
    spoken = run("explain", photos[0], *small, "--objective", "energy:relu")
    silent = run("explain", photos[0], *small, "--objective", "-energy:relu")
    assert spoken.err == ""
    assert silent.err == SILENT
    assert silent.out == spoken.out
