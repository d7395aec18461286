"""The model zoos of torchvision and timm."""

import importlib.util
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import LoadError
from ..preprocess import Preprocess
from . import hub
from .weights import load_weights
from .wish import Parts, Wish, build, filled, library, not_fetched, unknown


def torchvision_names() -> list[str]:
    """The names of torchvision's classifiers."""
    from torchvision import models

    return models.list_models(module=models)


def from_torchvision(wish: Wish) -> Parts:
    """A classifier of torchvision with the transforms and categories of its best weights."""
    from torchvision import models

    if wish.name not in torchvision_names():
        raise unknown(wish, torchvision_names())
    best: Any = models.get_model_weights(wish.name)["DEFAULT"]
    transforms = best.transforms()
    module = build(wish, models.get_model_builder(wish.name), **_unspoken(wish, transforms.crop_size[0]))
    if wish.pretrained:
        load_weights(module, _downloaded(best.url, wish))
    categories = best.meta["categories"]
    labels = categories if wish.options.get("num_classes", len(categories)) == len(categories) else None
    return Parts(filled(module, wish), _of_torchvision(transforms), labels)


def _unspoken(wish: Wish, size: int) -> dict[str, Any]:
    """The options that torchvision sets by itself where it loads pretrained weights."""
    settings: dict[str, Any] = {}
    if wish.name in ("googlenet", "inception_v3"):
        settings = {"transform_input": True, "init_weights": False}
    elif wish.name.startswith("vit_"):
        settings = {"image_size": size}
    return {name: value for name, value in settings.items() if name not in wish.options}


def _of_torchvision(transforms: Any) -> Preprocess:
    return Preprocess(
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=transforms.resize_size[0],
        interpolation=transforms.interpolation.value,
    )


def _downloaded(url: str, wish: Wish) -> Path:
    """The file behind an address, fetched once, with the hash in its name checked."""
    path = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
    if path.exists():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), digest and digest[1], progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:
        raise not_fetched(wish, getattr(error, "reason", error)) from error
    return path


def timm_names() -> list[str]:
    """The names of timm's architectures, or none if timm is not installed."""
    if importlib.util.find_spec("timm") is None:
        return []
    return importlib.import_module("timm").list_models()


def from_timm(wish: Wish) -> Parts:
    """A model of timm with its data configuration, and ImageNet's labels where its outputs are ImageNet's."""
    timm = library(wish, "timm")
    architecture, _, tag = wish.name.partition(".")
    if architecture not in timm.list_models():
        raise unknown(wish, timm.list_models())
    tags = timm.list_pretrained(f"{architecture}.*")
    if tag and wish.name not in tags:
        raise unknown(wish, tags)
    module = _pretrained_timm(wish) if wish.pretrained else build(wish, timm.create_model, model_name=wish.name)
    return Parts(filled(module, wish), _of_timm(module, wish.options), _timm_labels(module))


def _pretrained_timm(wish: Wish) -> nn.Module:
    timm = library(wish, "timm")
    weights = timm.get_pretrained_cfg(wish.name)
    if not weights.has_weights:
        raise LoadError(f'{wish.full_name} has no pretrained weights; pass weights="file.safetensors" or "random"')
    place: dict[str, Any] = {}
    if weights.hf_hub_id and not hub.answers():
        file = hub.cached(weights.hf_hub_id, weights.hf_hub_filename or "model.safetensors")
        if file is None:
            raise not_fetched(wish, "no connection to the model hub")
        place = {"file": file}
    try:
        return build(wish, timm.create_model, model_name=wish.name, pretrained=True, pretrained_cfg_overlay=place)
    except OSError as error:
        raise not_fetched(wish, getattr(error, "reason", error)) from error


def _of_timm(module: Any, options: dict[str, Any]) -> Preprocess:
    from timm.data.config import resolve_model_data_config

    sizes = {"img_size": options["img_size"]} if isinstance(options.get("img_size"), int) else {}
    config = resolve_model_data_config(module, sizes)
    channels, rows, columns = config["input_size"]
    channels = options.get("in_chans", channels)
    short = min(rows, columns)
    return Preprocess(
        size=(rows, columns),
        mean=_per_channel(config["mean"], channels),
        std=_per_channel(config["std"], channels),
        resize=max(short, math.floor(short / config["crop_pct"])),
        interpolation=config["interpolation"],
        fit="squash" if config["crop_mode"] == "squash" else "crop",
    )


def _per_channel(values: Sequence[float], channels: int) -> tuple[float, ...]:
    """The values, or their mean for each channel if the network has another number of channels."""
    return tuple(values) if len(values) == channels else (sum(values) / len(values),) * channels


def _timm_labels(module: Any) -> list[str] | None:
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset(module)
    return list(ImageNetInfo(subset).label_descriptions()) if subset else None
