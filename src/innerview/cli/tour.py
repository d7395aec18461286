"""`innerview tour`: every look at an image and its network, on one page."""

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import innerview as iv

from .flags import PHOTOGRAPHS, SWITCH, Out
from .flowing import flowing
from .images import usable
from .options import DEFAULT, NetworkOptions
from .output import output, writing, wrote
from .questions import NOTHING_ASKED, QuestionOptions
from .terminal import clean, tell

SAMPLE = Path("sample:cat")


@flowing
def tour(  # noqa: PLR0913 - every argument but the images is optional
    images: Annotated[list[Path] | None, Parameter(help=f"{PHOTOGRAPHS} By default {SAMPLE}.")] = None,
    /,
    *,
    question: QuestionOptions = NOTHING_ASKED,
    all_: Annotated[bool, Parameter(name="--all"), SWITCH] = False,
    out: Out = None,
    open_: Annotated[bool, Parameter(name="--open"), SWITCH] = False,
    net: NetworkOptions = DEFAULT,
) -> int:
    """One page with every look at an image and its network.

    The page is a single HTML file without outside links: open it in a browser, send it, keep it. Its maps answer the
    question, and for an objective a picture is made, too. Several images get a page each, and an index that leads to
    them; one that cannot be read is named and left out.

    Args:
        all_: the maps of every method; by default one of each kind.
        out: the page, or the index of several; by default innerview-tour-IMAGE.html in the current folder, or
            innerview-tour.html.
        open_: show the page in the browser.
    """
    from ..show.page.report import write_tour
    from ..show.page.several import write_tours

    named = images or [SAMPLE]
    one = len(named) == 1
    out = output(out, "tour", named if one else [], (".html", ".htm"))
    network = net.load()
    settings = {"objective": question.asked(network), "all_methods": all_}
    found = usable(network, named)
    with iv.progress_bar(), writing(out):
        if one:
            write_tour(network, found.paths[0], out, **settings)
        pages = [] if one else write_tours(network, found.paths, out, **settings)
    for path, prepared in zip(found.paths, found.inputs, strict=True):
        best = network.predict(prepared, top=1)[0][0]
        tell(clean(f"{path.name}: {best.label}, {best.probability:.1%}"))
    wrote(*pages, out)
    if open_:
        webbrowser.open(out.resolve().as_uri())
    return found.code
