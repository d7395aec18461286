"""`innerview tour`: every look at one image and its network, on one page."""

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .questions import Asked, one_question
from .terminal import clean, tell
from .writing import place, writing


@flowing
def tour(  # noqa: PLR0913 - every option is a parameter
    image: Path | None = None,
    /,
    *,
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    objective: Asked = None,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    open_: Annotated[bool, Parameter(name="--open", show_default=False)] = False,
    net: NetworkOptions = BUILTIN,
) -> None:
    """One page with every look at one image and its network.

    The page is a single HTML file without outside links: open it in a browser, send it, keep it.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF; by default a sample photograph.
        target: the class that the maps explain, by name or index; by default the most probable one.
        objective: what else they explain, as in "logit:ox - logit:bison", channel:LAYER,42 or max:LAYER; a picture is
            made for it, too.
        out: the page; by default innerview-IMAGE.html in the current folder.
        open_: show the page in the browser.
    """
    from ..progress import progress_bar
    from ..show.page.report import write_tour

    image = image or _sample()
    out = place(out, [image], (".html", ".htm"))
    network = net.load()
    asked = one_question(network, objective, target)
    prepared = network.prepare(image)
    with progress_bar(), writing(out):
        write_tour(network, image, out, objective=asked)
    best = network.predict(prepared, top=1)[0][0]
    tell(clean(f"{image.name}: {best.label}, {best.probability:.1%}"))
    tell(clean(f"wrote {out}"))
    if open_:
        webbrowser.open(out.resolve().as_uri())


def _sample() -> Path:
    """A photograph of Grace Hopper, which comes with matplotlib."""
    from matplotlib.cbook import get_sample_data

    return Path(get_sample_data("grace_hopper.jpg", asfileobj=False))
