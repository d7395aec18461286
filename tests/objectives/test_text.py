"""Objectives as text: what is printed is read as an equal objective, and what is no objective is refused in words."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, NamedTuple

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import innerview as iv
from innerview.errors import ObjectiveError, SettingError
from innerview.network.seen import Seen
from innerview.objectives import Constant, Objective, Product, Sum, parse_objective, parse_objectives

AWKWARD = [
    *("", " ", "-", "+", "*", "|", "a - b", "a -", "- a", "a-b", "a | b", "2 * a", "386", "-1", "007", "٣", "null"),
    *("tench, Tinca tinca", "n01440764: tench", "crane (bird)", ")", "[", '"', "it's", 'the "ox"', "a\\b", "\\"),
    *("logit:ox", "logit:ox - logit:cow", "日本", "é", "\u200b", "\u00a0a", "a\nb", "\x1b[31m", "\ud800", "layer3,42"),
]
SIGNS = st.text(st.sampled_from(' ,:-+*|()[]"\\01ab=\u3042\n'), max_size=8)
names = st.sampled_from(AWKWARD) | SIGNS | st.text(max_size=12)
layers = names.filter(bool)
counts = st.integers(0, 10**6)
positions = st.none() | counts | st.tuples(counts, counts)
finite = st.floats(allow_nan=False, allow_infinity=False)


class Call(NamedTuple):
    """A call that is made in the test: the checker of types draws random numbers, which strategies must not."""

    function: Callable[..., object]
    arguments: tuple[object, ...]

    def made(self) -> object:
        return self.function(*(each.made() if isinstance(each, Call) else each for each in self.arguments))


def calls(function: Callable[..., object], *arguments: st.SearchStrategy) -> st.SearchStrategy[Call]:
    return st.builds(Call, st.just(function), st.tuples(*arguments))


vectors = st.lists(finite, min_size=1, max_size=4).map(tuple)
leaves = st.one_of(
    calls(iv.Logit, counts | names),
    calls(iv.Probability, counts | names),
    calls(iv.Channel, layers, counts),
    calls(iv.Neuron, layers, counts, positions),
    calls(iv.LayerEnergy, layers),
    calls(iv.Maximum, layers),
    calls(iv.Direction, layers, vectors, positions, st.floats(0, 1e300)),
    calls(Constant, finite | st.sampled_from([1.0, -1.0, 0.1 + 0.2, 1e16, 5e-324])),
)
questions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        calls(Sum, inner, inner),
        calls(Product, inner, inner),
        calls(operator.sub, inner, inner),
        calls(operator.neg, inner),
        st.lists(inner, max_size=3).map(lambda each: Call(lambda *made: iv.PerImage(made), tuple(each))),
    ),
    max_leaves=12,
)


@given(questions)
def test_what_is_printed_is_read_as_an_equal_objective(call: Call) -> None:
    question = call.made()
    assert parse_objective(str(question)) == question
    assert str(parse_objective(str(question))) == str(question)


@pytest.mark.parametrize("name", AWKWARD, ids=ascii)
@pytest.mark.parametrize("around", [lambda it: it, lambda it: -it * (it - 1), lambda it: iv.PerImage((it, it + it))])
def test_names_stay_as_they_are(name: str, around) -> None:
    for question in (iv.Logit(name), iv.Channel(name or "a", 3), iv.LayerEnergy(name or "a")):
        assert parse_objective(str(around(question))) == around(question)


def test_a_class_by_its_index_is_not_the_class_of_that_name() -> None:
    assert (str(iv.Logit(386)), str(iv.Logit("386"))) == ("logit:386", 'logit:"386"')
    assert parse_objective("logit:386") == iv.Logit(386)
    assert parse_objective('logit:"386"') == iv.Logit("386")
    assert parse_objective("channel:0,3") == iv.Channel("0", 3)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("logit:ox - logit:bison", iv.Logit("ox") - iv.Logit("bison")),
        ("channel:layer3,42", iv.Channel("layer3", 42)),
        ("max:features", iv.Maximum("features")),
        ("energy:relu:1", iv.LayerEnergy("relu:1")),
        ("neuron:fc,7", iv.Neuron("fc", 7)),
        ("neuron:conv,7,3,4", iv.Neuron("conv", 7, (3, 4))),
        ("probability:African elephant", iv.Probability("African elephant")),
        ("logit:tench, Tinca tinca", iv.Logit("tench, Tinca tinca")),
        ("direction:conv,[1.0,-0.5]", iv.Direction("conv", (1.0, -0.5))),
        ("direction:conv,[1.0,-0.5],3,4", iv.Direction("conv", (1.0, -0.5), (3, 4))),
        ("direction:conv,[1.0,-0.5],3,4,2.0", iv.Direction("conv", (1.0, -0.5), (3, 4), 2.0)),
        ("direction:conv,[1.0,-0.5],power=2.0", iv.Direction("conv", (1.0, -0.5), power=2.0)),
        ("2 * logit:ox + 0.5", 2 * iv.Logit("ox") + 0.5),
        ("1 - logit:ox", 1 - iv.Logit("ox")),
        ("logit:1 - logit:2 - logit:3", iv.Logit(1) - iv.Logit(2) - iv.Logit(3)),
        ("logit:1 - (logit:2 - logit:3)", iv.Logit(1) - (iv.Logit(2) - iv.Logit(3))),
        ("logit:1 + logit:2 * logit:3", iv.Logit(1) + iv.Logit(2) * iv.Logit(3)),
        ("(logit:1 + logit:2) * logit:3", (iv.Logit(1) + iv.Logit(2)) * iv.Logit(3)),
        ("-logit:1 * logit:2", -iv.Logit(1) * iv.Logit(2)),
        ("-(logit:1 * logit:2)", -(iv.Logit(1) * iv.Logit(2))),
        ("-(1) * -2", -Constant(1.0) * Constant(-2.0)),
        ("1e+16 * logit:1", 1e16 * iv.Logit(1)),
        ("[logit:1 | logit:2 - 1]", iv.PerImage((iv.Logit(1), iv.Logit(2) - 1))),
        ('logit:"a - b" - logit:-b-', iv.Logit("a - b") - iv.Logit("-b-")),
    ],
)
def test_the_form_is_the_arithmetic_of_python(text: str, question: Objective) -> None:
    assert parse_objective(text) == question
    assert str(question) == text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("  LOGIT:ox  -  - logit: bison ", iv.Logit("ox") - -iv.Logit("bison")),
        ("neuron: conv , 7 , 3 , 4", iv.Neuron("conv", 7, (3, 4))),
        ("((channel:conv,3))", iv.Channel("conv", 3)),
        ("logit:crane (bird) + 1", iv.Logit("crane (bird)") + 1),
        ("neuron:conv,7,position=[3,4]", iv.Neuron("conv", 7, (3, 4))),
        ("neuron:conv,7,3", iv.Neuron("conv", 7, 3)),
        ("direction:conv,[1,2],3,power=2", iv.Direction("conv", (1, 2), 3, 2)),
        ("-1 * logit:1", -iv.Logit(1)),
        ("[ ]", iv.PerImage(())),
    ],
)
def test_what_people_write_otherwise(text: str, question: Objective) -> None:
    assert parse_objective(text) == question


def test_ranges_are_several_objectives() -> None:
    assert parse_objectives("channel:layer3,0-8") == [iv.Channel("layer3", number) for number in range(9)]
    assert parse_objectives("neuron:conv,3,0-1,1-2") == [
        iv.Neuron("conv", 3, (row, column)) for row in (0, 1) for column in (1, 2)
    ]
    assert parse_objectives("channel:a,0-1 - channel:b,5-6") == [
        iv.Channel("a", one) - iv.Channel("b", other) for one in (0, 1) for other in (5, 6)
    ]
    assert parse_objectives("logit:0-8") == [iv.Logit("0-8")]
    assert parse_objectives('channel:"a,0-8",3') == [iv.Channel("a,0-8", 3)]


KINDS = "kinds are logit, probability, neuron, channel, energy, max, direction"
CHANNEL = "It is written channel:LAYER,CHANNEL"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"'' is no objective: there is no kind ''; a class is written logit:CLASS, the {KINDS}"),
        ("ox", f"'ox' is no objective: there is no kind 'ox'; a class is written logit:CLASS, the {KINDS}"),
        (
            "logit:ox + chanel:a,3",
            f"'logit:ox + chanel:a,3' is no objective: there is no kind 'chanel'; did you mean 'channel'? The {KINDS}",
        ),
        ("channel:conv1", f"'channel:conv1' is no objective: it needs a channel. {CHANNEL}"),
        ("channel:conv1,x", f"'channel:conv1,x' is no objective: 'x' is neither a number nor quoted. {CHANNEL}"),
        ("channel:conv1,1.5", f"'channel:conv1,1.5' is no objective: channel cannot be 1.5. {CHANNEL}"),
        ("channel:a,1,2", f"'channel:a,1,2' is no objective: there is more than it has fields for. {CHANNEL}"),
        (
            "channel:a,8-0",
            f"'channel:a,8-0' is no objective: the range '8-0' does not count up to at most 10000 numbers. {CHANNEL}",
        ),
        (
            "neuron:conv1,1,a,2",
            "'neuron:conv1,1,a,2' is no objective: 'a' is no whole number. It is written neuron:LAYER,CHANNEL[,ROW,"
            "COLUMN|,TOKEN]",
        ),
        ("energy:", "'energy:' is no objective: a layer is missing, or quoted in part. It is written energy:LAYER"),
        ('max:a"b', "'max:a\"b' is no objective: a quote is not closed"),
        (
            'max:a"b"',
            "'max:a\"b\"' is no objective: a layer is missing, or quoted in part. It is written max[:LAYER]",
        ),
        ("logit:1)", "'logit:1)' is no objective: ')' closes nothing"),
        ("(logit:1", "'(logit:1' is no objective: a ')' is missing"),
        ("[logit:1 | 2", "'[logit:1 | 2' is no objective: a ']' is missing"),
        ("logit:1 | 2", "'logit:1 | 2' is no objective: '|' closes nothing"),
        ("channel:a,0-8", "one objective is asked for; got 'channel:a,0-8', whose ranges spell 9"),
    ],
)
def test_what_is_no_objective_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ObjectiveError) as refused:
        parse_objective(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "-" * 10_000 + "max:a",
        "direction:a," + "[" * 100_000,
        " + ".join(["1"] * 10_000),
        "channel:a,0-999999999",
        "neuron:a,0-9999,0-99,0-99",
        " - ".join(["channel:a,0-999"] * 3),
        "[" + " | ".join(["channel:a,0-999"] * 3) + "]",
        "channel:a," + "9" * 5_000,
        '"' * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_a_hostile_text_is_refused_at_once(text: str) -> None:
    with pytest.raises(ObjectiveError) as refused:
        parse_objectives(text)
    assert len(str(refused.value)) < 400


def test_blanks_take_no_time() -> None:
    assert parse_objective(f"max:a{' ' * 100_000}b") == iv.Maximum(f"a{' ' * 100_000}b")


@given(st.text(max_size=40) | SIGNS.map("logit:".__add__))
@example("[logit:a | ")
def test_any_text_is_an_objective_or_refused(text: str) -> None:
    try:
        found = parse_objectives(text)
    except (ObjectiveError, SettingError):
        return
    assert [parse_objective(str(each)) for each in found] == found


@pytest.mark.usefixtures("unchecked_types")  # the checker stands between any two calls, which makes them too deep
def test_many_terms_are_read_and_asked() -> None:
    total = reduce(operator.add, map(iv.Logit, range(200)))
    assert parse_objective(str(total)) == total
    scores = torch.arange(400.0).reshape(2, 200)
    assert torch.equal(total(Seen({}, scores)), scores.sum(1))


@dataclass(frozen=True)
class Contrast(iv.Objective):
    """One that somebody else wrote."""

    layer: str
    other: str
    channels: tuple[int, ...] = ()
    power: float = 1.0
    absolute: bool = False

    form: ClassVar[str] = 'contrast:LAYER,"LAYER"'

    def __call__(self, seen: object) -> object:
        raise NotImplementedError

    def describe(self, net: iv.Network) -> str:
        return "contrast"


@dataclass(frozen=True)
class Brightness(Contrast):
    layer: str = ""
    other: str = ""

    form: ClassVar[str] = "brightness"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (Contrast("a", "b - c"), 'contrast:a,"b - c"'),
        (Contrast("a", "b", (3, 4), 2.0), 'contrast:a,"b",[3,4],2.0'),
        (Contrast("a", "b", absolute=True), 'contrast:a,"b",absolute=true'),
        (Brightness(), "brightness"),
        (Brightness(power=0.5), "brightness:power=0.5"),
        (Brightness("a=b"), 'brightness:"a=b"'),
    ],
)
def test_an_objective_of_ones_own_needs_a_form_and_a_line_in_the_catalogue(
    monkeypatch: pytest.MonkeyPatch, question: Objective, text: str
) -> None:
    monkeypatch.setitem(iv.OBJECTIVES, "contrast", Contrast)
    monkeypatch.setitem(iv.OBJECTIVES, "brightness", Brightness)
    assert str(question) == text
    assert parse_objective(f"2 * {text} - 1") == 2 * question - 1


def test_an_objective_without_a_form_prints_as_in_python() -> None:
    class Plain(iv.Objective):
        __call__ = describe = Contrast.describe

    resemblance = iv.Resemblance("layer3", torch.zeros(9, 1, 1))
    assert str(Plain() + 1) == "Plain() + 1"
    assert str(resemblance) == "Resemblance(layer='layer3', power=0.0)"
