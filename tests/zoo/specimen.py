"""A network of the zoo: how it is built, what is expected of it, and a copy of it that answers without innerview."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

import innerview as iv
from trouble import lived_in

MEAN, STD = 0.5, 0.25


@dataclass(frozen=True)
class Specimen:
    """One network: adding it is one line.

    Attributes:
        build: makes the module; its weights are drawn afterwards.
        layers: an early, a middle and a late one by their addresses, and what the axes of each are: "bcyx" are maps,
            "byxc" maps with their channels last, "btc" tokens (the last of which are the image, in rows), "bc" vectors.
            None: three that `places` finds.
        refused: by question, the sentence it is refused with; others are answered. None: any known sentence will do.
        wrong: by question, why the answer is known to be wrong today.
        size: rows and columns of the input. None: what the module was made for.
        windows: layers whose batch axis holds the windows of all images.
        scores: whether it gives class scores; otherwise what is asked about is a channel of its late layer.
        fields: whether each layer with rows and columns has a receptive field: a network of convolutions.
        dtype: double precision makes finite differences sharp; single is what large networks run in.
    """

    build: Callable[[], nn.Module]
    layers: Mapping[str, str] | None = None
    refused: Mapping[str, str] | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)
    size: int | None = 32
    windows: tuple[str, ...] = ()
    scores: bool = True
    fields: bool = False
    dtype: torch.dtype = torch.float64


class Subject:
    """A specimen that is alive: a network as a training loop has it, and a plain copy in evaluation mode."""

    def __init__(self, name: str, specimen: Specimen) -> None:
        self.name, self.specimen = name, specimen
        self.left: dict | None = None  # the fingerprint after the last question
        self.plain = self._built().double().eval().requires_grad_(False)
        self.size = specimen.size or made_for(self.plain)
        preprocess = iv.Preprocess(size=self.size, mean=(MEAN,) * 3, std=(STD,) * 3)
        self.net = iv.Network(lived_in(self._built().to(specimen.dtype)), preprocess, name=name)

    @cached_property
    def layers(self) -> Mapping[str, str]:
        """Early, middle and late, with their axes."""
        return self.specimen.layers or places(self.outputs(self.precise))

    def _built(self) -> nn.Module:
        """Each time the same."""
        with torch.random.fork_rng():
            return drawn(self.specimen.build())

    @cached_property
    def images(self) -> Tensor:
        """Two images, as the preprocessing makes them of random pixels."""
        pixels = torch.rand(2, 3, self.size, self.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return ((pixels - MEAN) / STD).to(self.specimen.dtype)

    @property
    def precise(self) -> Tensor:
        """A copy of the images in the precision of the plain copy."""
        return self.images.double().clone()

    @property
    def early(self) -> str:
        return next(iter(self.layers))

    @property
    def middle(self) -> str:
        return [*self.layers][1]

    @property
    def late(self) -> str:
        return [*self.layers][2]

    @property
    def why(self) -> iv.Objective:
        """What is asked where the question does not matter."""
        return iv.Logit(1) if self.specimen.scores else iv.Channel(self.late, 1)

    def answer(self, images: Tensor) -> Tensor:
        """The same by hand, one number for each image."""
        if self.specimen.scores:
            return self.scores(images)[:, 1]
        return self.maps(self.late, images)[:, 1].mean((1, 2))

    def scores(self, images: Tensor) -> Tensor:
        """What the plain copy gives."""
        output = self.plain(images.clone())
        return getattr(output, "logits", output)

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """What each layer of the plain copy gives, in the order in which they finish, as a plain hook sees it."""
        found: dict[str, Tensor] = {}

        def hook(name: str) -> Callable:
            def keep(_module: nn.Module, _inputs: tuple, output: object) -> None:
                tensor = first(output)
                if tensor is not None:
                    found.pop(name, None)
                    found[name] = tensor.clone()  # what comes after may change it in place

            return keep

        named = {name: each for name, each in self.plain.named_modules() if name}
        handles = [each.register_forward_hook(hook(name)) for name, each in named.items()]
        try:
            self.plain(images.clone())
        finally:
            for handle in handles:
                handle.remove()
        return found

    def maps(self, layer: str, images: Tensor) -> Tensor:
        """A layer of the plain copy as [image, channel, row, column]; vectors are one position."""
        return as_maps(self.outputs(images)[layer], self.layers[layer])

    def gradient_at(self, layer: str) -> tuple[Tensor, Tensor]:
        """What a layer of the plain copy gives, and the gradient of the answer there."""
        kept: list[Tensor] = []

        def hook(_module: nn.Module, _inputs: tuple, output: object) -> None:
            kept.append(first(output))

        handle = self.plain.get_submodule(layer).register_forward_hook(hook)
        try:
            answer = self.answer(self.precise.requires_grad_())
        finally:
            handle.remove()
        return kept[-1], torch.autograd.grad(answer.sum(), kept[-1])[0]

    @property
    def part(self) -> float:
        """How much of the largest value may differ.

        In double precision that is far above rounding, and below anything that is wrong; in single precision some
        hundred layers lose up to five of the seven digits where gradients nearly cancel.
        """
        return 1e-6 if self.specimen.dtype == torch.float64 else 1e-2

    def agree(self, found: Tensor, expected: Tensor) -> None:
        """To a part of the largest value of each image."""
        assert found.shape == expected.shape
        largest = expected.detach().abs().amax(tuple(range(1, expected.dim())), keepdim=True).double()
        assert bool(((found.double() - expected.detach().double()).abs() <= self.part * largest).all())


def as_maps(tensor: Tensor, axes: str) -> Tensor:
    """[image, channel, row, column] of a tensor with these axes; of tokens, the last that fill a square, row by row."""
    if axes == "bc":
        return tensor[..., None, None]
    if axes != "btc":
        return torch.einsum(f"{axes}->bcyx", tensor)
    side = int(tensor.shape[1] ** 0.5)
    return tensor[:, tensor.shape[1] - side**2 :].mT.unflatten(2, (side, side))


def first(output: object) -> Tensor | None:
    """The tensor that a module gives, or the first in its container."""
    if isinstance(output, Tensor):
        return output
    values = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else ()
    return next((found for found in map(first, values) if found is not None), None)


def made_for(module: nn.Module) -> int:
    """The rows and columns that a published network takes, as its library says."""
    if isinstance(known := getattr(module, "default_cfg", None), dict):
        return known["input_size"][1]
    size = getattr(getattr(module, "config", None), "image_size", 224)
    return size if isinstance(size, int) else size[0]


def places(outputs: Mapping[str, Tensor]) -> dict[str, str]:
    """Three layers whose axes are beyond doubt, as the image is square: early, in the middle, and late."""
    certain = {name: axes for name, each in outputs.items() if (axes := axes_of(each))}
    names = list(certain)
    return {name: certain[name] for name in (names[round(part * (len(names) - 1))] for part in (0.1, 0.5, 0.9))}


def axes_of(output: Tensor) -> str | None:
    """What the axes of the features of two square images are; None where that is not certain."""
    if len(output) != 2 or output.dim() not in (3, 4) or min(output.shape[1:]) < 2:
        return None
    if output.dim() == 3:
        return "btc"
    first, rows, last = output.shape[1:]
    return {(True, False): "byxc", (False, True): "bcyx"}.get((first == rows, rows == last))


@torch.no_grad()
def drawn(module: nn.Module) -> nn.Module:
    """Random values for all parameters and statistics, so that no layer is idle and no signal dies.

    As libraries build them, scales are 1e-6, heads and tokens zero, norms one, weights a tenth of what keeps a signal.
    """
    random = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        values = torch.randn(parameter.shape, generator=random)
        many = parameter.dim() > 1
        parameter.copy_(values * (2 / parameter[0].numel()) ** 0.5 if many else 0.5 + 0.25 * values)
    for name, buffer in module.named_buffers():
        if name.endswith("running_var"):
            buffer.copy_(0.5 + torch.rand(buffer.shape, generator=random))
        elif name.endswith("running_mean"):
            buffer.copy_(0.1 * torch.randn(buffer.shape, generator=random))
    return module
