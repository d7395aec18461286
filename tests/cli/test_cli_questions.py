"""`--objective`: every kind of the catalogue, in every command that asks a question."""

import factory
import pytest
import torch

import innerview as iv
from innerview.cli.terminal import clean
from objectives.examples import example

kinds = pytest.mark.parametrize("kind", iv.OBJECTIVES)


@kinds
def test_every_kind_is_explained_as_in_python(run, photos, small, kind: str) -> None:
    net, why = factory.small(), example(kind, "conv2", 6)
    expected = iv.Gradient()(net, photos, why)
    options = ["--method", "gradient", "--objective", str(why), "--out", "out.safetensors"]
    assert run("explain", *photos, *small, *options).code == 0
    found = iv.read("out.safetensors")
    assert torch.equal(found.values, expected.values)
    assert found.provenance.asked == expected.provenance.asked
    assert iv.parse_objective(found.provenance.asked[0]) == why.bind(net)


@kinds
def test_every_kind_is_synthesised_attacked_and_dreamt_of(run, photos, small, kind: str) -> None:
    net = factory.small()
    why = example(kind, "conv2", 6).bind(net)
    for command in (
        ["synthesize", "--steps", "1"],
        ["attack", photos[0], "--method", "fgsm:epsilon=0.1"],
        ["dream", photos[0], "--octave-steps", "1", "--octaves", "1"],
    ):
        ended = run(*command, *small, "--objective", str(why), "--out", "out.safetensors")
        assert (ended.code, ended.err) == (0, "")
        assert iv.read("out.safetensors").provenance.asked == (str(why),)
        if command[0] != "attack":
            assert ended.rows[1][1] == clean(why.describe(net))


@pytest.mark.parametrize("verb", ["explain", "attack", "tour", "synthesize", "dream", "dictionary", "groups"])
def test_it_is_an_option_wherever_a_class_is(run, verb: str) -> None:
    shown = run(verb, "--help").out
    assert " --target " in shown
    assert " --objective " in shown
