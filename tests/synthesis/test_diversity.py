"""The likeness of several starts, against loops; and that less of it is left when it counts."""

from dataclasses import replace

import pytest
import torch

import innerview as iv
from innerview.network.seen import Seen
from innerview.synthesis.diversity import Diverse
from innerview.synthesis.recipe import LUCID
from innerview.synthesis.synthesize import synthesize
from small_networks import SmallCNN, network


def likeness(maps: torch.Tensor, others: list[torch.Tensor], starts: int) -> float:
    """Of one picture to the others of its group, with channels compared at the same places."""

    def gram(one: torch.Tensor) -> torch.Tensor:
        channels = one.shape[0]
        entries = torch.tensor([[float((one[i] * one[j]).sum()) for j in range(channels)] for i in range(channels)])
        return entries / entries.square().sum().sqrt()

    return sum(float((gram(maps) * gram(other)).sum()) for other in others) / starts


@pytest.mark.parametrize("views", [1, 2])
def test_the_likeness_is_a_sum_over_the_other_pictures_of_the_group(views: int) -> None:
    maps = torch.randn(2 * 3 * views, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    seen = Seen({"layer": maps}, None)
    why = iv.Channel("layer", 1)
    found = why(seen) - Diverse(why, starts=3, views=views, weight=2.0)(seen)
    expected = []
    for row in range(len(maps)):
        group, view = row // (3 * views), row % views
        members = [group * 3 * views + start * views + view for start in range(3)]
        expected.append(2 * likeness(maps[row], [maps[other] for other in members if other != row], 3))
    torch.testing.assert_close(found, torch.tensor(expected))


def test_diverse_pictures_are_less_alike() -> None:
    net = network(SmallCNN())
    results = {}
    for weight in (0.0, 3.0):
        recipe = replace(LUCID, diversity=weight)
        images = synthesize(net, iv.Channel("conv2", 2), recipe=recipe, starts=3, steps=25).pixels
        maps = iv.activations(net, net.preprocess.normalise(images), ["conv2"])["conv2"]
        results[weight] = sum(likeness(maps[i], [maps[j] for j in range(3) if j != i], 3) for i in range(3))
    assert results[3.0] < results[0.0]


def test_an_objective_without_a_layer_has_nothing_to_compare() -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        synthesize(network(SmallCNN()), iv.Logit(0), recipe=replace(LUCID, diversity=1.0), starts=2)
    assert str(refused.value) == (
        "diversity compares what a layer shows, and this objective reads none; add one of weight 0: "
        'Logit(3) + 0 * LayerEnergy("layer4")'
    )
