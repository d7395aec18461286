"""Finding the first units of a perceptron with two inputs, and what it decides where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..errors import MethodError, SettingError
from ..modules.batching import in_batches
from ..modules.scope import hooked, untouched
from ..network.network import Network
from ..network.provenance import provenance
from ..settings import Count, checked
from .unit_lines import Extent, UnitLines

Points = Float[Tensor, "point 2"]

STANDARDISED: Extent = (-3.0, 3.0, -3.0, 3.0)
MARGIN = 0.1
AT_ONCE = 8192


def hidden_units(  # noqa: PLR0913 - all but the network are optional
    mlp: nn.Module | Network,
    data: Any = None,
    labels: Any = None,
    *,
    extent: Sequence[float] | None = None,
    resolution: int = 200,
    threshold: float = 0.0,
    deeper: bool = False,
) -> UnitLines:
    """The line of each unit of the first layer of a perceptron that takes points [n, 2], and its decision regions.

    Args:
        mlp: the network; it is not changed.
        data: points [n, 2] to draw beside the lines: a tensor, an array or a list.
        labels: the class of each point.
        extent: left, right, bottom and top of the part to look at; by default around the data with a tenth to
            spare, or without data −3 to 3, where standardised data lie.
        resolution: the rows and columns of the grid of `regions`.
        threshold: above it a network with one output says class 1.
        deeper: also keep what the linear layers behind the first give on the grid.

    Raises:
        MethodError: the first linear layer does not read the two inputs.
        SettingError: the data, the labels or a setting have another shape or range.
    """
    net = mlp if isinstance(mlp, Network) else Network(mlp)
    resolution = checked("resolution", resolution, Count)
    plane = _plane(data, labels, extent)
    grid = _grid(plane.extent, resolution).to(net.device, net.dtype)
    with untouched(net.module), torch.no_grad():
        first, layer = _first_layer(net, grid)
        classes, behind = _decided(net, grid, threshold, behind=first if deeper else None)
        weights, bias = _weights(layer)
    square = (resolution, resolution)
    how = {"resolution": resolution, "threshold": threshold, "deeper": deeper}
    return UnitLines(
        **vars(plane),
        weights=weights,
        bias=bias,
        regions=classes.reshape(square),
        deeper={name: given.T.reshape(-1, *square).contiguous() for name, given in behind.items()},
        provenance=provenance(net, "hidden_units", data=plane.points, labels=plane.labels, extent=plane.extent, **how),
    )


@dataclass(frozen=True, eq=False)
class _Plane:
    """The part of the plane to look at, and the points that are drawn on it."""

    extent: Extent
    points: Points | None
    labels: Int[Tensor, "point"] | None


def _plane(data: Any, labels: Any, extent: Sequence[float] | None) -> _Plane:
    points = None if data is None else _points(data)
    classes = None if labels is None else _labels(labels, points)
    return _Plane(_around(points) if extent is None else _checked(extent), points, classes)


def _points(data: Any) -> Points:
    points = torch.as_tensor(data).detach().float().cpu()
    if points.dim() != 2 or points.shape[1] != 2 or not len(points) or not bool(points.isfinite().all()):
        raise SettingError(f"data are finite points [n, 2], at least one; got {list(points.shape)}")
    return points


def _labels(labels: Any, points: Points | None) -> Int[Tensor, "point"]:
    classes = torch.as_tensor(labels).detach().flatten().long().cpu()
    if points is None or len(classes) != len(points):
        count = "no points" if points is None else f"{len(points)} points"
        raise SettingError(f"labels are one class for each point of data; got {len(classes)} labels and {count}")
    return classes


def _around(points: Points | None) -> Extent:
    if points is None:
        return STANDARDISED
    low, high = points.amin(0), points.amax(0)
    spare = MARGIN * (high - low).max().clamp_min(torch.finfo(torch.float32).eps)
    (left, bottom), (right, top) = (low - spare).tolist(), (high + spare).tolist()
    return left, right, bottom, top


def _checked(extent: Sequence[float]) -> Extent:
    if len(extent) == 4:
        left, right, bottom, top = map(float, extent)
        if left < right and bottom < top:
            return left, right, bottom, top
    raise SettingError(f"extent is left < right and bottom < top, four numbers; got {extent!r}")


def _grid(extent: Extent, resolution: int) -> Float[Tensor, "cell 2"]:
    """The centres of the cells, row by row from the bottom."""
    left, right, bottom, top = extent
    steps = (torch.arange(resolution) + 0.5) / resolution
    rows, columns = bottom + (top - bottom) * steps, left + (right - left) * steps
    return torch.cartesian_prod(rows, columns).flip(1)


def _look(net: Network, points: Float[Tensor, "cell 2"]) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]:
    """The scores, and what each linear layer read and gave at its first call, in the order they ran."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    names: dict[nn.Module, str] = {
        each: name for name, each in net.module.named_modules() if isinstance(each, nn.Linear)
    }

    def note(layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        if names[layer] not in seen:
            seen[names[layer]] = inputs[0].clone(), output.clone()  # a rectifier behind may work in place

    with hooked(dict.fromkeys(names, note)):
        scores = net.select(net.module(points.clone()))
    return scores, seen


def _first_layer(net: Network, points: Float[Tensor, "cell 2"]) -> tuple[str, nn.Linear]:
    """The first linear layer that ran and its name, if it reads the points themselves."""
    linear = {name: each for name, each in net.module.named_modules() if isinstance(each, nn.Linear)}
    if not linear:
        raise MethodError(
            f"hidden units are those of the first nn.Linear of a perceptron; {net.name} has no nn.Linear. For "
            "convolutions ask for filters(net, layer)"
        )
    some = points[:2]
    try:
        _, seen = _look(net, some)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise _not_on_points(net, linear, error) from error
    name, (read_by_it, _) = next(iter(seen.items()), ("", (some[:0], some)))
    if name and read_by_it.shape != some.shape:
        raise _other_width(net, name, linear[name])
    if not torch.equal(read_by_it, some):
        raise MethodError(
            "lines in the plane of the input need a first linear layer that reads the input itself; in "
            f"{net.name} something is computed before it. Hand over the part of the network that begins with it"
        )
    return name, linear[name]


def _not_on_points(net: Network, linear: Mapping[str, nn.Linear], error: Exception) -> MethodError:
    name, layer = next(iter(linear.items()))
    if layer.in_features != 2:
        return _other_width(net, name, layer)
    reason = " ".join(str(error).split())
    return MethodError(f"hidden units need a network that takes points [n, 2]; {net.name} fails on them: {reason}")


def _other_width(net: Network, name: str, layer: nn.Linear) -> MethodError:
    return MethodError(
        f"hidden units draw lines where the first linear layer reads two numbers; {name!r} of {net.name} reads "
        f"{layer.in_features}. Train a perceptron on two features, or ask for filters(net, {name!r})"
    )


def _decided(
    net: Network, grid: Float[Tensor, "cell 2"], threshold: float, *, behind: str | None
) -> tuple[Int[Tensor, "cell"], dict[str, Float[Tensor, "cell unit"]]]:
    """The class of each cell, and what the linear layers behind the one of this name give there."""

    def run(rows: slice) -> tuple[Tensor, dict[str, Tensor]]:
        scores, seen = _look(net, grid[rows])
        deeper = {name: given.cpu() for name, (_, given) in seen.items() if behind is not None and name != behind}
        return _classes(net, scores, threshold), deeper

    classes, given = zip(*(part for _, part in in_batches(len(grid), AT_ONCE, run)), strict=True)
    return torch.cat(classes), {name: torch.cat([each[name] for each in given]) for name in given[0]}


def _classes(net: Network, scores: Tensor, threshold: float) -> Int[Tensor, "cell"]:
    table = scores[:, None] if scores.dim() == 1 else scores
    if table.dim() != 2:
        raise MethodError(
            f"decision regions need one score, or one for each class, for each point; {net.name} gives "
            f"{list(scores.shape)}. Pick the scores with Network(module, output=…)"
        )
    classes = table.argmax(1) if table.shape[1] > 1 else table[:, 0] > threshold
    return classes.to("cpu", torch.int16)


def _weights(layer: nn.Linear) -> tuple[Float[Tensor, "unit 2"], Float[Tensor, "unit"]]:
    """Copies of the layer's weights and bias; a layer without a bias has zeros."""
    bias = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
    weights, bias = (each.detach().to("cpu", copy=True) for each in (layer.weight, bias))
    return weights, bias
