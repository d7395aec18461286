"""`innerview tour`: every look at one image and its network, on one page."""

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import innerview as iv

from .flags import SWITCH, Out, Photograph
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .output import output, writing, wrote
from .questions import NOTHING_ASKED, QuestionOptions
from .terminal import clean, tell


@flowing
def tour(
    image: Photograph | None = None,
    /,
    *,
    question: QuestionOptions = NOTHING_ASKED,
    out: Out = None,
    open_: Annotated[bool, Parameter(name="--open"), SWITCH] = False,
    net: NetworkOptions = BUILTIN,
) -> None:
    """One page with every look at one image and its network.

    The page is a single HTML file without outside links: open it in a browser, send it, keep it. Its maps answer the
    question, and for an objective a picture is made, too.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF; by default a sample photograph.
        out: the page; by default innerview-tour-IMAGE.html in the current folder.
        open_: show the page in the browser.
    """
    from ..show.page.report import write_tour

    image = image or _sample()
    out = output(out, "tour", [image], (".html", ".htm"))
    network = net.load()
    asked = question.asked(network)
    prepared = network.prepare(image)
    with iv.progress_bar(), writing(out):
        write_tour(network, image, out, objective=asked)
    best = network.predict(prepared, top=1)[0][0]
    tell(clean(f"{image.name}: {best.label}, {best.probability:.1%}"))
    wrote(out)
    if open_:
        webbrowser.open(out.resolve().as_uri())


def _sample() -> Path:
    """A photograph of Grace Hopper, which comes with matplotlib."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))
