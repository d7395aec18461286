"""What a network looks for, how fragile it is, and the building blocks of an answer."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

import innerview as iv
from zoo.specimen import Subject, as_maps

FEW = iv.Recipe(canvas=iv.Pixels(), learning_rate=0.1, steps=4)
ONE = replace(FEW, steps=1)


def synthesis(s: Subject) -> None:
    """A few steps raise what is asked, and the score is that of the picture."""
    made = iv.synthesize(s.net, s.why, recipe=FEW)
    s.agree(made.scores[:, None], s.answer(made.inputs.double())[:, None])
    assert bool((made.scores > made.curve[0]).all())


def attack(s: Subject) -> None:
    """A small step along the gradient raises what it raises; classes before and after are the module's own."""
    found = iv.attack(s.net, s.images, iv.FGSM(epsilon=1e-4))
    before, after = (s.scores(each.double()).argmax(1) for each in (found.inputs, found.adversarial))
    assert torch.equal(found.classes, torch.stack([before, after], 1))
    assert bool((found.raised[:, 1] > found.raised[:, 0]).all())
    assert float(found.difference.abs().max()) < 1.01e-4


def lowering(s: Subject) -> None:
    """Of any network whatever is asked is lowered; the score before and after is the module's own."""
    found = iv.attack(s.net, s.images, iv.FGSM(epsilon=1e-4), objective=s.why)
    before, after = (s.answer(each.double()) for each in (found.inputs, found.adversarial))
    s.agree(-found.raised, torch.stack([before, after], 1))
    assert bool((after < before).all())


def contributions(s: Subject) -> Tensor:
    """a ⊙ ∂s / ∂a of the first image at the middle layer, by plain hooks: [channel, row, column]."""
    axes = s.layers[s.middle]
    values, gradients = s.gradient_at(s.middle)
    return as_maps(values * gradients, axes)[0].detach()


def dictionary(s: Subject) -> None:
    """The contributions of the position are activation times gradient."""
    found = iv.semantic_dictionary(s.net, s.images[:1], s.middle, units=2, objective=s.why, recipe=ONE)
    row, column = found.position
    there = contributions(s)[:, row, column]
    s.agree(found.contribution[None, None], there.sum()[None, None])
    s.agree(found.contributions[None], there[found.units][None])


def groups(s: Subject) -> None:
    """What the groups and the remainder contribute adds up to what the layer does."""
    found = iv.neuron_groups(s.net, s.images[:1], s.middle, groups=2, objective=s.why, recipe=ONE)
    expected = contributions(s)
    gap = found.contributions.sum() + found.remainder - expected.sum()
    assert float(gap.abs() / expected.abs().sum()) < 1e-6  # the factors are found in double precision


def grid(s: Subject) -> None:
    """The magnitudes are the lengths of the activation vectors, averaged over quarters."""
    found = iv.activation_grid(s.net, s.images[:1], s.middle, most=2, canvas=iv.Pixels(), recipe=ONE)
    maps = s.maps(s.middle, s.precise[:1])
    s.agree(found.magnitudes[None], functional.adaptive_avg_pool2d(maps, 2).norm(dim=1))


def caricature(s: Subject) -> None:
    """What a picture reaches is the product of its activation with the image's, in the middle layer."""
    made = iv.caricature(s.net, s.images[:1], s.middle, recipe=ONE, power=0.0)
    wanted, found = s.maps(s.middle, s.precise[:1]), s.maps(s.middle, made.inputs.double())
    s.agree(made.scores[:, None], (wanted * found).sum((1, 2, 3))[:, None] / wanted[0, 0].numel())
