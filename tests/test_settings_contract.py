"""Every setting of every method, attack, canvas, view, prior, probe, … is checked, whatever is put there."""

import inspect
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_type_hints

import numpy as np
import pytest
import torch
from beartype import BeartypeConf
from beartype.door import is_bearable

import innerview as iv
from innerview.errors import SettingError
from innerview.network.labels import Labels
from innerview.objectives import Constant, Product, Sum
from innerview.recording import schedule
from innerview.settings import Above, AtLeast, AtMost, NotEmpty, Settings
from innerview.synthesis.diversity import Diverse
from innerview.synthesis.speedups.cutout import Cutout, OfCutout

SIDES = {"left": iv.Logit(0), "right": iv.Logit(1)}
NEEDED = {
    iv.Preprocess: {"size": 8},
    iv.FilterImages: {"layer": "conv1"},
    iv.ActivationMaps: {"layer": "conv1", "images": None},
    Labels: {"names": ("a", "b")},
    iv.Logit: {"target": 0},
    iv.Probability: {"target": "ox"},
    iv.Channel: {"layer": "conv1", "channel": 0},
    iv.Neuron: {"layer": "conv1", "channel": 0},
    iv.LayerEnergy: {"layer": "conv1"},
    iv.Maximum: {"layer": "conv1"},
    iv.Direction: {"layer": "conv1", "vector": (1.0, -1.0)},
    iv.Resemblance: {"layer": "conv1", "activation": torch.zeros(3, 1, 1)},
    iv.PerImage: {"objectives": (iv.Logit(0),)},
    Constant: {"value": 1.0},
    Sum: SIDES,
    Product: SIDES,
    Diverse: {"objective": iv.Maximum("conv1"), "starts": 2, "views": 1, "weight": 1.0},
    OfCutout: {"objective": iv.Maximum("conv1"), "cutout": Cutout(0, 0, (8, 8), (0, 0)), "grid": (2, 2)},
} | {prior: {"weight": 0.1} for prior in (iv.L1, iv.L2, iv.TotalVariation, iv.EdgeEnergy)}

for name in dir(iv):
    getattr(iv, name)


def concrete(kind: type) -> list[type]:
    own = [] if inspect.isabstract(kind) or kind.__name__.startswith("_") or kind is Settings else [kind]
    return [*own, *(each for inner in kind.__subclasses__() for each in concrete(inner))]


KINDS = sorted((each for each in set(concrete(Settings)) if each.__module__.startswith("innerview.")), key=str)
FIELDS = [(kind, field.name) for kind in KINDS for field in fields(kind)]
POOL = [object(), "nonsense", "", b"x", 1.5, 3, 1j, None, True, [], (), [object()], ("a", 3), {}, iv.GradCAM, [1, 2, 3]]
POOL += [np.array(["a"]), torch.nn.ReLU(), (1, 2, 3, 4, 5, 6, 7)]
TOWER = BeartypeConf(is_pep484_tower=True)

pytestmark = pytest.mark.usefixtures("unchecked_types")


def refusal(kind: type, name: str, value: object) -> str:
    with pytest.raises(SettingError) as caught:
        kind(**{**NEEDED.get(kind, {}), name: value})
    return str(caught.value)


def plain(value: object) -> object:
    """Lists and arrays are as good as tuples."""
    return tuple(value) if isinstance(value, list | np.ndarray) else value


def annotation(kind: type, name: str) -> Any:
    return get_type_hints(kind, include_extras=True)[name]


def test_all_that_is_catalogued_is_checked() -> None:
    catalogued = {*iv.METHODS.values(), *iv.ATTACKS.values(), *(type(each) for each in iv.RECIPES.values())}
    canvases = {type(each.canvas) for each in iv.RECIPES.values()} | {type(each.views) for each in iv.RECIPES.values()}
    assert {*catalogued, *canvases, *NEEDED, iv.Octaves, iv.Statistics, iv.HiddenUnits} <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_defaults_are_valid(kind: type) -> None:
    needed = NEEDED.get(kind, {})
    made = kind(**needed)
    for field in fields(kind):
        if field.default is not MISSING and field.name not in needed:
            assert getattr(made, field.name) == field.default


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_a_value_of_another_type_is_refused_by_the_name_of_the_setting(kind: type, name: str) -> None:
    """What is of another type says beartype, which has no hand in the checks; True is no number here."""
    takes = annotation(kind, name)
    wrong = [each for each in POOL if not any(is_bearable(one, takes, conf=TOWER) for one in (each, plain(each)))]
    if {int, float} & {*parts(takes)} and bool not in parts(takes):
        wrong += [True, np.bool_(True)]
    if {int, float} & {*parts(takes)}:
        wrong += [float("nan"), float("inf"), -float("inf")]
    assert wrong or takes is Any
    for value in wrong:
        assert refusal(kind, name, value).startswith(f"{name} is "), value


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_a_value_beyond_its_range_is_refused_by_the_name_of_the_setting(kind: type, name: str) -> None:
    for bound in parts(annotation(kind, name)):
        beyond = {
            AtLeast: lambda it: it.least - 1,
            Above: lambda it: it.limit,
            AtMost: lambda it: it.most + 1,
            NotEmpty: lambda it: (),
        }.get(type(bound))
        if beyond is not None:
            value = beyond(bound)
            for spelt in (value, (value, value), (1, value), (value, 1)):
                assert refusal(kind, name, spelt).startswith(f"{name} is ")


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: getattr(each, "__name__", each))
def test_another_word_than_those_that_are_known_is_refused(kind: type, name: str) -> None:
    takes = annotation(kind, name)
    if any(isinstance(each, str) for each in parts(takes)) and str not in parts(takes):
        assert refusal(kind, name, "nonsense").endswith("; got 'nonsense'")


