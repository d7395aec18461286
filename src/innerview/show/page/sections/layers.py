"""The layers that the image passes through."""

from collections.abc import Sequence
from dataclasses import dataclass

from ....network.layers import LayerInfo
from ..section import Part, Section, Visit

OVERVIEW = 20


@dataclass(frozen=True)
class Row:
    """A layer in words."""

    name: str
    kind: str
    shape: str
    parameters: str
    field: str
    stride: str
    cam: bool


@dataclass(frozen=True)
class LayerTable:
    """The outermost layers, and all of them where these are more."""

    overview: list[Row]
    everything: list[Row]
    total: int


def layer_table(layers: Sequence[LayerInfo]) -> LayerTable:
    """As many levels of nesting as fit into an overview; a network of few layers is shown whole."""
    depths = sorted({_depth(layer) for layer in layers})
    fitting = [depth for depth in depths if sum(_depth(layer) <= depth for layer in layers) <= OVERVIEW]
    deepest = max(fitting, default=depths[0])
    overview = [_row(layer) for layer in layers if _depth(layer) <= deepest]
    everything = [_row(layer) for layer in layers]
    return LayerTable(overview, everything if len(everything) > len(overview) else [], len(layers))


def _depth(layer: LayerInfo) -> int:
    return layer.name.count(".")


def _row(layer: LayerInfo) -> Row:
    field = layer.receptive_field
    whole = field is not None and field.is_whole_image
    return Row(
        name=layer.name,
        kind=layer.kind,
        shape=_times(layer.output_shape),
        parameters=f"{layer.parameters:,}" if layer.parameters else "",
        field="whole image" if whole else _pair(field.size) if field else "not defined",
        stride="" if whole or field is None else _pair(field.stride),
        cam=layer.cam,
    )


def _pair(values: tuple[int, int]) -> str:
    return str(values[0]) if values[0] == values[1] else _times(values)


def _times(values: Sequence[int]) -> str:
    return " × ".join(map(str, values))


def _parts(visit: Visit) -> Sequence[Part]:
    return [Part("the layers", lambda: layer_table(visit.net.layers(visit.image)))]


SECTION = Section(
    anchor="layers",
    title="What is it made of?",
    lead="Each layer turns the maps of the one before into new ones. The receptive field is the square of input pixels "
    "that one unit can see, the stride the distance between the squares of neighbouring units.",
    parts=_parts,
)
