"""What every result says of its origin: enough to compute it again, in plain values."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from known import made, net, perceptron

import innerview as iv
from innerview.network.provenance import provenance
from innerview.results.provenance import plain, settings_of
from innerview.saved import RESULTS
from small_networks import SmallCNN, images, network


@pytest.mark.parametrize("kind", RESULTS)
def test_it_is_complete_and_plain(kind: str) -> None:
    origin = made(kind).provenance
    assert origin.network == ("Sequential" if kind == "UnitLines" else "SmallCNN")
    assert origin.weights == (perceptron().provenance.weights if kind == "UnitLines" else net().digest())
    assert origin.settings
    assert json.loads(json.dumps(origin.settings)) == origin.settings
    assert list(origin.versions) == ["innerview", "torch", "torchvision"]
    assert all(isinstance(asked, str) and asked for asked in origin.objective)


def test_a_network_with_random_weights_is_called_so_in_every_result() -> None:
    random = iv.Network(SmallCNN(), iv.Preprocess(size=8), untrained=True)
    assert iv.filters(random).provenance.network == "SmallCNN, random weights"


def test_a_network_that_is_trained_is_not_called_random() -> None:
    random = iv.Network(SmallCNN(), iv.Preprocess(size=8), untrained=True)
    assert iv.Recorder(random, [iv.FilterImages("conv1")]).recording()[0].provenance.network == "SmallCNN"


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]


@dataclass(frozen=True)
class Outer:
    of: Inner
    many: list[Inner]
    values: object
    rest: object = None


def test_settings_are_said_field_by_field() -> None:
    outer = Outer(Inner((1, 2)), [Inner((3, 4))], {1: Path("a/b")}, torch.float16)
    assert settings_of(outer) == {
        "of": {"name": "Inner", "size": [1, 2]},
        "many": [{"name": "Inner", "size": [3, 4]}],
        "values": {"1": "a/b"},
        "rest": "torch.float16",
    }


def test_arrays_are_said_by_shape_and_content() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    known = plain(torch.from_numpy(array))
    assert known["shape"] == [2, 3]
    assert known == plain(array) == plain(torch.from_numpy(array.T.copy()).T)
    assert known != plain(array + 1)
    assert known["digest"] != plain(array.reshape(3, 2).T)["digest"]


def test_what_has_no_plain_form_is_said_by_its_kind() -> None:
    assert plain(print) == "builtin_function_or_method"
    assert plain(Inner) == "type"
    assert plain(object()) == "object"


def test_questions_are_words_or_describe_themselves() -> None:
    labelled = network(SmallCNN(), labels=["ox", "gnu", "elk", "cow", "yak"])
    asked = ["each place", iv.Logit(1)]
    origin = provenance(labelled, Inner((1, 2)), asked, seed=3)
    assert (origin.objective, origin.method) == (("each place", "gnu"), "Inner")
    assert origin.settings == {"size": [1, 2], "seed": 3}
    assert origin.how == {"name": "Inner", "size": [1, 2], "seed": 3}


def test_what_a_result_is_made_of_is_said_with_its_own_settings() -> None:
    attack = iv.attack(net(), images(1).sigmoid(), iv.FGSM(0.3))
    assert iv.sphere(net(), images(1).sigmoid(), attack, samples=2).provenance.settings["attack"] == {
        "name": "FGSM",
        **attack.provenance.settings,
    }
    assert iv.shift(net(), attack, iv.GradCAM()).provenance.settings == {
        "explained": {"name": "GradCAM", "layer": None, "relu": True},
        "attack": attack.provenance.how,
    }
