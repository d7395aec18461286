"""A trained network with what is needed to ask it questions: preprocessing, labels, layers."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import ref

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..errors import ImageError, LabelError, NetworkError, SettingError
from ..modules.batching import as_many_as_fit, in_batches
from ..modules.outputs import class_scores
from ..modules.scope import members, untouched, version
from ..notebook import ShownInNotebooks
from .images import to_picture
from .labels import Labels
from .layers import Address, LayerInfo, address, trace
from .preprocess import Preprocess
from .seen import Seen


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
        labels: the class names in the order of the outputs, or None.
        name: what to call it in results; by default the class name of the module.
        output: takes the module's output and returns the tensor of class scores.
        grid: takes a layer's output and returns it as maps [batch, channel, row, column], where that is not
            obvious. It only rearranges and leaves out values, as gradients are read by it, too.
        untrained: whether its weights are random; results and figures say so.

    Raises:
        NetworkError: the module, or one inside it, cannot be looked at (a TorchScript module hides its layers, a
            quantised, lazy or meta module has no values to differentiate).
    """

    def __init__(  # noqa: PLR0913 - all but the module are optional
        self,
        module: nn.Module,
        preprocess: Preprocess | None = None,
        labels: Sequence[str] | Labels | None = None,
        *,
        name: str | None = None,
        output: Callable[[Any], Tensor] | None = None,
        grid: Callable[[Tensor], Tensor] | None = None,
        untrained: bool = False,
    ) -> None:
        self.module = _unwrapped(module)
        self.preprocess = preprocess or Preprocess(size=224)
        self.labels = labels if labels is None or isinstance(labels, Labels) else Labels(tuple(labels))
        self.name = name or type(self.module).__name__
        self.output = output
        self.grid = grid
        self.untrained = untrained
        self._layers: dict[tuple, tuple[LayerInfo, ...]] = {}
        self._digest: tuple[list[ref[Tensor]], list[int], str] | None = None

    def __repr__(self) -> str:
        return f"Network({self.name}, {self.preprocess}, {self.dtype}, {self.device})"

    @property
    def title(self) -> str:
        """What results and figures call it: its name, and that its weights are random if they are."""
        return f"{self.name}, random weights" if self.untrained else self.name

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
        with untouched(self.module):
            size = self.batch_size(images, graph=False)
            run = in_batches(len(images), size, lambda rows: self.select(self.module(images[rows].clone())))
            return torch.cat([scores for _, scores in run])

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
        """All layers that run, in the order they are defined; read off one pass of the first image (or zeros)."""
        images = self.blank() if images is None else images
        structure = tuple((name, id(each)) for name, each in members(self.module))
        key = (tuple(images.shape[1:]), hash(structure))
        if key not in self._layers:
            with untouched(self.module):
                self._layers[key] = trace(self.module, images[:1])
        return self._layers[key]

    def blank(self, size: tuple[int, int] | None = None) -> Float[Tensor, "1 channel row column"]:
        """An input of zeros, of so many rows and columns, or of the size that pictures are prepared to."""
        shape = (self.preprocess.channels, *(size or self.preprocess.rows_columns))
        return torch.zeros(1, *shape, device=self.device, dtype=self.dtype)

    def takes(self, size: tuple[int, int]) -> bool:
        """Whether it runs on inputs of so many rows and columns; some take nothing but the size they were made for."""
        try:
            self.layers(self.blank(size))
        except (RuntimeError, ValueError, IndexError, AssertionError):
            return False
        return True

    def batch_size(self, images: Tensor, *, graph: bool, wanted: int | None = None) -> int:
        """The number of images like these in one pass: `wanted`, or what fits and is fast.

        With `graph`, all activations are kept for the way back, and their gradients beside them.
        """
        if wanted is not None:
            if wanted < 1:
                raise SettingError(f"batch_size is a number of images, at least 1; got {wanted}")
            return wanted
        shapes = [(layer.rows_per_image, *layer.output_shape) for layer in self.layers(images)]
        sizes = [images.element_size() * torch.Size(shape).numel() for shape in (*shapes, images.shape[1:])]
        return as_many_as_fit(sum(sizes) * (2 if graph else 1), max(sizes), images.device)

    def address(self, name: str, images: Tensor | None = None) -> Address:
        """The module and call that a layer's name stands for; `LayerError` with the nearest names if unknown."""
        return address(self.module, self.layers(images), name, self.name)

    def digest(self) -> str:
        """A fingerprint of all parameters and buffers, 16 hexadecimal digits; equal weights give equal digests.

        It is computed again when a tensor was replaced or written to; writing through `tensor.data` goes unnoticed.
        """
        held = [values for _, each in members(self.module) for values in (each._parameters, each._buffers) if values]
        tensors = [each for values in held for each in values.values() if each is not None]
        versions = list(map(version, tensors))
        if self._digest is not None:
            known, then, digest = self._digest
            same = len(known) == len(tensors) and all(old() is now for old, now in zip(known, tensors, strict=True))
            if same and then == versions:
                return digest
        state = dict(self.module.named_parameters()) | dict(self.module.named_buffers())
        self._digest = list(map(ref, tensors)), versions, _hash(state)
        return self._digest[2]


def require_network(net: object) -> None:
    """`NetworkError` unless it is a `Network`: its module alone does not say what a picture is to it."""
    if isinstance(net, Network):
        return
    wrapped = "iv.Network(module, iv.Preprocess(size=224), labels=[…])"
    remedy = wrapped if isinstance(net, nn.Module) else f'iv.load("torchvision/resnet50") or {wrapped}'
    raise NetworkError(f"innerview looks at a Network; got {type(net).__name__}. Make one: net = {remedy}")


def _hash(state: dict[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _unwrapped(module: nn.Module) -> nn.Module:
    if not isinstance(module, nn.Module):
        raise NetworkError(f"a network is a torch.nn.Module; got {type(module).__name__}")
    if isinstance(module, torch._dynamo.OptimizedModule):
        return _unwrapped(module._orig_mod)
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return _unwrapped(module.module)
    for path, each in module.named_modules():
        if hidden := _hidden(each):
            raise NetworkError(f"{path or type(module).__name__!r} is {hidden}")
    return module


def _hidden(module: nn.Module) -> str | None:
    """What a module is that cannot be looked at, and what to do about it; None if it can."""
    if isinstance(module, torch.jit.ScriptModule):
        return (
            "a TorchScript module, which hides its layers and cannot be looked at; use the nn.Module it was made from"
        )
    own = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    if any(map(is_lazy, own)):
        return (
            "a lazy module, which has no values before its first input; show it an image before, as in "
            "module(torch.zeros(1, 3, 224, 224))"
        )
    if any(value.is_meta for value in own):
        return "a module on the meta device, which holds no values; load its weights first"
    if any(value.is_quantized for value in own) or _is_packed(module):
        return "a quantised module, which has no gradients; use the floating-point module it was made from"
    return None


def _is_packed(module: nn.Module) -> bool:
    """Whether its weights are quantised and packed away, so that no parameter tells."""
    origin = type(module).__module__
    return origin.startswith("torch.ao.nn.") and "quantized" in origin.split(".")
