"""Views combined leave the network and the process as they were, also when they are stopped."""

import pytest
import sklearn.decomposition  # noqa: F401 - its first import adds filters of warnings
import torch
from torch import nn

from fingerprint import fingerprint
from innerview.combined.dictionary import semantic_dictionary
from innerview.combined.grid import activation_grid
from innerview.combined.groups import neuron_groups
from innerview.errors import ImageError, LayerError, SettingError
from innerview.synthesis.canvas import Pixels
from innerview.synthesis.recipe import Recipe
from small_networks import AWKWARD, images, network
from trouble import failing, lived_in

PLAIN = Recipe(canvas=Pixels(), steps=1)
CALLS = {
    "dictionary": lambda net, x, layer: semantic_dictionary(net, x, layer, units=2, recipe=PLAIN),
    "groups": lambda net, x, layer: neuron_groups(net, x, layer, groups=2, recipe=PLAIN),
    "grid": lambda net, x, layer: activation_grid(net, x, layer, most=2, recipe=PLAIN),
}
LAYERS = {"small": "conv2", "functional": "conv2", "residual": "relu", "vit": "block", "last": "mix"}
PAIRS = [(call, kind) for call in CALLS for kind in AWKWARD]
pytestmark = pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`


@pytest.mark.parametrize(("call", "kind"), PAIRS)
def test_success_leaves_everything_as_it_was(call: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images(1)
    before = fingerprint(net.module, x)
    CALLS[call](net, x, LAYERS[kind])
    assert fingerprint(net.module, x) == before


@pytest.mark.parametrize("error", [RuntimeError("broken layer"), KeyboardInterrupt()])
@pytest.mark.parametrize(("call", "kind"), [(call, kind) for call, kind in PAIRS if call != "grid"])
def test_an_exception_leaves_everything_as_it_was(call: str, kind: str, error: BaseException) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images(1)
    net.layers(x)
    with failing(net.module, error):
        before = fingerprint(net.module, x)
        with pytest.raises(type(error)):
            CALLS[call](net, x, LAYERS[kind])
        assert fingerprint(net.module, x) == before
    CALLS[call](net, x, LAYERS[kind])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_the_surrounding_mode_does_not_matter(call: str, around: type) -> None:
    net, x = network(AWKWARD["small"]()), images(1)
    CALLS[call](net, x, "conv2")
    with around():
        CALLS[call](net, x, "conv2")


@pytest.mark.parametrize("call", CALLS)
def test_several_images_are_refused(call: str) -> None:
    net = network(AWKWARD["small"]())
    with pytest.raises(ImageError, match="these views are of one image; got 2"):
        CALLS[call](net, images(2), "conv2")


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_layer_is_refused_with_the_nearest_names(call: str) -> None:
    net = network(AWKWARD["small"]())
    with pytest.raises(LayerError, match="no layer 'conv3' in SmallCNN; did you mean"):
        CALLS[call](net, images(1), "conv3")


@pytest.mark.parametrize("call", CALLS)
def test_the_default_is_the_last_grid_that_the_scores_depend_on(call: str) -> None:
    net, x = network(AWKWARD["small"]()), images(1)
    found, expected = (CALLS[call](net, x, layer) for layer in (None, "relu"))
    assert found.layer == "relu"
    assert found.provenance == expected.provenance
    assert torch.equal(found.alive, expected.alive) if call != "grid" else torch.equal(found.pixels, expected.pixels)


@pytest.mark.parametrize("call", CALLS)
def test_without_such_a_grid_a_layer_has_to_be_named(call: str) -> None:
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)))
    with pytest.raises(SettingError) as refused:
        CALLS[call](net, images(1), None)
    assert str(refused.value) == (
        "Sequential has no grid of features that its scores depend on; name a layer (layer=…, --layer NAME)"
    )
