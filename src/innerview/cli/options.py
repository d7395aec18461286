"""The options that choose a network, the same for every command."""

import ast
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

import innerview as iv

from ..errors import SettingError
from .flags import FILE, NAME, NUMBERS, PIXELS, REPEATED
from .flowing import flowing

_GROUP = Group("Network", sort_key=3)


@Parameter(name="*", group=_GROUP)
@flowing
@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which network, with which weights, and how a picture becomes its input.

    Attributes:
        network: a name: builtin/NAME, torchvision/NAME, timm/NAME, hf/ORG/NAME, or path/file.py:function for
            a function of yours that returns a network; by default builtin/efficientnet-lite0, ImageNet's classes.
        weights: a file of weights, .safetensors or .pth, or "random"; by default the pretrained weights.
        option: an argument for the function that builds the network, as in pad_type=same; can be repeated.
        mean: what is subtracted from pixels in 0-1: one number, or one per channel as in 0.485,0.456,0.406.
        std: what is divided by after that: one number, or one per channel.
        size: rows and columns of the input in pixels: one number, or two as in 224,192.
        device: where to compute: cpu, cuda, cuda:1, mps.
        labels: a text file with the class names, one a line, in the order of the network's outputs.
    """

    network: Annotated[str, NAME, Parameter(show_default=False)] = field(default="default", kw_only=False)
    weights: Annotated[str | None, FILE] = None
    option: Annotated[tuple[str, ...], Parameter(metavar="KEY=VALUE"), REPEATED] = ()
    mean: Annotated[str | None, NUMBERS] = None
    std: Annotated[str | None, NUMBERS] = None
    size: Annotated[str | None, PIXELS] = None
    device: Annotated[str | None, NAME] = None
    labels: Annotated[Path | None, FILE] = None

    def load(self, *, untrained: bool = False) -> "iv.Network":
        """The network; with `untrained` its weights are random unless some are named."""
        return iv.load(
            self.network,
            weights=self.weights or ("random" if untrained else None),
            options=dict(_key_value(pair) for pair in self.option),
            preprocess=self._preprocess,
            labels=self.labels,
            device=self.device,
        )

    def _preprocess(self, known: "iv.Preprocess") -> "iv.Preprocess":
        """The network's own preprocessing with what was asked for put in its place."""
        changes: dict[str, Any] = {}
        for name in ("mean", "std"):
            if (text := getattr(self, name)) is not None:
                changes[name] = _spread(_numbers(name, text, float), known.channels)
        if self.size is not None:
            changes |= _sizes(_numbers("size", self.size, int), known)
        return replace(known, **changes)


DEFAULT = NetworkOptions()
"""What is used where nothing is asked for."""


def _key_value(pair: str) -> tuple[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals or not key.strip():
        raise SettingError(f"--option takes KEY=VALUE, as in pad_type=same; got {pair!r}")
    return key.strip(), _value(value.strip())


def _value(text: str) -> Any:
    """The Python number, tuple, True, None, … that the text spells, or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return text


def _numbers(name: str, text: str, kind: type[int] | type[float]) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError as error:
        what = "whole numbers" if kind is int else "numbers"
        raise SettingError(f"--{name} takes {what} separated by commas; got {text!r}") from error


def _spread(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """One value for every channel, where only one is given."""
    return values * channels if len(values) == 1 else values


def _sizes(size: tuple[int, ...], known: "iv.Preprocess") -> dict[str, Any]:
    """The size, and the picture's size before the crop enlarged or shrunk by the same factor."""
    if len(size) > 2:
        raise SettingError(f"--size takes one number or two, rows and columns; got {len(size)}")
    size = size * 2 if len(size) == 1 else size
    factor = min(size) / min(known.rows_columns)
    return {"size": size, "resize": known.resize and max(min(size), round(known.resize * factor))}
