"""`innerview attack`: the attack of the Python call, as a figure and a table."""

from pathlib import Path

import factory
import pytest
import torch

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent
from innerview.adversarial.sphere import sphere
from innerview.cli.terminal import clean
from innerview.combined.shift import shift


@pytest.mark.parametrize(
    ("options", "method", "target"),
    [
        ([], GradientAscent(), None),
        (["--method", "fgsm:epsilon=0.1"], FGSM(0.1), None),
        (
            ["--method", "PGD:epsilon=2,norm=2,start=image", "--target", "bison"],
            PGD(2, norm="2", start="image"),
            "bison",
        ),
        (["--method", "pgd:epsilon=0.1,norm=inf", "--target", "3"], PGD(0.1), 3),
        (["--method", "deepfool"], DeepFool(), None),
    ],
)
def test_the_result_is_that_of_the_python_call(run, photos, small, *, options, method, target) -> None:
    net = factory.small()
    expected = attack(net, net.prepare(photos), method, target=target)
    ended = run("attack", *photos, *small, *options, "--out", "out.safetensors")
    assert (ended.code, ended.err) == (0, "")
    found = iv.read("out.safetensors")
    assert torch.equal(found.adversarial, expected.adversarial)
    asked = found.provenance
    assert (asked.objective, asked.method, asked.settings) == (
        expected.provenance.objective,
        expected.provenance.method,
        expected.provenance.settings,
    )
    assert found.difference.abs().max() > 0
    assert ended.rows[0] == ["image", "step", "class", "index", "confidence"]
    assert ended.rows[1:-1] == [
        [str(path), str(step), clean(each.label), str(each.index), f"{each.probability:.6g}"]
        for image, path in enumerate(photos)
        for step, each in enumerate(expected.history(image))
    ]
    assert ended.rows[-1] == ["wrote out.safetensors"]


def test_an_objective_is_lowered_and_its_score_shown(run, photos, small) -> None:
    net, why = factory.small(), iv.Channel("conv2", 3) - iv.Logit("bison")
    expected = attack(net, net.prepare(photos), PGD(0.1, steps=3), objective=why)
    options = ["--method", "pgd:epsilon=0.1,steps=3", "--objective", str(why)]
    ended = run("attack", *photos, *small, *options, "--out", "out.safetensors")
    assert (ended.code, ended.err) == (0, "")
    assert torch.equal(iv.read("out.safetensors").adversarial, expected.adversarial)
    assert ended.rows[0] == ["image", "step", "class", "index", "confidence", "score"]
    assert [float(row[-1]) for row in ended.rows[1:-1]] == pytest.approx(
        (-expected.raised).flatten().tolist(), rel=1e-4
    )
    assert ended.rows[1][-1] != ended.rows[4][-1]


def test_the_explanation_that_moves_is_that_of_what_is_lowered(run, photos, small) -> None:
    net, why = factory.small(), iv.Maximum("conv2")
    moved = shift(net, attack(net, net.prepare(photos), FGSM(0.1), objective=why), iv.Gradient(), why)
    options = ["--method", "fgsm:epsilon=0.1", "--objective", "max:conv2", "--explain", "gradient"]
    ended = run("attack", *photos, *small, *options)
    assert [row[1:] for row in ended.rows[-3:-1]] == [
        ["maximum of conv2", f"{each:.6g}"] for each in moved.similarity.tolist()
    ]


def test_a_person_sees_per_cent_and_where_the_figure_is(in_terminal, photos, small) -> None:
    ended = in_terminal("attack", *photos, *small, "--method", "pgd:epsilon=0.2,steps=2")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["image", "step", "class", "index", "confidence"]
    assert [line.split()[0] for line in lines if line.startswith(("one", "two"))] == ["one.png", "two.png"]
    assert "%" in lines[1]
    assert lines[-1] == "wrote innerview-attack-one.png"
    assert Path("innerview-attack-one.png").read_bytes().startswith(b"\x89PNG")


