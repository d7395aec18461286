"""What every attribution method promises, checked for each method of the catalogue on awkward networks."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

import innerview as iv
from fingerprint import fingerprint
from small_networks import AWKWARD, images, network
from trouble import failing, lived_in

SETTINGS = {
    iv.Occlusion: {"window": 4, "stride": 2},
    iv.SmoothGrad: {"samples": 3},
    iv.VarGrad: {"samples": 3},
    iv.IntegratedGradients: {"points": 3},
    iv.RISE: {"masks": 6, "cells": 3},
}
METHODS = {name: kind(**SETTINGS.get(kind, {})) for name, kind in iv.METHODS.items()}
ONLY_TRANSFORMERS = {"attentionrollout"}
NOT_TRANSFORMERS = {"cam", "lrp"}
PAIRS = [
    (method, net)
    for method in METHODS
    for net in AWKWARD
    if method not in (NOT_TRANSFORMERS if net == "vit" else ONLY_TRANSFORMERS)
]


def suitable(method: str) -> str:
    """A kind of network that the method can be applied to."""
    return "vit" if method in ONLY_TRANSFORMERS else "small"


def suits(method: str) -> iv.Network:
    return network(AWKWARD[suitable(method)]())


def explain(method: str, net: iv.Network, x: Tensor, why: object) -> iv.Attribution:
    return METHODS[method](net, x, why)


@cache
def plain(method: str, kind: str) -> iv.Attribution:
    """The answer of a network as it was made: nothing looked at it before, and it is in training mode."""
    return explain(method, network(AWKWARD[kind]()), images(), iv.Logit(1))


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_success_leaves_everything_as_it_was(method: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    before = fingerprint(net.module, x)
    explain(method, net, x, iv.Logit(1))
    assert fingerprint(net.module, x) == before


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_a_wrong_target_leaves_everything_as_it_was(method: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    before = fingerprint(net.module, x)
    with pytest.raises(iv.InnerviewError, match="this network has classes 0 to 4; got 99"):
        explain(method, net, x, iv.Logit(99))
    assert fingerprint(net.module, x) == before


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_an_exception_passes_through_and_leaves_everything_as_it_was(method: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    net.layers(x)
    for error in (RuntimeError("broken layer"), IndexError("broken layer"), KeyboardInterrupt()):
        with failing(net.module, error):
            before = fingerprint(net.module, x)
            with pytest.raises(type(error)):
                explain(method, net, x, iv.Logit(1))
            assert fingerprint(net.module, x) == before
    explain(method, net, x, iv.Logit(1))


@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_a_batch_is_a_loop_of_singles(method: str, kind: str) -> None:
    net, x = network(AWKWARD[kind]()), images(3)
    asked = [iv.Logit(0), iv.Probability(1), iv.Logit(2) - iv.Logit(3)]
    together = explain(method, net, x, asked).values
    apart = torch.cat([explain(method, net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_the_same_call_gives_the_same_numbers(method: str, kind: str) -> None:
    net, x = network(AWKWARD[kind]()), images()
    first = explain(method, net, x, iv.Logit(1))
    torch.rand(7)
    second = explain(method, net, x, iv.Logit(1))
    assert torch.equal(first.values, second.values)
    assert first.provenance == second.provenance


@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_training_mode_does_not_change_the_answer(method: str, kind: str) -> None:
    net = network(AWKWARD[kind]())
    net.module.eval()
    assert torch.equal(explain(method, net, images(), iv.Logit(1)).values, plain(method, kind).values)


@pytest.mark.parametrize("around", [torch.no_grad, torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize("method", METHODS)
def test_it_works_whatever_gradient_mode_is_on(method: str, around: Callable) -> None:
    net, x, expected = suits(method), images(), plain(method, suitable(method)).values
    with around():
        values = explain(method, net, x, iv.Logit(1)).values
    assert torch.equal(values, expected)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_question_it_explains_each_images_top_class(method: str) -> None:
    net, x = suits(method), images(3)
    tops = [iv.Logit(each[0].index) for each in net.predict(x)]
    assert torch.equal(METHODS[method](net, x).values, METHODS[method](net, x, tops).values)


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_networks_give_single_precision_maps_close_to_the_truth(method: str) -> None:
    net = suits(method)
    half = iv.Network(net.module.to(torch.bfloat16), net.preprocess)
    values = explain(method, half, images(), iv.Logit(1)).values.float()
    assert torch.cosine_similarity(values.flatten(), plain(method, suitable(method)).values.flatten(), dim=0) > 0.97


@pytest.mark.parametrize("method", METHODS)
def test_double_precision_stays_double(method: str) -> None:
    net = iv.Network(suits(method).module.double(), suits(method).preprocess)
    assert explain(method, net, images(), iv.Logit(1)).values.dtype == torch.float64


@pytest.mark.parametrize("method", METHODS)
def test_other_memory_layouts_give_the_same_numbers(method: str) -> None:
    net, x = suits(method), images()
    for same in (x.to(memory_format=torch.channels_last), x.transpose(2, 3).contiguous().transpose(2, 3)):
        values = explain(method, net, same, iv.Logit(1)).values
        torch.testing.assert_close(values, plain(method, suitable(method)).values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_result_survives_saving(method: str, tmp_path) -> None:
    result = explain(method, suits(method), images(), [iv.Logit(1), iv.Logit(2)])
    result.save(tmp_path / "why.safetensors")
    again = iv.read(tmp_path / "why.safetensors")
    assert torch.equal(again.values, result.values)
    assert torch.equal(again.pictures, result.pictures)
    assert torch.equal(again.heatmap(), result.heatmap())
    assert again.provenance == result.provenance


@pytest.mark.parametrize("method", METHODS)
def test_the_heatmap_has_the_inputs_resolution(method: str) -> None:
    assert plain(method, suitable(method)).heatmap().shape == (2, 8, 8)


@pytest.mark.parametrize("method", METHODS)
def test_the_heatmap_is_a_magnitude_where_the_sign_does_not_tell_for_from_against(method: str) -> None:
    result = plain(method, suitable(method))
    assert result.signed or result.heatmap().min() >= 0


@pytest.mark.parametrize("kind", iv.METHODS.values(), ids=iv.METHODS)
def test_the_catalogue_says_what_each_method_is(kind: type[iv.Method]) -> None:
    about = kind.about
    assert all((about.title, about.reference, about.cost, about.needs))
    assert kind.__doc__
    assert "Reference:" in kind.__doc__
