"""Distributions against NumPy."""

import numpy as np
import pytest
import torch
from torch import nn
from training_run import FIXED

from innerview.recording.recorder import Recorder
from innerview.recording.statistics import BINS, Distribution, Statistics
from small_networks import SmallCNN


def measured(module: nn.Module, probe: Statistics) -> dict[str, Distribution]:
    return Recorder(module, [probe]).recording()[0].distributions()


def test_weights_are_those_of_every_layer_with_kernels() -> None:
    module = SmallCNN()
    with torch.no_grad():
        module.fc.weight[:2] = 0
    found = measured(module, Statistics())
    assert sorted(found) == ["weights/conv1", "weights/conv2", "weights/fc"]
    values, seen = module.fc.weight.detach().numpy(), found["weights/fc"]
    numbers = (seen.lowest, seen.highest, seen.mean, seen.std)
    np.testing.assert_allclose(numbers, (values.min(), values.max(), values.mean(), values.std()), rtol=1e-5)
    assert (seen.zeros, seen.finite) == (pytest.approx(0.4), 1)
    assert np.isnan(seen.dead)
    counts, edges = np.histogram(values, BINS)
    np.testing.assert_allclose(seen.edges, edges, rtol=1e-4, atol=1e-6)
    assert seen.counts.sum() == values.size
    assert np.abs(seen.counts.numpy() - counts).sum() <= 2  # values on an edge may go to either side


def test_activations_say_how_many_channels_are_dead() -> None:
    module = SmallCNN().eval()
    with torch.no_grad():
        module.conv2.weight[:2] = 0
        module.conv2.bias[:2] = torch.tensor([-1.0, 0.5])
    found = measured(module, Statistics(FIXED, ["conv2", "fc"]))
    values = module.conv2(module.relu(module.norm(module.conv1(FIXED)))).detach()
    seen = found["activations/conv2"]
    assert seen.dead == (values.amax((0, 2, 3)) <= 0).float().mean() >= 1 / 6
    assert seen.mean == pytest.approx(values.mean().item(), rel=1e-5)
    assert not np.isnan(found["activations/fc"].dead)


def test_a_network_that_diverged_is_recorded_all_the_same() -> None:
    module = SmallCNN()
    with torch.no_grad():
        module.fc.weight[0] = torch.nan
        module.conv1.weight.fill_(torch.inf)
    found = measured(module, Statistics())
    assert found["weights/fc"].finite == pytest.approx(0.8)
    assert np.isfinite(found["weights/fc"].mean)
    assert (found["weights/conv1"].finite, found["weights/conv1"].mean) == (0, 0)


def test_a_layer_of_one_value_has_all_its_weights_in_one_bin() -> None:
    module = nn.Linear(4, 4)
    nn.init.constant_(module.weight, 0.5)
    seen = measured(nn.Sequential(module), Statistics())["weights/0"]
    assert (seen.lowest, seen.highest, seen.std) == (0.5, 0.5, 0)
    assert seen.counts.max() == seen.counts.sum() == 16
