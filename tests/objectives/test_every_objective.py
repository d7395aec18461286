"""What every objective promises, checked for each kind of the catalogue on layers of maps and of tokens."""

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor

import innerview as iv
from innerview.modules.scope import untouched
from innerview.objectives import as_objective
from innerview.objectives.scoring import input_gradient, score
from innerview.passes.forward import forward
from objectives.examples import example
from small_networks import ChannelsLast, SmallCNN, TinyViT, images, network

LABELS = ["ox", "bison", "gnu", "yak", "cow"]
LAYERS = {SmallCNN: ("conv2", 6), ChannelsLast: ("mix", 6), TinyViT: ("block", 8)}
PIXELS = images().sigmoid()

kinds = pytest.mark.parametrize("kind", iv.OBJECTIVES)
asked = pytest.mark.parametrize(("kind", "module"), [(kind, module) for module in LAYERS for kind in iv.OBJECTIVES])


def subject(kind: str, module: type = SmallCNN, *, precise: bool = False) -> tuple[iv.Network, iv.Objective]:
    net = network(module(), labels=LABELS)
    net = iv.Network(net.module.double(), net.preprocess, labels=LABELS) if precise else net
    return net, as_objective(net, example(kind, *LAYERS[module]))


def value(net: iv.Network, x: Tensor, objective: iv.Objective) -> Tensor:
    with untouched(net.module):
        return score(net, x, objective)


@kinds
def test_the_catalogue_says_how_it_is_written(kind: str) -> None:
    of = iv.OBJECTIVES[kind]
    assert isinstance(example(kind, "conv2", 6), of)
    assert of.kind() == kind
    assert re.match(r"\w+", of.form)[0] == kind
    assert of.__doc__


@asked
def test_it_is_bound_and_described_in_one_line(kind: str, module: type) -> None:
    net, why = subject(kind, module)
    assert why.bind(net) == why
    assert why.describe(net)
    assert "\n" not in why.describe(net)


@kinds
def test_what_it_prints_is_read_as_itself_alone_and_in_sums(kind: str) -> None:
    _, why = subject(kind)
    for question in (why, -why, 2 * why - 1, why - (why + why) * why, iv.PerImage((why, iv.Logit("ox") - why))):
        assert iv.parse_objective(str(question)) == question
    assert str(why).startswith(f"{kind}:")


@asked
def test_its_gradient_is_a_finite_difference(kind: str, module: type) -> None:
    """In double precision, along a random direction: the error of the difference is that of its step squared."""
    net, why = subject(kind, module, precise=True)
    x, direction, step = images().double(), images(seed=5).double(), 1e-5
    with untouched(net.module):
        slope = (input_gradient(net, x, why).gradient * direction).sum((1, 2, 3))
    above, below = (value(net, x + sign * step * direction, why) for sign in (1, -1))
    torch.testing.assert_close(slope, (above - below) / (2 * step), rtol=1e-5, atol=1e-9)
    assert slope.abs().min() > 1e-6


@asked
def test_an_image_is_answered_as_if_it_were_alone(kind: str, module: type) -> None:
    net, why = subject(kind, module, precise=True)
    x, other = images(3).double(), iv.Logit(3) - 1
    alone = torch.cat([value(net, x[[i]], why) for i in range(3)])
    torch.testing.assert_close(value(net, x, why), alone)
    mixed = value(net, x, iv.PerImage((why, other, why)))
    torch.testing.assert_close(mixed, torch.stack([alone[0], value(net, x, other)[1], alone[2]]))
    torch.testing.assert_close(value(net, x, 2 * why - why * why), 2 * alone - alone**2)


@asked
def test_occlusion_by_regions_gives_the_values_of_whole_passes(kind: str, module: type) -> None:
    net, why = subject(kind, module, precise=True)
    by_regions, whole = (
        iv.Occlusion(window=4, stride=2, regions=regions)(net, images().double(), why) for regions in (True, False)
    )
    torch.testing.assert_close(by_regions.values, whole.values)
    assert whole.values.abs().max() > 0
    assert whole.provenance.asked == (str(why),)
    assert iv.parse_objective(whole.provenance.asked[0]) == why


@asked
def test_the_picture_made_for_it_has_the_score_that_is_told(kind: str, module: type) -> None:
    """The pass of a climb may leave out channels and pixels that it does not read; its gradient is the whole one."""
    net, why = subject(kind, module, precise=True)
    made = iv.synthesize(net, why, recipe=iv.Recipe(iv.Pixels(size=8)), steps=2, snapshots=[1])
    again = value(net, net.preprocess.normalise(made.pixels).double(), why)
    torch.testing.assert_close(made.scores.double(), again, rtol=1e-4, atol=1e-6)  # pictures are in single precision
    assert bool(made.alive.all())
    assert not torch.equal(made.pixels, made.snapshots[0])
    assert made.provenance.asked == (str(why),)


@asked
def test_an_attack_lowers_it(kind: str, module: type) -> None:
    net, why = subject(kind, module, precise=True)
    found = iv.attack(net, PIXELS.double(), iv.PGD(0.02, steps=3), objective=why)
    torch.testing.assert_close(-found.raised[:, 0], value(net, found.inputs, why))
    torch.testing.assert_close(-found.raised[:, -1], value(net, found.adversarial, why))
    assert (found.raised[:, -1] > found.raised[:, 0]).all()
    assert found.provenance.asked == (str(why), str(why))


def sisters(why: iv.Objective, net: iv.Network, channels: int) -> list[iv.Objective]:
    """The same question about every class, or about every channel of the layer."""
    if isinstance(why, iv.Logit):
        return [replace(why, target=index) for index in range(len(LABELS))]
    return [replace(why, channel=index) for index in range(channels)]


@asked
def test_its_rank_is_its_place_among_its_sisters(kind: str, module: type) -> None:
    net, why = subject(kind, module, precise=True)
    layer, channels = LAYERS[module]
    x = images(8).double()
    with untouched(net.module), torch.no_grad():
        seen = forward(net, x, record=(layer,))
        ranks, line = why.rank(seen), why.line(seen)
        mixed = iv.PerImage((why, iv.LayerEnergy(layer)) * 4).rank(seen)
    assert mixed.tolist() == [rank if image % 2 == 0 else 0 for image, rank in enumerate(ranks.tolist())]
    if line is None:
        assert ranks.tolist() == [0] * 8
        return
    every = torch.stack([value(net, x, each) for each in sisters(why, net, channels)], 1)
    places = every.argsort(1, descending=True).tolist()
    assert ranks.tolist() == [row.index(line[1]) + 1 for row in places]
    assert ranks.max() > 1


@kinds
def test_the_score_card_takes_it(kind: str) -> None:
    net, why = subject(kind)
    made = iv.synthesize(net, why, recipe=iv.Recipe(iv.Pixels(size=8)), steps=1)
    card = iv.score_card(net, made, why, PIXELS)
    with untouched(net.module), torch.no_grad():
        seen = forward(net, net.preprocess.normalise(made.pixels), record=why.layers)
    assert card.ranks.tolist() == why.rank(seen).tolist()
    assert bool(card.probabilities.isnan().all()) == (why.class_asked is None)
    torch.testing.assert_close(card.scores, made.scores)
