"""What may stand for a question, in every function that takes one; and what may not stand for a network."""

import inspect
from contextlib import ExitStack

import numpy as np
import pytest
import torch

import innerview as iv
from innerview.errors import LabelError, MethodError, NetworkError, ObjectiveError, SettingError
from innerview.objectives import as_objective
from small_networks import SmallCNN, images, network

LABELS = ["ox", "bison", "gnu", "yak", "cow"]
BOTH = iv.PerImage((iv.Logit(3), iv.Logit(0)))
FAST = {"steps": 2, "canvas": iv.Pixels(size=8)}


def labelled() -> iv.Network:
    return network(SmallCNN(), labels=LABELS)


@pytest.mark.parametrize(
    ("what", "objective"),
    [
        ("yak", iv.Logit(3)),
        (3, iv.Logit(3)),
        (np.int64(3), iv.Logit(3)),
        (torch.tensor(3), iv.Logit(3)),
        (iv.Logit("yak"), iv.Logit(3)),
        (["yak", 0], BOTH),
        (("yak", iv.Logit("ox")), BOTH),
        (np.array([3, 0]), BOTH),
        (torch.tensor([3, 0]), BOTH),
        (BOTH, BOTH),
        (iv.Channel("conv2", 1) - iv.Logit("yak"), iv.Channel("conv2", 1) - iv.Logit(3)),
    ],
    ids=repr,
)
def test_it_stands_for_the_objective(what: object, objective: iv.Objective) -> None:
    assert as_objective(labelled(), what, images(2)) == objective


def test_nothing_stands_for_each_images_most_probable_class() -> None:
    net, x = labelled(), images(4)
    tops = tuple(iv.Logit(index) for index in net.logits(x).argmax(1).tolist())
    assert as_objective(net, None, x) == iv.PerImage(tops)


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [
        ("bisom", LabelError, "no class is called 'bisom'"),
        (
            1.5,
            ObjectiveError,
            "a question is an Objective, such as Channel('layer3', 42), a class by index or name, one of these for "
            "each image, or None for each image's most probable class; got float",
        ),
        (torch.tensor(1.5), ObjectiveError, "most probable class; got float"),
        ([[1, 2]], ObjectiveError, "most probable class; got list"),
        ([1, 2, 3], ObjectiveError, "give one objective for all images or one per image; got 3 for 2"),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("unchecked_types")
def test_what_is_no_question_is_refused(what: object, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as refused:
        as_objective(labelled(), what, images(2))
    assert sentence in str(refused.value)


@pytest.mark.usefixtures("unchecked_types")
def test_without_an_image_there_is_no_most_probable_class() -> None:
    with pytest.raises(ObjectiveError) as refused:
        iv.synthesize(labelled(), None, **FAST)
    assert str(refused.value) == ("without an image there is no most probable class; ask for an objective or a class")


def shifted(net: iv.Network, why: object) -> torch.Tensor:
    attack = iv.attack(net, images(1).sigmoid(), iv.FGSM(0.1))
    return iv.shift(net, attack, iv.Gradient(), why).after.values


ASKS = {
    "method": lambda net, why: iv.Gradient()(net, images(1), why).values,
    "dream": lambda net, why: iv.dream(net, images(1), why, octaves=1, how=iv.Octaves(steps=2)).pixels,
    "synthesize": lambda net, why: iv.synthesize(net, why, **FAST).pixels,
    "dictionary": lambda net, why: (
        iv.semantic_dictionary(net, images(1), "conv2", objective=why, units=1, **FAST).contributions
    ),
    "groups": lambda net, why: iv.neuron_groups(net, images(1), "relu", objective=why, groups=1, **FAST).contributions,
    "shift": shifted,
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_every_function_takes_a_class_by_index_or_name(ask) -> None:
    expected = ask(labelled(), iv.Logit(3))
    assert torch.equal(ask(labelled(), 3), expected)
    assert torch.equal(ask(labelled(), "yak"), expected)


TAKES_A_NETWORK = {
    name: each
    for name in dir(iv)
    if inspect.isfunction(each := getattr(iv, name)) and next(iter(inspect.signature(each).parameters), "") == "net"
}


@pytest.mark.parametrize("name", TAKES_A_NETWORK)
@pytest.mark.usefixtures("unchecked_types")
def test_a_bare_module_is_refused_with_the_right_call(name: str) -> None:
    needed = [
        each for each in inspect.signature(TAKES_A_NETWORK[name]).parameters.values() if each.default is each.empty
    ]
    with pytest.raises(NetworkError) as refused, ExitStack() as stack:
        stack.enter_context(TAKES_A_NETWORK[name](SmallCNN(), *[images(1) for _ in needed[1:]]))
    assert str(refused.value) == (
        "innerview looks at a Network; got SmallCNN. "
        "Make one: net = iv.Network(module, iv.Preprocess(size=224), labels=[…])"
    )


@pytest.mark.usefixtures("unchecked_types")
def test_methods_refuse_what_is_no_network() -> None:
    with pytest.raises(NetworkError, match="innerview looks at a Network; got SmallCNN"):
        iv.GradCAM()(SmallCNN(), images())
    with pytest.raises(NetworkError, match=r'got str. Make one: net = iv.load\("torchvision/resnet50"\) or iv.Network'):
        iv.GradCAM()("builtin/lenet", images())


@pytest.mark.parametrize("kind", iv.METHODS.values(), ids=iv.METHODS)
@pytest.mark.parametrize("net", [labelled(), SmallCNN()], ids=["network", "module"])
@pytest.mark.usefixtures("unchecked_types")
def test_a_network_among_the_settings_is_refused(kind: type[iv.Method], net: object) -> None:
    with pytest.raises(SettingError) as refused:
        kind(net, images())
    name = kind.__name__
    assert str(refused.value) == (
        f"{name} is made of its settings and then asked, as in iv.{name}()(net, images, question); "
        f"got {type(net).__name__} as a setting"
    )


def test_what_a_network_cannot_answer_is_still_the_methods_to_say() -> None:
    with pytest.raises(MethodError):
        iv.AttentionRollout()(labelled(), images(), "ox")
