"""A page for each of several images, and an index that leads to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from ...errors import SettingError
from ...files import replacing
from ...network.network import Network
from ...network.pictures import pictures
from ..drawing.colours import photograph
from ..drawing.titles import plain
from .markup import templates
from .report import write_tour
from .sections.prediction import Bar, bars
from .tiles import COARSE, data_uri


@dataclass(frozen=True)
class Entry:
    """One image of an index: where its page is, what it looks like to the network, and its most probable class."""

    name: str
    address: str
    seen: str
    coarse: bool
    answer: Bar


def write_tours(net: Network, sources: Sequence[str | Path], index: str | Path, **settings: Any) -> list[Path]:
    """Write the page of each image and an index of them; the pages lie beside the index and begin with its name.

    Args:
        net: the network; it is not changed.
        sources: the images' paths, at least one.
        index: the file of the index, such as "tour.html"; the page of photo.jpg is then "tour-photo.html".
        settings: those of `tour`.

    Returns:
        The pages, in the order of the images.

    Raises:
        SettingError: there is no image. All that `tour` raises.
    """
    if not sources:
        raise SettingError("an index needs at least one image; got none")
    index = Path(index)
    pages = [index.with_name(name) for name in _names(index, sources)]
    for source, page in zip(sources, pages, strict=True):
        write_tour(net, source, page, **settings)
    entries = [_entry(net, source, page) for source, page in zip(sources, pages, strict=True)]
    css = Markup(templates().get_template("page.css").render(bars={"signed": "", "unsigned": ""}))  # noqa: S704 - our own file
    text = templates().get_template("index.html").render(title=f"Inside {plain(net.title)}", entries=entries, css=css)
    with replacing(index) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return pages


def _names(index: Path, sources: Sequence[str | Path]) -> list[str]:
    """The file of each page; images of the same name in several folders are numbered."""
    stems = [Path(source).stem.rpartition(":")[2] for source in sources]
    numbers = [stems[: place + 1].count(stem) for place, stem in enumerate(stems)]
    ends = [stem if number == 1 else f"{stem}-{number}" for stem, number in zip(stems, numbers, strict=True)]
    return [f"{index.stem}-{end}{index.suffix}" for end in ends]


def _entry(net: Network, source: str | Path, page: Path) -> Entry:
    image = net.prepare(source)
    seen = photograph(pictures(net, image)[0])
    return Entry(
        name=plain(Path(source).name),
        address=quote(page.name),
        seen=data_uri(seen),
        coarse=max(seen.shape[:2]) < COARSE,
        answer=bars(net.predict(image, 1)[0])[0],
    )