def parts(kind: Any) -> list[Any]:
    """An annotation and all inside it: types, bounds, words."""
    inner = [*get_args(kind), *getattr(kind, "__metadata__", ())] if not isinstance(kind, type) else []
    return [kind, *(each for one in inner for each in parts(one))]


def test_no_number_of_a_setting_goes_unchecked() -> None:
    """Numbers whose range is that of all finite numbers are few, and listed here."""
    free = {(kind.__name__, name) for kind, name in FIELDS if unbounded(annotation(kind, name))}
    assert free == {
        ("Constant", "value"),
        ("Direction", "vector"),
        ("HiddenUnits", "extent"),
        ("HiddenUnits", "threshold"),
        ("Preprocess", "mean"),
        ("Transforms", "angles"),
    }


def unbounded(kind: Any) -> bool:
    if hasattr(kind, "__metadata__"):
        numeric = any(isinstance(each, AtLeast | Above) for each in kind.__metadata__)
        return not numeric and unbounded(get_args(kind)[0])
    if not isinstance(kind, type) and getattr(kind, "__origin__", None) is Literal:
        return False
    return kind in (int, float) or any(map(unbounded, get_args(kind)))


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: schedule.every(0), "count is a whole number, at least 1; got 0"),
        (lambda: schedule.every(2.5), "count is a whole number, at least 1; got 2.5"),
        (lambda: schedule.logarithmic(True), "per_decade is a whole number, at least 1; got True"),
        (
            lambda: iv.SmoothGrad(of=iv.GradCAM),
            "of is a Method; got the class itself, GradCAM; make one of it: GradCAM()",
        ),
        (
            lambda: iv.Occlusion(baseline="grey"),
            'baseline is "mean" or "blur", or a number, at least 0 and at most 1, or a tuple of numbers, at least 0 '
            "and at most 1; got 'grey'",
        ),
        (lambda: iv.GradCAM(layer=()), "layer is a text, not empty, or a tuple of texts, not empty, or None; got ()"),
        (lambda: iv.PGD(norm=2), 'norm is "inf" or "2"; got 2'),
        (lambda: iv.Logit(-1), "target is a whole number, at least 0, or a text; got -1"),
        (lambda: iv.Probability(1.5), "target is a whole number, at least 0, or a text; got 1.5"),
        (lambda: iv.Channel("layer3", "3"), "channel is a whole number, at least 0; got '3'"),
        (lambda: iv.Channel("layer3", -1), "channel is a whole number, at least 0; got -1"),
        (lambda: iv.Channel(3, "layer3"), "layer is a text, not empty; got 3"),
        (lambda: iv.LayerEnergy(""), "layer is a text, not empty; got ''"),
        (
            lambda: iv.Neuron("layer3", 3, (1, 2, 3)),
            "position is two whole numbers, at least 0, or a whole number, at least 0, or None; got (1, 2, 3)",
        ),
        (
            lambda: iv.Neuron("layer3", 3, (1.5, 2)),
            "position is two whole numbers, at least 0, or a whole number, at least 0, or None; got (1.5, 2)",
        ),
        (lambda: iv.Direction("layer3", ()), "vector is a tuple of numbers, not empty; got ()"),
        (lambda: iv.Direction("layer3", (float("nan"),)), "vector is a tuple of numbers, not empty; got (nan,)"),
        (lambda: iv.Direction("layer3", (1.0,), power=-1), "power is a number, at least 0; got -1"),
        (lambda: iv.Logit(3) * float("nan"), "value is a number; got nan"),
        (lambda: iv.Logit(3) + float("inf"), "value is a number; got inf"),
        (lambda: iv.PerImage((iv.Logit(3), 4)), "objectives is a tuple of Objectives; got (Logit(target=3), 4)"),
        (
            lambda: iv.Preprocess(size=0),
            "size is a whole number, at least 1, or two whole numbers, at least 1; got 0",
        ),
        (
            lambda: iv.LRP(rule="alpha"),
            'rule is "epsilon-plus-flat", "epsilon-gamma-box", "epsilon", "gamma" or "zplus"; got \'alpha\'',
        ),
        (
            lambda: iv.Recipe(priors=(iv.L2,)),
            "priors is a tuple of Priors; got (<class 'innerview.synthesis.priors.L2'>,)",
        ),
    ],
)
def test_whole_sentences(ask, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        ask()
    assert str(caught.value) == sentence
