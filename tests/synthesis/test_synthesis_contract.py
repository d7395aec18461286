"""Synthesis leaves the network and the process as they were, also when it is stopped."""

import pytest
import torch
from torch import Tensor

import innerview as iv
from fingerprint import fingerprint
from innerview.synthesis.caricature import caricature
from innerview.synthesis.dream import Octaves, dream
from innerview.synthesis.recipe import LECTURE, LUCID, MACO
from innerview.synthesis.synthesize import synthesize
from small_networks import AWKWARD, images, network
from trouble import failing, lived_in

CALLS = {
    "lucid": lambda net, x, why: synthesize(net, why, recipe=LUCID, steps=2),
    "lecture": lambda net, x, why: synthesize(net, why, recipe=LECTURE, steps=2),
    "maco": lambda net, x, why: synthesize(net, why, recipe=MACO, steps=2, starts=2),
    "dream": lambda net, x, why: dream(net, x, why, octaves=1, how=Octaves(steps=2)),
}
PAIRS = [(call, kind) for call in ("lucid", "lecture", "maco", "dream") for kind in AWKWARD]
pytestmark = pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`


@pytest.mark.parametrize(("call", "kind"), PAIRS)
def test_success_leaves_everything_as_it_was(call: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    before = fingerprint(net.module, x)
    CALLS[call](net, x, iv.Logit(1))
    assert fingerprint(net.module, x) == before


@pytest.mark.parametrize(("kind", "layer"), [("small", "conv2"), ("vit", "block"), ("last", "mix")])
def test_a_caricature_leaves_everything_as_it_was(kind: str, layer: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    before = fingerprint(net.module, x)
    caricature(net, x, layer, steps=2)
    assert fingerprint(net.module, x) == before


@pytest.mark.parametrize("error", [RuntimeError("broken layer"), KeyboardInterrupt()])
@pytest.mark.parametrize(("call", "kind"), PAIRS)
def test_an_exception_leaves_everything_as_it_was(call: str, kind: str, error: BaseException) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), images()
    net.layers(x)
    with failing(net.module, error):
        before = fingerprint(net.module, x)
        with pytest.raises(type(error)):
            CALLS[call](net, x, iv.Logit(1))
        assert fingerprint(net.module, x) == before
    CALLS[call](net, x, iv.Logit(1))


@pytest.mark.parametrize("call", ["lucid", "maco", "dream"])
def test_training_mode_does_not_change_the_pictures(call: str) -> None:
    net, x = network(AWKWARD["small"]()), images()
    training: Tensor = CALLS[call](net, x, iv.Logit(1)).pixels
    net.module.eval()
    assert torch.equal(CALLS[call](net, x, iv.Logit(1)).pixels, training)
