"""Priors against loops over pixels."""

import math

import pytest
import torch

import innerview as iv
from innerview.synthesis.priors import L1, L2, EdgeEnergy, TotalVariation
from innerview.synthesis.recipe import Recipe

X = torch.randn(2, 3, 13, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_lengths_are_sums_over_all_entries() -> None:
    flat = X.flatten(1).tolist()
    assert L2(1.0)(X).tolist() == pytest.approx([sum(v * v for v in each) for each in flat])
    assert L1(1.0)(X).tolist() == pytest.approx([sum(abs(v) for v in each) for each in flat])


def test_total_variation_adds_up_the_steps_between_neighbours() -> None:
    image = torch.zeros(1, 1, 5, 6)
    image[0, 0, 1:3, 2:5] = 2.0
    assert TotalVariation(1.0)(image).tolist() == [2.0 * (2 + 2 + 3 + 3)]


def blurred(image: list[list[float]]) -> list[list[float]]:
    """The 5 × 5 Gaussian of deviation 1, entry by entry, with zeros around the image."""
    rows, columns = len(image), len(image[0])
    weights = {(i, j): math.exp(-(i * i + j * j) / 2) for i in range(-2, 3) for j in range(-2, 3)}
    total = sum(weights.values())

    def at(y: int, x: int) -> float:
        return image[y][x] if 0 <= y < rows and 0 <= x < columns else 0.0

    return [
        [sum(w * at(y + i, x + j) for (i, j), w in weights.items()) / total for x in range(columns)]
        for y in range(rows)
    ]


def halved(image: list[list[float]]) -> list[list[float]]:
    """Means over 2 × 2 pixels of the image with a border of zeros."""
    columns = len(image[0])
    wide = [[0.0] * (columns + 2), *([0.0, *row, 0.0] for row in image), [0.0] * (columns + 2)]
    return [
        [(wide[y][x] + wide[y][x + 1] + wide[y + 1][x] + wide[y + 1][x + 1]) / 4 for x in range(0, len(wide[0]) - 1, 2)]
        for y in range(0, len(wide) - 1, 2)
    ]


def edge_energy(image: list[list[float]]) -> float:
    energy = 0.0
    while min(len(image), len(image[0])) > 5:
        soft = blurred(image)
        energy += sum((a - b) ** 2 for one, two in zip(image, soft, strict=True) for a, b in zip(one, two, strict=True))
        image = halved(image)
    return energy


def test_edge_energy_is_its_definition() -> None:
    x = torch.randn(2, 3, 25, 14, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = [sum(edge_energy(channel.tolist()) for channel in image) for image in x]
    assert EdgeEnergy(1.0)(x).tolist() == pytest.approx(expected)


def test_edge_energy_of_a_wave_falls_with_its_length() -> None:
    place = torch.arange(64.0)
    energies = []
    for length in (4, 8, 16, 32):
        wave = torch.sin(2 * torch.pi * place / length).expand(1, 1, 64, 64)
        energies.append(float(EdgeEnergy(1.0)(wave)))
    assert energies == sorted(energies, reverse=True)


@pytest.mark.parametrize("prior", [L1(1.0), L2(1.0), TotalVariation(1.0), EdgeEnergy(1.0)])
def test_a_picture_of_the_mean_colour_costs_nothing(prior) -> None:
    assert prior(torch.zeros(1, 3, 16, 16)).tolist() == [0.0]


def test_a_recipe_adds_its_weighted_priors() -> None:
    recipe = Recipe(priors=(L1(2.0), L2(0.5)))
    torch.testing.assert_close(recipe.penalty(X), 2 * L1(1.0)(X) + 0.5 * L2(1.0)(X))
    assert Recipe().penalty(X).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        L2(weight)
    assert str(refused.value) == f"weight is a number, at least 0; got {weight}"
