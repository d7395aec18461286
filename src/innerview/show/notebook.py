"""What a notebook shows of a result and of a network: its figure with a caption, its layers."""

from math import sqrt
from typing import Any

from ..attribution.catalogue import METHODS
from ..attribution.method import Attribution
from ..errors import InnerviewError, NetworkError
from ..network.network import Network
from .drawing.paper import rendered
from .drawing.titles import plain, reading
from .figures import figure
from .page.markup import templates
from .page.sections.layers import layer_table
from .page.tiles import data_uri

CSS_PIXELS = 96
"""That an inch has on a page."""
SHARPNESS = 1.25
"""Pixels of the picture for each of them."""
LARGEST = 5_000_000
"""Pixels of the picture at most; every output is kept in the notebook's file."""
_METHODS = {kind.__name__: kind for kind in METHODS.values()}


def bundle(shown: Any) -> dict[str, str]:
    """What is shown, by the type of its content; of what cannot be drawn the text, with the reason."""
    try:
        html = _network(shown) if isinstance(shown, Network) else _drawn(shown)
    except InnerviewError as error:
        return {"text/plain": f"{shown!r}\nThere is no picture of it here: {error}"}
    return {"text/plain": repr(shown), "text/html": html}


def _drawn(result: Any) -> str:
    """Its figure, what it is of, and how it is read."""
    page = figure(result)
    width, height = page.get_size_inches()
    sharpness = min(SHARPNESS * CSS_PIXELS, sqrt(LARGEST / (width * height)))
    seen, more = reading(_kind(result))
    origin = plain(result.origin, 400)
    return (
        templates()
        .get_template("in_notebook.html")
        .render(
            picture=data_uri(rendered(page, sharpness)),
            alt=f"{type(result).__name__}, {origin}: {seen}",
            width=round(width * CSS_PIXELS),
            origin=origin,
            caption=f"{seen} {more}".strip(),
        )
    )


def _kind(result: Any) -> type:
    """The class whose docstring says how it is read: of a map that of its method."""
    return _METHODS.get(result.provenance.method, Attribution) if isinstance(result, Attribution) else type(result)


def _network(net: Network) -> str:
    """Its layers, each with what it gives and sees."""
    image = net.blank()
    try:
        layers = layer_table(net.layers(image))
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
        raise NetworkError(f"{net.name} does not run on an input of {list(image.shape)}: {error}") from error
    count = sum(each.numel() for each in net.module.parameters())
    facts = f"{count:,} parameters, {net.dtype} on {net.device}, inputs of {' × '.join(map(str, image.shape[1:]))}"
    return (
        templates().get_template("network_in_notebook.html").render(title=plain(net.title), facts=facts, layers=layers)
    )
