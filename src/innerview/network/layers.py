"""The layers of a network: their addresses, shapes and receptive fields, read off one forward pass."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor, nn

from ..errors import LayerError
from ..modules.outputs import candidates, first_tensor
from ..modules.scope import hooked
from ..operations.dependence import DependenceTracer, Memory, memory_of
from ..operations.field_tracer import FieldTracer
from ..operations.receptive_field import ReceptiveField


@dataclass(frozen=True)
class LayerInfo:
    """One layer: a module that ran in the forward pass.

    `output_shape` leaves out the batch: (channel, row, column) for a convolution. `parameters` counts
    those of the layer and of all inside it. `receptive_field` and its stride are in pixels of the input;
    None where they are not defined. `finished` says when each of its calls ended, counted over all layers.
    `rows_per_image` is 1 but for layers whose first axis counts windows, patches or tokens. `cam` marks the
    sensible default for class activation maps.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    receptive_field: ReceptiveField | None
    finished: tuple[int, ...]
    rows_per_image: int = 1
    cam: bool = False

    @property
    def stride(self) -> tuple[int, int] | None:
        """The distance between neighbouring units, in pixels of the input."""
        return self.receptive_field.stride if self.receptive_field else None


@dataclass(frozen=True)
class Address:
    """One output of one module: `layer1.0.relu:1` is what its first call gives, without `:1` its last."""

    name: str
    module: nn.Module
    call: int
    finished: int
    shape: tuple[int, ...]
    rows_per_image: int


@dataclass
class _Run:
    tensor: Tensor
    finished: list[int]
    steps: int

    @property
    def rows(self) -> int:
        return self.tensor.shape[0] if self.tensor.dim() else 0


def trace(module: nn.Module, images: Tensor) -> tuple[LayerInfo, ...]:
    """Run the module once and describe each layer that ran, in the order the modules are defined."""
    runs, tracer, last_reads = _run(module, images)
    default = _cam_layer(module, runs, last_reads)
    modules = [(address, each) for address, each in module.named_modules() if each in runs and address]
    return tuple(
        LayerInfo(
            name=address,
            kind=type(each).__name__,
            output_shape=tuple(runs[each].tensor.shape[1:]),
            parameters=sum(parameter.numel() for parameter in each.parameters()),
            receptive_field=tracer.field(runs[each].tensor),
            finished=tuple(runs[each].finished),
            rows_per_image=runs[each].rows,
            cam=each is default,
        )
        for address, each in modules
    )


def in_order(layers: Iterable[LayerInfo]) -> list[LayerInfo]:
    """The layers as they finish in a pass."""
    return sorted(layers, key=lambda layer: layer.finished[-1])


def _run(module: nn.Module, images: Tensor) -> tuple[dict[nn.Module, _Run], FieldTracer, dict[Memory, float]]:
    """What each module gave, the receptive fields, and when each memory was last read for the scores."""
    runs: dict[nn.Module, _Run] = {}
    clock, dependence = count(), DependenceTracer()

    def note(each: nn.Module, _inputs: tuple, output: object) -> None:
        tensor = first_tensor(output)
        if tensor is not None:
            before = runs[each].finished if each in runs else []
            runs[each] = _Run(tensor, [*before, next(clock)], dependence.steps)

    with torch.inference_mode(False), torch.no_grad(), hooked(dict.fromkeys(module.modules(), note)):
        image = images.clone()
        with FieldTracer(image) as fields, dependence:
            output = module(image)
    return runs, fields, dependence.last_reads(candidates(output).values())


def _cam_layer(
    module: nn.Module, runs: Mapping[nn.Module, _Run], last_reads: Mapping[Memory, float]
) -> nn.Module | None:
    """The last layer whose output is a grid that no pooling has shrunk, unless tokens follow it.

    The scores have to be computed from that output: a container may give out a grid that is only for show.
    """
    pooled = {id(run.tensor) for each, run in runs.items() if "Pool" in type(each).__name__}
    grids = {
        each: run.finished[-1]
        for each, run in runs.items()
        if _is_grid(run.tensor)
        and id(run.tensor) not in pooled
        and each is not module
        and last_reads.get(memory_of(run.tensor), -1) >= run.steps
    }
    if not grids:
        return None
    last = max(grids, key=grids.__getitem__)
    tokens_follow = any(run.tensor.dim() == 3 and run.finished[-1] > grids[last] for run in runs.values())
    return None if tokens_follow else last


def _is_grid(tensor: Tensor) -> bool:
    """Of the one image that was run."""
    return tensor.dim() == 4 and len(tensor) == 1 and tensor.shape[2:].numel() > 1


def address(module: nn.Module, layers: Sequence[LayerInfo], name: str, network: str) -> Address:
    """The module and call that a layer's name stands for; unknown names list the nearest ones."""
    path, _, call = name.partition(":")
    known = {layer.name: layer for layer in layers}
    path = path if path in known else _first_name(module, path)
    if path not in known:
        raise LayerError(_unknown(path, list(known), network, module))
    calls = len(known[path].finished)
    if call and not (call.isdecimal() and 1 <= int(call) <= calls):
        raise LayerError(f"layer {path!r} of {network} runs {calls} time(s) in a pass, so {name!r} does not exist")
    number = int(call or calls)
    layer = known[path]
    finished, rows = layer.finished[number - 1], layer.rows_per_image
    return Address(name, module.get_submodule(path), number, finished, layer.output_shape, rows)


def _first_name(module: nn.Module, path: str) -> str:
    """A module that is registered under several names is listed under its first."""
    wanted = dict(module.named_modules(remove_duplicate=False)).get(path)
    return next((name for name, each in module.named_modules() if each is wanted), path)


def _unknown(name: str, known: list[str], network: str, module: nn.Module) -> str:
    if name in dict(module.named_modules()):
        return f"layer {name!r} of {network} does not run in a forward pass, so there is nothing to see"
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return f"no layer {name!r} in {network}{hint} `innerview layers {network}` lists them"
