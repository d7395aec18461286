"""What is remembered of a network is true of it, whatever happens to its module."""

import copy
import pickle

import pytest
import torch
from torch import nn

from innerview.network.memory import Memory
from small_networks import SmallCNN, images, network


class Counting:
    """How often something was computed."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.mark.parametrize("weights", [False, True])
def test_what_is_known_is_not_computed_again(weights: bool) -> None:
    memory, module = Memory(), SmallCNN()
    assert [memory.recall("key", Counting(), module, weights=weights) for _ in range(2)] == [1, 1]
    count = Counting()
    assert [memory.recall(key, count, module, weights=weights) for key in ("one", "other", "one")] == [1, 2, 1]


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module, "conv1", copy.deepcopy(module.conv1)),
        lambda module: module.add_module("another", nn.ReLU()),
        lambda module: module.__delattr__("conv2"),
        lambda module: module._modules.update(renamed=module._modules.pop("conv2")),
    ],
    ids=["exchanged", "added", "removed", "renamed"],
)
def test_another_structure_is_computed_again(change, weights: bool) -> None:
    memory, module, count = Memory(), SmallCNN(), Counting()
    memory.recall("key", count, module, weights=weights)
    change(module)
    assert memory.recall("key", count, module, weights=weights) == 2


def written(module: nn.Module) -> None:
    with torch.no_grad():
        module.conv1.weight[0, 0, 0, 0] += 1


def counted(module: nn.Module) -> None:
    module.norm.num_batches_tracked += 1


def replaced(module: nn.Module) -> None:
    module.conv1.weight = nn.Parameter(module.conv1.weight.detach().clone())


@pytest.mark.parametrize("change", [written, counted, replaced])
def test_other_weights_matter_only_to_what_was_computed_of_them(change) -> None:
    memory, module, of_weights, of_structure = Memory(), SmallCNN(), Counting(), Counting()
    for times in (1, 2):
        assert memory.recall("key", of_weights, module, weights=True) == times
        assert memory.recall("key", of_structure, module) == 1
        change(module)


def test_an_exchanged_module_is_noticed_even_where_the_new_one_has_the_old_one_s_place_in_memory() -> None:
    memory, module, count = Memory(), nn.Sequential(nn.ReLU()), Counting()
    for times in range(1, 50):
        assert memory.recall("key", count, module) == times
        module[0] = nn.Identity()
        module[0] = nn.ReLU()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda memory: pickle.loads(pickle.dumps(memory))])
def test_a_copy_remembers_nothing(duplicate) -> None:
    memory, module, count = Memory(), SmallCNN(), Counting()
    memory.recall("key", count, module)
    assert duplicate(memory).recall("key", count, module) == 2


def test_what_could_not_be_computed_is_tried_again() -> None:
    memory, module = Memory(), SmallCNN()

    def fail() -> int:
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"):
        memory.recall("key", fail, module)
    assert memory.recall("key", Counting(), module) == 1


def test_the_layers_of_a_network_follow_its_structure() -> None:
    net = network(SmallCNN())
    before = net.layers(images())
    assert net.layers(images()) is before
    net.module.fc = nn.Sequential(net.module.fc)
    assert [each.name for each in net.layers(images())][-2:] == ["fc", "fc.0"]