def test_points_around_the_images_and_how_the_explanation_moved(run, photos, small) -> None:
    net = factory.small()
    x = net.prepare(photos)
    expected = attack(net, x, FGSM(0.1))
    points, moved = sphere(net, x, expected, samples=40, radius=3), shift(net, expected, iv.GradCAM())
    arguments = ["attack", *photos, *small, "--method", "fgsm:epsilon=0.1"]
    ended = run(*arguments, "--sphere", "40", "--radius", "3", "--explain", "gradcam", "--out", "out.svg")
    assert (ended.code, ended.err) == (0, "")
    plain = run(*arguments, "--out", "plain.svg")
    tables = ended.out.split("\n\n")
    assert tables[0] + "\n" == plain.out[: plain.out.index("wrote")]
    rows = [[line.split("\t") for line in each.splitlines()] for each in tables[1:]]
    assert rows[0] == [
        ["image", "points", "kept", "class around it", "share"],
        *(
            [str(path), "40", str(round(40 * points.share[image].item())), clean(label), f"{count / 40:.6g}"]
            for image, path in enumerate(photos)
            for label, count in points.ranking(image)
        ),
    ]
    assert rows[1][:-1] == [
        ["image", "explanation for", "cosine"],
        *(
            [str(path), clean(moved.before.objective(image)), f"{moved.similarity[image].item():.6g}"]
            for image, path in enumerate(photos)
        ),
    ]
    figure = Path("out.svg").read_text("utf-8")
    assert figure.count("<image") == 2 * (3 + 2 * 2)  # each explanation with its colours
    assert Path("plain.svg").read_text("utf-8").count("<image") == 2 * 3


def test_a_person_reads_what_is_said_of_an_image_once(in_terminal, photos, small) -> None:
    ended = in_terminal("attack", *photos, *small, "--method", "fgsm:epsilon=0.5", "--sphere", "50")
    _, below = ended.out.split("\n\n")
    lines = below.splitlines()
    assert lines[0].split() == ["image", "points", "kept", "class", "around", "it", "share"]
    assert sum("one.png" in line for line in lines[:-1]) == 1
    assert sum(" 50 " in line for line in lines) == 2


def test_a_bad_image_is_named_and_the_others_are_attacked(run, photos, small) -> None:
    ended = run("attack", "none.png", *photos, *small, "--out", "out.svg")
    assert ended.code == 2
    assert ended.err == "innerview: there is no file 'none.png'; check the path\n"
    assert Path("out.svg").read_bytes().startswith(b"<?xml")
    assert run("attack", "none.png", *small).code == 2
    assert not Path("innerview-attack-none.png").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--method", "lime"], "no attack 'lime'; The attacks are gradientascent, fgsm, pgd, deepfool"),
        (["--method", "fgsm:steps=3"], "fgsm has no setting 'steps'; it has epsilon"),
        (["--method", "fgsm:epsilon=-1"], "epsilon is a number, at least 0; got -1"),
        (["--out", "a.jpg"], "--out is a file that ends in .png or .webp or .svg or .pdf or .safetensors; got 'a.jpg'"),
        (["--out", "one.png"], "--out would overwrite the image 'one.png'; choose another name"),
        (["--sphere", "0"], "samples is a whole number, at least 1; got 0"),
        (
            ["--sphere", "9", "--radius", "-1"],
            "radius is a number, at least 0; got -1.0",
        ),
        (["--explain", "lime"], None),
        (["--target", "gnu"], None),
        (["--objective", "logit:gnu"], None),
        (["--objective", "channel:conv1"], None),
        (["--objective", "channel:conv1,0-1"], "one question is asked, as --objective or as --target; got 2"),
        (
            ["--objective", "max:conv1", "--target", "ox"],
            "an attack has one goal: --target is a class to reach, --objective what to lower",
        ),
        (["--method", "fgsm:epsilon=much"], None),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_a_mistake_is_found_before_the_work(run, photos, small, monkeypatch, *, options, sentence) -> None:
    def work(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(iv.Network, "prepare", work)
    ended = run("attack", photos[0], *small, *options)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    if sentence:
        assert ended.err == f"innerview: {sentence}\n"
