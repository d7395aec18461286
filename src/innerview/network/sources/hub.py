"""Image classifiers of the Hugging Face hub, or in a local folder of its layout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ...errors import CheckpointError, LoadError
from ..preprocess import Fit, Interpolation, Preprocess
from .weights import read_weights
from .wish import Parts, Wish, library, not_fetched

# What some processors do to a picture that `Preprocess` does not.
_FOREIGN_STEPS = ("do_flip_channel_order", "do_color_quantize", "do_thumbnail", "do_pad")
_INTERPOLATIONS: dict[Image.Resampling, Interpolation] = {
    Image.Resampling.NEAREST: "nearest",
    Image.Resampling.LANCZOS: "lanczos",
    Image.Resampling.BILINEAR: "bilinear",
    Image.Resampling.BICUBIC: "bicubic",
}


def from_hub(wish: Wish) -> Parts:
    """An image classifier with its processor's settings and the labels in its configuration."""
    folder = Path(wish.name).expanduser()
    name = str(folder) if folder.is_dir() else wish.name
    place = {"local_files_only": folder.is_dir() or not answers(), "trust_remote_code": False}
    try:
        config = _config(name, place, wish)
        module = _module(name, place, config, wish)
        preprocess = wish.preprocess or _of_processor(_processor(name, place, wish), wish)
    except OSError as error:
        if place["local_files_only"] and not folder.is_dir():
            remedy = "pass a local copy of the repository as hf/PATH/TO/FOLDER"
            raise not_fetched(wish, "no connection to the model hub", remedy) from error
        raise LoadError(f"{wish.full_name} cannot be loaded: {_first_line(error)}") from error
    except (ValueError, RuntimeError) as error:
        raise LoadError(f"{wish.full_name} cannot be built so: {_first_line(error)}") from error
    return Parts(module, preprocess, _labels(config))


def answers() -> bool:
    """Whether the hub answers at once; its own client would retry for most of a minute."""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=5)
    except Exception:  # noqa: BLE001  whichever library the hub's client uses, every failure means no
        return False
    return True


def cached(repository: str, file: str) -> str | None:
    """Where a file of the hub is kept on this machine, if it is."""
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = repository.partition("@")
    found = try_to_load_from_cache(name, file, revision=revision or None)
    return found if isinstance(found, str) else None


def _config(name: str, place: dict[str, Any], wish: Wish) -> Any:
    config, foreign = library(wish, "transformers").AutoConfig.from_pretrained(
        name, return_unused_kwargs=True, **place, **wish.options
    )
    foreign = [option for option in foreign if option in wish.options]
    if foreign:
        raise LoadError(
            f"{wish.full_name} does not take the option {foreign[0]!r}; its configuration has no such entry"
        )
    return config


def _module(name: str, place: dict[str, Any], config: Any, wish: Wish) -> Any:
    classifier = library(wish, "transformers").AutoModelForImageClassification
    settings = {"config": config, "dtype": torch.float32, "output_loading_info": True}
    if wish.pretrained:
        return _complete(wish, *classifier.from_pretrained(name, use_safetensors=True, **settings, **place))
    untrained = classifier.from_config(config, dtype=torch.float32, trust_remote_code=False)
    if wish.weights_file is None:
        return untrained
    saved = read_weights(wish.weights_file)  # the library knows older names of its networks' parts
    return _complete(wish, *type(untrained).from_pretrained(None, state_dict=saved, **settings))


def _complete(wish: Wish, module: Any, found: Mapping[str, Any]) -> Any:
    """The module, if every part of it was in the weights."""
    missing = sorted(found["missing_keys"])
    if missing:
        raise CheckpointError(
            f"{wish.full_name} has no weights for {len(missing)} parts of a classifier "
            f"({', '.join(missing[:5])}); choose a network that was trained to classify"
        )
    return module


def _processor(name: str, place: dict[str, Any], wish: Wish) -> dict[str, Any]:
    return library(wish, "transformers").AutoImageProcessor.from_pretrained(name, **place).to_dict()


def _of_processor(fields: Mapping[str, Any], wish: Wish) -> Preprocess:
    foreign = [step for step in _FOREIGN_STEPS if fields.get(step)]
    size = _size(fields)
    if foreign or size is None:
        raise LoadError(
            f"{wish.full_name} prepares pictures in a way that is not known here "
            f"({', '.join(foreign) or 'size'}); pass preprocess=Preprocess(…)"
        )
    mean, std = _mean_and_std(fields)
    shape, resize, fit = size
    return Preprocess(shape, mean, std, resize, _INTERPOLATIONS[_resampling(fields)], fit)


def _resampling(fields: Mapping[str, Any]) -> Image.Resampling:
    stated = fields.get("resample")
    return Image.Resampling.BILINEAR if stated is None else Image.Resampling(stated)


def _size(fields: Mapping[str, Any]) -> tuple[tuple[int, int], int | None, Fit] | None:
    """The input's shape, the short side before the crop, and the fit; None if they are not stated."""
    size, crop = fields.get("size") or {}, fields.get("crop_size") or {}
    cut = (crop["height"], crop["width"]) if fields.get("do_center_crop") and "height" in crop else None
    if "height" in size and fields.get("do_resize", True):
        whole = (size["height"], size["width"])
        return (cut, min(whole), "squash") if cut else (whole, None, "squash")
    short = size.get("shortest_edge")
    if short is None or not fields.get("do_resize", True):
        return None
    if not fields.get("crop_pct"):
        return (cut, short, "crop") if cut else None
    if not cut and short >= 384:  # ConvNeXt's processor crops small pictures only
        return (short, short), None, "squash"
    return cut or (short, short), int(short / fields["crop_pct"]), "crop"


def _mean_and_std(fields: Mapping[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Rescaling and normalisation in one: ``(255 · factor · pixels - offset - mean) / std``."""
    normalised = fields.get("do_normalize", True)
    means, stds = (fields["image_mean"], fields["image_std"]) if normalised else ((0.0,) * 3, (1.0,) * 3)
    scale = 255 * fields.get("rescale_factor", 1 / 255) if fields.get("do_rescale", True) else 255.0
    offset = 1.0 if fields.get("rescale_offset") else 0.0
    again = stds if fields.get("include_top") else (1.0,) * len(stds)  # EfficientNet's divides twice
    mean = tuple((mean + offset) / scale for mean in means)
    return mean, tuple(std * twice / scale for std, twice in zip(stds, again, strict=True))


def _labels(config: Any) -> list[str] | None:
    names = [config.id2label[index] for index in sorted(config.id2label)]
    placeholders = [f"LABEL_{index}" for index in range(len(names))]
    return None if names == placeholders else names


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
