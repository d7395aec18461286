"""`innerview layers`: what a network is made of."""

from collections.abc import Iterator, Mapping, Sequence

import innerview as iv

from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .terminal import Column, clean, on_terminal, table, tell


@flowing
def layers(net: NetworkOptions = DEFAULT) -> None:
    """The layers of a network, in the order they are defined.

    For each layer: its address, its kind, the shape of what it gives (channel × row × column), its number of
    parameters, how many pixels of the input one of its units sees, and the stride: the step in pixels from
    one unit to the next. In a terminal the addresses are drawn as a tree; for another program there is one
    line for each layer, with the parts separated by tabs. No weights are needed, so none are downloaded.
    """
    infos = {info.name: info for info in net.load(untrained=True).layers()}
    if on_terminal():
        _for_people(infos)
    else:
        _for_programs(infos)


def _for_programs(infos: Mapping[str, "iv.LayerInfo"]) -> None:
    titles = ("address", "kind", "shape", "parameters", "sees", "stride", "cam")
    rows = (
        (
            name,
            info.kind,
            "x".join(map(str, info.output_shape)),
            str(info.parameters),
            _sees(info.receptive_field),
            _stride(info.receptive_field),
            "cam" if info.cam else "",
        )
        for name, info in infos.items()
    )
    table([Column(title) for title in titles], rows)


def _for_people(infos: Mapping[str, "iv.LayerInfo"]) -> None:
    columns = [
        Column("layer"),
        Column("kind"),
        Column("shape", "right"),
        Column("parameters", "right"),
        Column("sees", "right"),
        Column("stride", "right"),
    ]
    table(columns, [(drawn, *_cells(infos.get(name))) for drawn, name in _tree(list(infos))])
    deepest = max(infos, key=lambda name: name.count("."))
    tell("")
    tell(clean(f"An address joins the names with dots, as in {deepest}."))
    if cam := next((name for name, info in infos.items() if info.cam), None):
        tell(clean(f"● The layer that class activation maps use by default: {cam}."))


def _cells(info: "iv.LayerInfo | None") -> tuple[str, ...]:
    """The columns after the name; a container that never runs itself has nothing to say."""
    if info is None:
        return ("",) * 5
    return (
        f"{info.kind} ●" if info.cam else info.kind,
        "×".join(map(str, info.output_shape)),
        f"{info.parameters:,}" if info.parameters else "",
        _sees(info.receptive_field),
        _stride(info.receptive_field),
    )


def _sees(field: "iv.ReceptiveField | None") -> str:
    if field is None:
        return ""
    return "all" if field.is_whole_image else _side(field.size)


def _stride(field: "iv.ReceptiveField | None") -> str:
    return "" if field is None or field.is_whole_image else _side(field.stride)


def _side(pair: tuple[int, int]) -> str:
    """One number for a square."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _tree(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each layer, and each container on the way to one, as a line of a tree and its address."""
    children: dict[str, dict[str, None]] = {"": {}}
    for name in names:
        parts = name.split(".")
        for depth in range(len(parts)):
            address = ".".join(parts[: depth + 1])
            children.setdefault(address, {})
            children[".".join(parts[:depth])][address] = None
    return _branches(children, "", "")


def _branches(children: Mapping[str, Mapping[str, None]], parent: str, indent: str) -> Iterator[tuple[str, str]]:
    for address in children[parent]:
        last = address == list(children[parent])[-1]
        fork, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield f"{indent}{fork}{address.rpartition('.')[2]}", address
        yield from _branches(children, address, indent + below)
