"""The lecture's perceptron and its data."""

import pytest
import torch

from innerview.errors import SettingError
from innerview.recording.perceptron import perceptron, points, train


@pytest.mark.parametrize("data", ["moons", "circles", "spirals"])
def test_points_are_standardised_balanced_and_reproducible(data) -> None:
    drawn, classes = points(data, seed=1)
    torch.testing.assert_close(drawn.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(drawn.std(0, correction=0), torch.ones(2))
    assert classes.bincount().tolist() == [200, 200]
    assert torch.equal(points(data, seed=1)[0], drawn)
    assert not torch.equal(points(data, seed=2)[0], drawn)


def test_the_perceptron_is_pytorchs_own_and_leaves_the_random_stream_alone() -> None:
    before = torch.get_rng_state()
    module = perceptron(5, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    assert torch.equal(module[0].weight, torch.nn.Linear(2, 5).weight)


def test_it_learns_and_is_recorded_at_the_lectures_iterations_and_the_last() -> None:
    trained = train("circles", units=8, iterations=60)
    assert trained.recording.iterations == (0, 1, 4, 7, 10, 16, 34, 60)
    assert trained.accuracy > 0.9
    assert torch.equal(trained.recording[60].lines().weights, trained.module[0].weight)
    assert torch.equal(train("circles", units=8, iterations=60).module[0].weight, trained.module[0].weight)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"units": 0}, "units is a whole number, at least 1; got 0"),
        ({"iterations": 0}, "iterations is a whole number, at least 1; got 0"),
    ],
)
def test_settings_outside_their_range(settings, sentence) -> None:
    with pytest.raises(SettingError) as caught:
        train(**settings)
    assert str(caught.value) == sentence
