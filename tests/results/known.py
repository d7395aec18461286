"""One of each kind of result, made on a small network."""

from dataclasses import replace
from functools import cache

import torch
from torch import nn

import innerview as iv
from innerview.recording.recording import Snapshot
from small_networks import SmallCNN, images, network

QUICK = {"recipe": iv.Recipe(canvas=iv.Pixels(size=8)), "steps": 1}


@cache
def net() -> iv.Network:
    return network(SmallCNN(), labels=["ox, the", "gnu", "elk", "cow", "yak"])


@cache
def perceptron() -> iv.UnitLines:
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    return iv.hidden_units(mlp, torch.randn(5, 2), range(5), resolution=6, deeper=True)


@cache
def attacked() -> iv.Attack:
    return iv.attack(net(), images(3).sigmoid(), iv.PGD(0.3, steps=2))


def snapshot() -> Snapshot:
    return iv.Recorder(net(), [iv.FilterImages("conv1"), iv.Statistics()]).recording()[0]


MAKE = {
    "Activations": lambda: iv.activations(net(), images(), ["relu", "conv2", "fc"]),
    "ActivationGrid": lambda: iv.activation_grid(net(), images(1), "conv2", most=2, **QUICK),
    "Attack": attacked,
    "Attribution": lambda: iv.IntegratedGradients(points=3, baseline=(0.1, 0.2, 0.3))(net(), images(3), [0, "gnu", 2]),
    "NeuronGroups": lambda: iv.neuron_groups(net(), images(1), "relu", groups=2, **QUICK),
    "Comparison": lambda: iv.compare(net(), images(), images(seed=5), ["conv1", "conv2"]),
    "SemanticDictionary": lambda: iv.semantic_dictionary(net(), images(1), "conv2", units=2, **QUICK),
    "Filters": lambda: iv.filters(net(), "conv2", outputs=[2, 0]),
    "ScoreCard": lambda: iv.score_card(net(), iv.synthesize(net(), 0, **QUICK), 0, images(3)),
    "Shift": lambda: iv.shift(net(), attacked(), iv.GradCAM()),
    "Snapshot": snapshot,
    "SphereTest": lambda: iv.sphere(net(), images(3).sigmoid(), attacked(), samples=9),
    "Synthesis": lambda: iv.synthesize(net(), ["gnu", iv.Channel("conv2", 0)], **QUICK, snapshots=[1]),
    "UnitLines": perceptron,
    "WeightDistributions": lambda: iv.weight_distributions(net()),
}


@cache
def made(kind: str) -> object:
    """One of this kind; the same one each time."""
    return MAKE[kind]()


def without_optional_parts() -> list[object]:
    """Results whose fields that may be None are None."""
    return [
        replace(made("Attribution"), total=None),
        replace(made("SemanticDictionary"), field=None),
        replace(perceptron(), points=None, labels=None, deeper={}),
    ]
