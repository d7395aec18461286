"""Questions about layers: early, in the middle, late, and such as hold windows of images."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import innerview as iv
from innerview.modules.scope import untouched
from innerview.objectives.scoring import score
from zoo.questions.attribution import occlusion
from zoo.sentences import ROWS
from zoo.specimen import Subject

Values = Callable[[Tensor], Tensor]
Kind = Callable[[str, Tensor], tuple[iv.Objective, Values]]


def middle_of(maps: Tensor) -> tuple[int, int]:
    return maps.shape[2] // 2, maps.shape[3] // 2


def channel(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    return iv.Channel(layer, 1), lambda a: a[:, 1].mean((1, 2))


def neuron(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    row, column = middle_of(maps)
    return iv.Neuron(layer, 1, (row, column)), lambda a: a[:, 1, row, column]


def energy(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    return iv.LayerEnergy(layer), lambda a: a.square().mean((1, 2, 3))


def direction(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    vector = torch.linspace(-1, 2, maps.shape[1], dtype=torch.float64)
    asked = iv.Direction(layer, tuple(vector.tolist()))
    return asked, lambda a: torch.einsum("bcyx,c->b", a, vector) / a.shape[2:].numel()


def objective(kind: Kind, place: str, s: Subject) -> None:
    """Its score is that of a plain hook, and its gradient autograd's."""
    layer, leaf = getattr(s, place), s.precise.requires_grad_()
    maps = s.maps(layer, leaf)
    asked, formula = kind(layer, maps)
    expected = formula(maps)
    (gradient,) = torch.autograd.grad(expected.sum(), leaf)
    with untouched(s.net.module):
        s.agree(score(s.net, s.images, asked)[:, None], expected[:, None])
    s.agree(iv.Gradient()(s.net, s.images, asked).values, gradient)


def one_each(s: Subject) -> None:
    """Each image has a question of its own."""
    leaf = s.precise.requires_grad_()
    maps = s.maps(s.late, leaf)
    (gradient,) = torch.autograd.grad(maps[0, 0].mean() + maps[1, 1].mean(), leaf)
    found = iv.Gradient()(s.net, s.images, [iv.Channel(s.late, 0), iv.Channel(s.late, 1)])
    s.agree(found.values, gradient)


def windows(s: Subject) -> None:
    """A layer whose batch axis holds windows is no layer to ask image by image; what it gives can be had."""
    found = iv.activations(s.net, s.images, s.specimen.windows or [s.late])
    expected = s.outputs(s.precise)
    for layer in s.specimen.windows:
        s.agree(found[layer], expected[layer])
        assert layer not in found.grids
        for images, asked in ((s.images, [iv.Channel(layer, 0)] * 2), (s.images[:1], iv.Channel(layer, 0))):
            for method in (iv.Gradient(), occlusion(s)):
                with pytest.raises(iv.InnerviewError, match=ROWS):
                    method(s.net, images, asked)
