"""Architectures as they were published, at their own input size, with random weights: for the long form of the zoo."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

from zoo.specimen import Specimen


def from_torchvision(name: str) -> nn.Module:
    from torchvision import models

    inceptions = {"init_weights": False, "transform_input": True}
    return models.get_model(name, **inceptions if name in ("googlenet", "inception_v3") else {})


def from_timm(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


def from_hugging_face(name: str) -> nn.Module:
    from transformers import AutoConfig, AutoModelForImageClassification

    return AutoModelForImageClassification.from_config(AutoConfig.for_model(name, num_labels=10))


SOURCES: dict[str, Callable[[str], nn.Module]] = {
    "torchvision": from_torchvision,
    "timm": from_timm,
    "hf": from_hugging_face,
}


def specimen(name: str) -> Specimen:
    """In single precision; where it is looked at, and its size, are found out when it is built."""
    source, _, architecture = name.partition("/")
    return Specimen(partial(SOURCES[source], architecture), size=None, dtype=torch.float32)


NAMES = Path(__file__).with_name("published.txt").read_text(encoding="utf-8").split()
PUBLISHED = {name: specimen(name) for name in NAMES}
