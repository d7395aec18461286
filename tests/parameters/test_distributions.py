"""Histograms of weights: nothing is lost, and the numbers are the weights' own."""

import numpy as np
import pytest
import torch
from torch.nn.utils import prune

import innerview as iv
from innerview.errors import LayerError, SettingError
from small_networks import SmallCNN, network


def test_histograms_are_those_of_numpy_and_hold_every_weight() -> None:
    net = network(SmallCNN())
    found = iv.weight_distributions(net, bins=11)
    assert set(found.layers) >= {"conv1", "conv2"}
    for row, layer in enumerate(found.layers):
        weight = net.module.get_parameter(f"{layer}.weight").detach()
        assert found.counts[row].sum() == weight.numel()
        counts, _ = np.histogram(weight.numpy(), found.edges[row].numpy())
        assert abs(counts - found.counts[row].numpy()).sum() <= 2  # a weight on an edge may fall to either side
        assert found.edges[row, -1] == weight.abs().max() == -found.edges[row, 0]
        assert torch.allclose(found.mean[row], weight.mean())
        assert torch.allclose(found.std[row], weight.std(correction=0))


def test_pruned_weights_are_counted() -> None:
    net = network(SmallCNN())
    prune.l1_unstructured(net.module.conv2, "weight", amount=0.25)
    found = iv.weight_distributions(net, ["conv2"])
    weights = net.module.conv2.weight.numel()
    assert found.zeros.item() == pytest.approx(round(0.25 * weights) / weights)


def test_a_layer_of_zeros_has_a_histogram() -> None:
    net = network(SmallCNN())
    with torch.no_grad():
        net.module.conv1.weight.zero_()
    found = iv.weight_distributions(net, ["conv1"], bins=3)
    assert found.counts.tolist() == [[0, net.module.conv1.weight.numel(), 0]]
    assert found.zeros.item() == 1


def test_weights_that_are_not_finite_are_left_out_of_the_histogram_and_show_in_the_mean() -> None:
    net = network(SmallCNN())
    with torch.no_grad():
        net.module.conv1.weight[0, 0, 0, 0] = float("nan")
    found = iv.weight_distributions(net, ["conv1"])
    assert found.counts.sum() == net.module.conv1.weight.numel() - 1
    assert found.mean.isnan().all()


def test_mistakes_are_named() -> None:
    net = network(SmallCNN())
    with pytest.raises(SettingError, match=r"^bins is a whole number, at least 1; got 0$"):
        iv.weight_distributions(net, bins=0)
    with pytest.raises(LayerError, match=r"^no layer 'conv7' in SmallCNN; did you mean 'conv"):
        iv.weight_distributions(net, ["conv7"])
