"""A trained network with what is needed to ask it questions: preprocessing, labels, layers."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import ImageError, LabelError, NetworkError
from ..modules.batching import as_many_as_fit, in_batches
from ..modules.outputs import class_scores
from ..modules.scope import untouched
from ..notebook import ShownInNotebooks
from ..settings import Count, checked
from .fingerprints import digest_of, sha256
from .images import to_picture
from .labels import Labels, as_labels
from .layers import Address, LayerInfo, address, trace
from .memory import Memory
from .preprocess import Preprocess
from .seen import Seen
from .source import Source
from .unwrapping import unwrapped

Value = TypeVar("Value")

_NOT_TAKEN = (RuntimeError, ValueError, IndexError, AssertionError)
"""What modules raise for an input of a shape that they do not read."""


@dataclass(frozen=True)
class Prediction:
    """One class that the network considers: its label, its index among the outputs, its probability in 0–1."""

    label: str
    index: int
    probability: float


class Network(ShownInNotebooks):
    """A trained network to look inside.

    Any `nn.Module` that maps images [batch, channel, row, column] to class scores [batch, class], or to a
    mapping, tuple or dataclass that holds them; `output` picks them where that is not obvious. The module is
    never left changed. Wrappers (`torch.compile`, `DataParallel`) are looked through: layer addresses are
    those of the module inside.

    Args:
        module: the network; it stays on its device and in its precision.
        preprocess: how a picture becomes an input; by default 224 × 224 with ImageNet's mean and deviation.
        labels: the class names in the order of the outputs, a text file with one a line, or None.
        name: what to call it in results; by default the class name of the module.
        output: takes the module's output and returns the tensor of class scores.
        grid: takes a layer's output and returns it as maps [batch, channel, row, column], where that is not
            obvious. It only rearranges and leaves out values, as gradients are read by it, too.
        untrained: whether its weights are random; results and figures say so.
        source: how it was loaded; `iv.load` says it.

    Raises:
        NetworkError: the module, or one inside it, cannot be looked at (a TorchScript module hides its layers, a
            quantised, lazy or meta module has no values to differentiate).
    """

    def __init__(  # noqa: PLR0913 - all but the module are optional
        self,
        module: nn.Module,
        preprocess: Preprocess | None = None,
        labels: Labels | Sequence[str] | Path | None = None,
        *,
        name: str | None = None,
        output: Callable[[Any], Tensor] | None = None,
        grid: Callable[[Tensor], Tensor] | None = None,
        untrained: bool = False,
        source: Source | None = None,
    ) -> None:
        self.module = unwrapped(module)
        self.preprocess = checked("preprocess", preprocess, Preprocess | None) or Preprocess(size=224)
        self.labels = as_labels(labels)
        self.name = name or type(self.module).__name__
        self.output = output
        self.grid = grid
        self.untrained = untrained
        self._loaded = None if source is None else (source, output, grid)
        self._memory = Memory()

    def __repr__(self) -> str:
        return f"Network({self.name}, {self.preprocess}, {self.dtype}, {self.device})"

    @property
    def title(self) -> str:
        """What results and figures call it: its name, and that its weights are random if they are."""
        return f"{self.name}, random weights" if self.untrained else self.name

    @property
    def source(self) -> Source | None:
        """How `iv.load` gives this network again, elsewhere, as it is now; None for one that was made by hand.

        Raises:
            NetworkError: its `output` or `grid` was set after it was loaded, which no name says.
            CheckpointError: the file of its weights is not there any more.
        """
        if self._loaded is None:
            return None
        source, output, grid = self._loaded
        if self.output is not output or self.grid is not grid:
            raise NetworkError(
                f"a source says what iv.load does by itself; output or grid of {self.name} was set after it was loaded"
                ". Return the Network from a function of a file, and load that: iv.load('file.py:function')"
            )
        file = None if source.weights in (None, "random") else source.weights
        return replace(
            source,
            sha256=file and self.recall(("sha256", file), lambda: sha256(file)),
            preprocess=self.preprocess,
            labels=self.labels or Labels(()),
            called=self.name,
            digest=self.digest(),
        )

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self._anchor.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision the network computes in."""
        return self._anchor.dtype

    @property
    def _anchor(self) -> Tensor:
        values = chain(self.module.parameters(), self.module.buffers())
        return next((value for value in values if value.is_floating_point()), torch.empty(0))

    def prepare(self, source: Any) -> Float[Tensor, "batch channel row column"]:
        """The network's input made of a path, PIL image, uint8 array or tensor, or a list of them.

        uint8 arrays are [row, column], [row, column, channel] or [batch, row, column, channel]; uint8 tensors
        [channel, row, column] or [batch, channel, row, column]. They hold pixels and are resized, cropped and
        normalised. Floating-point tensors are taken as prepared already and only moved to the network.

        Raises:
            ImageError: a file or array is not a usable image; it names the file.
        """
        if isinstance(source, list | tuple):
            if not source:
                raise ImageError("prepare needs at least one image; the list is empty", kind="empty")
            return torch.cat([self.prepare(each) for each in source])
        if isinstance(source, Tensor) and source.is_floating_point():
            return self._prepared(source)
        if isinstance(source, Tensor | np.ndarray) and source.ndim == 4:
            return self.prepare(list(source))
        picture = self.preprocess(to_picture(source))
        return picture[None].to(self.device, self.dtype)

    def _prepared(self, images: Tensor) -> Tensor:
        images = images[None] if images.dim() == 3 else images
        if images.dim() != 4 or 0 in images.shape:
            raise ImageError(
                "a prepared input is [channel, row, column] or [batch, channel, row, column] and not empty; "
                f"got {list(images.shape)}",
                kind="shape",
            )
        if not bool(images.isfinite().all()):
            raise ImageError("an input must be finite; this one holds NaN or infinity", kind="not finite")
        return images.detach().to(self.device, self.dtype)

    @torch.no_grad()
    def logits(self, images: Any) -> Float[Tensor, "batch ..."]:
        """The raw class scores for these images (anything that `prepare` takes), in batches that fit."""
        images = self.prepare(images)
        return torch.cat(self.in_batches(images, lambda rows: self.select(self.module(images[rows].clone()))))

    def predict(self, images: Any, top: int = 5) -> list[list[Prediction]]:
        """The `top` most probable classes of each image, the most probable first.

        Probabilities are the softmax over all classes; of a network with one output, its sigmoid.
        """
        scores = Seen({}, self.logits(images)).class_scores
        probabilities = scores.softmax(1) if scores.shape[1] > 1 else scores.sigmoid()
        best = probabilities.topk(min(top, scores.shape[1]))
        return [
            [
                Prediction(self.label(index), index, probability)
                for probability, index in zip(values, indices, strict=True)
            ]
            for values, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def label(self, index: int) -> str:
        """The name of a class, or "class 7" where the network has no names."""
        return self.labels.name(index) if self.labels else f"class {index}"

    def select(self, output: object) -> Tensor:
        """The tensor of scores in the module's output."""
        return self.output(output) if self.output else class_scores(output, self.name)

    def class_index(self, target: int | str) -> int:
        """The index of a class given by index or name; `LabelError` with the nearest names if there is none."""
        if self.labels is not None:
            return self.labels.index(target)
        if isinstance(target, int) or target.isdecimal():
            return int(target)
        raise LabelError(f"{self.name} has no class names, so ask for an index; got {target!r}")

    def layers(self, images: Tensor | None = None) -> tuple[LayerInfo, ...]:
        """All layers that run, in the order they are defined; read off one pass of the first image (or zeros).

        `cam` marks the default for class activation maps; to find it among tokens takes a gradient.
        """
        from .default_layer import marked_layers

        images = self.blank() if images is None else images
        return self.recall(("marked layers", tuple(images.shape[1:])), lambda: marked_layers(self, images))

    def traced(self, images: Tensor | None = None) -> tuple[LayerInfo, ...]:
        """The same, of which `cam` marks none where the default is found among tokens."""
        images = self.blank() if images is None else images
        return self.recall(("layers", tuple(images.shape[1:])), lambda: self._trace(images))

    def _trace(self, images: Tensor) -> tuple[LayerInfo, ...]:
        try:
            with untouched(self.module):
                return trace(self.module, images[:1])
        except _NOT_TAKEN as error:
            error.add_note(
                f"{self.name} was given an input of {list(images[:1].shape)}. If that is not what it reads, say so: "
                "iv.Network(module, iv.Preprocess(size=28, mean=0.5, std=0.5)) reads grey pictures of 28 × 28"
            )
            raise

    def blank(self, size: tuple[int, int] | None = None) -> Float[Tensor, "1 channel row column"]:
        """An input of zeros, of so many rows and columns, or of the size that pictures are prepared to."""
        shape = (self.preprocess.channels, *(size or self.preprocess.rows_columns))
        return torch.zeros(1, *shape, device=self.device, dtype=self.dtype)

    def takes(self, size: tuple[int, int]) -> bool:
        """Whether it runs on inputs of so many rows and columns; some take nothing but the size they were made for."""
        try:
            self.traced(self.blank(size))
        except _NOT_TAKEN:
            return False
        return True

    def in_batches(self, images: Tensor, run: Callable[[slice], Value], *, graph: bool = False) -> list[Value]:
        """`run` on the rows of as many of these images as fit, again and again, while the network is untouched.

        With `graph`, all activations of a batch are kept for the way back.
        """
        with untouched(self.module):
            size = self.batch_size(images, graph=graph)
            return [part for _, part in in_batches(len(images), size, run)]

    def batch_size(self, images: Tensor, *, graph: bool, wanted: int | None = None) -> int:
        """The number of images like these in one pass: `wanted`, or what fits and is fast.

        With `graph`, all activations are kept for the way back, and their gradients beside them.
        """
        if wanted is not None:
            return checked("batch_size", wanted, Count)
        shapes = [(layer.rows_per_image, *layer.output_shape) for layer in self.traced(images)]
        sizes = [images.element_size() * torch.Size(shape).numel() for shape in (*shapes, images.shape[1:])]
        return as_many_as_fit(sum(sizes) * (2 if graph else 1), max(sizes), images.device)

    def address(self, name: str, images: Tensor | None = None) -> Address:
        """The module and call that a layer's name stands for; `LayerError` with the nearest names if unknown."""
        return address(self.module, self.traced(images), name, self.name)

    def digest(self) -> str:
        """A fingerprint of all parameters and buffers, 16 hexadecimal digits; equal weights give equal digests.

        It is computed again when a tensor was replaced or written to; writing through `tensor.data` goes unnoticed.
        """
        return self.recall("digest", lambda: digest_of(self.module), weights=True)

    def recall(self, key: Hashable, compute: Callable[[], Value], *, weights: bool = False) -> Value:
        """What `compute` gives, remembered under the key until modules are exchanged; with `weights`, or written to."""
        return self._memory.recall(key, compute, self.module, weights=weights)


def require_network(net: object) -> None:
    """`NetworkError` unless it is a `Network`: its module alone does not say what a picture is to it."""
    if isinstance(net, Network):
        return
    wrapped = "iv.Network(module, iv.Preprocess(size=224), labels=[…])"
    remedy = wrapped if isinstance(net, nn.Module) else f'iv.load("torchvision/resnet50") or {wrapped}'
    raise NetworkError(f"innerview looks at a Network; got {type(net).__name__}. Make one: net = {remedy}")
