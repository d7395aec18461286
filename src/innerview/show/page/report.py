"""The tour: every way of looking at one image and its network, as one self-contained page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image
from torch import Tensor

from ...attribution.catalogue import METHODS
from ...errors import SettingError
from ...files import replacing
from ...network.images import to_picture
from ...network.network import Network, require_network
from ...network.pictures import pictures
from ...objectives import Question, as_objective
from ...passes.sharing import sharing
from ...progress import steps
from ...settings import Count, checked
from ..drawing.colours import Scale, photograph
from ..drawing.titles import plain
from .making import code, command, facts, provenance
from .markup import templates
from .section import Part, Section, Visit
from .sections import classes, fragile, inside, layers, learned, looked_for, prediction, where
from .tiles import COARSE, data_uri

SECTIONS: tuple[Section, ...] = (
    prediction.SECTION,
    layers.SECTION,
    learned.SECTION,
    inside.SECTION,
    where.SECTION,
    classes.SECTION,
    looked_for.SECTION,
    fragile.SECTION,
)
"""The sections of the page in their order; a new one is a file, a template and a line here."""

_LARGEST_PHOTOGRAPH = 720


@dataclass(frozen=True)
class Shown:
    """A section with the results of its parts, ready for its template."""

    section: Section
    parts: list[Any]


def tour(  # noqa: PLR0913 - all but the network and the image are optional
    net: Network,
    source: Any,
    *,
    objective: Question | None = None,
    top: int = 5,
    title: str | None = None,
    all_methods: bool = False,
) -> str:
    """A page that looks at one image and at the network that sees it, as HTML text.

    It holds everything in itself: no scripts, no links to elsewhere, images as data. It works from a file, in light
    and dark, on a phone and in print.

    Args:
        net: the network; it is not changed.
        source: the image, as anything `net.prepare` takes.
        objective: what the maps of the page explain, and what else a picture is made for: an objective, or a class by
            index or name; by default the most probable class.
        top: how many of the most probable classes are listed, at least 1.
        title: the page's heading; by default the network's name.
        all_methods: show the maps of every method of attribution, not only of one of each kind. Those that ask the
            network about hundreds of masks take most of the time.

    Raises:
        SettingError: there is more than one image, or `top` is less than 1.
        LabelError, LayerError, ObjectiveError: the question does not fit the network.
        ImageError, NetworkError: the image cannot be used, or the network gives no class scores.
    """
    require_network(net)
    with sharing(net, _image(net, source)) as image:
        visit = _visit(net, image, source, top, objective)
        visit = replace(visit, methods=tuple(METHODS.values())) if all_methods else visit
        shown = _looks(visit)
    return _page(visit, shown, _photograph(source), title)


def write_tour(net: Network, source: Any, path: str | Path, **settings: Any) -> None:
    """Write the page that `tour` makes with these settings to a file, whole or not at all."""
    page = tour(net, source, **settings)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _looks(visit: Visit) -> list[Shown]:
    """The work of all sections."""
    work = [(section, section.parts(visit)) for section in SECTIONS]
    with steps(f"looking at {visit.source or 'the image'}", sum(len(parts) for _, parts in work)) as advance:

        def result(part: Part) -> Any:
            advance(0, lambda: part.name)
            found = part.work()
            advance(1)
            return found

        return [Shown(section, [result(part) for part in parts]) for section, parts in work]


def _image(net: Network, source: Any) -> Tensor:
    image = net.prepare(source)
    if len(image) != 1:
        raise SettingError(f"a tour looks at one image; got {len(image)}. Make one page for each")
    return image


def _visit(net: Network, image: Tensor, source: Any, top: int, objective: Question | None) -> Visit:
    top = checked("top", top, Count)
    name = plain(Path(source).name) if isinstance(source, str | Path) else ""
    asked = None if objective is None else as_objective(net, objective, image)
    for layer in asked.layers if asked else ():
        net.address(layer, image)
    return Visit(net, image, tuple(net.predict(image, top)[0]), name, asked)


def _photograph(source: Any) -> Image.Image | None:
    """The whole picture before the network's preprocessing, not larger than a page shows it; None for tensors."""
    if isinstance(source, list | tuple):
        return _photograph(source[0])
    if isinstance(source, Tensor) and source.is_floating_point():
        return None
    if isinstance(source, Tensor | np.ndarray) and source.ndim == 4:
        return _photograph(source[0])
    picture = to_picture(source).convert("RGB")
    picture.thumbnail((_LARGEST_PHOTOGRAPH, _LARGEST_PHOTOGRAPH))
    return picture


def _page(visit: Visit, shown: Sequence[Shown], picture: Image.Image | None, title: str | None) -> str:
    seen = photograph(pictures(visit.net, visit.image)[0])
    return (
        templates()
        .get_template("page.html")
        .render(
            title=plain(title or f"Inside {visit.net.title}"),
            visit=visit,
            sections=shown,
            answer=prediction.bars(visit.top)[0],
            photograph=data_uri(picture) if picture and max(picture.size) >= COARSE else None,
            seen=data_uri(seen),
            coarse=max(seen.shape[:2]) < COARSE,
            facts=facts(visit),
            provenance=provenance(visit),
            command=command(visit),
            code=code(visit),
            css=Markup(templates().get_template("page.css").render(bars=_bars())),  # noqa: S704 - our own file
        )
    )


def _bars() -> dict[str, str]:
    return {name: ", ".join(Scale(1.0, signed).stops()) for name, signed in (("signed", True), ("unsigned", False))}
