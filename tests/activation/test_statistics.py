"""A channel in numbers, against values worked out by hand."""

import pytest
import torch

from innerview.activation.statistics import channel_statistics


def test_by_hand() -> None:
    maps = torch.tensor([[[[1.0, 3.0], [0.0, -2.0]], [[0.0, 0.0], [0.0, -1.0]], [[2.0, 2.0], [2.0, 2.0]]]])
    found = channel_statistics(maps)
    assert found.mean.tolist() == [[0.5, -0.25, 2.0]]
    assert found.largest.tolist() == [[3.0, 0.0, 2.0]]
    assert found.active.tolist() == [[0.5, 0.0, 1.0]]
    assert found.sparsity.tolist() == [[0.5, 1.0, 0.0]]
    assert found.dead.tolist() == [[False, True, False]]
    assert found.selectivity[0].tolist() == pytest.approx([1 - 1.0**2 / 2.5, 0.0, 0.0])


@pytest.mark.parametrize("positions", [4, 25, 400])
def test_one_position_alone_is_as_selective_as_it_gets(positions: int) -> None:
    """(mean a)² / mean(a²) = 1 / n for one value among n."""
    maps = torch.zeros(1, 1, 1, positions)
    maps[..., 0] = 1e-20
    assert channel_statistics(maps).selectivity.item() == pytest.approx(1 - 1 / positions)


def test_it_does_not_depend_on_the_strength() -> None:
    maps = torch.rand(2, 5, 6, 6) - 0.3
    assert torch.allclose(channel_statistics(maps).selectivity, channel_statistics(1e6 * maps).selectivity)
