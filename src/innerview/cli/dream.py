"""`innerview dream`: images in which the network sees more of what it sees already."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .pictures import prepared
from .questions import Asked, one_question
from .synthesize import show
from .terminal import clean, tell
from .writing import named, place, writing


@flowing
def dream(  # noqa: PLR0913 - every option is a parameter
    images: list[Path],
    /,
    *,
    objective: Asked = None,
    target: Annotated[str | None, Parameter(metavar="CLASS")] = None,
    octaves: Annotated[int, Parameter(metavar="NUMBER")] = 4,
    ratio: Annotated[float, Parameter(metavar="NUMBER")] = 1.4,
    steps: Annotated[int, Parameter(metavar="NUMBER")] = 10,
    step: Annotated[float, Parameter(metavar="NUMBER")] = 0.01,
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> int:
    """Images in which the network sees more of what it sees already.

    Writes one figure with each image as it is dreamt of. The images are resized to the network's input; --size makes
    that larger. An image that cannot be read is named and left out.

    Args:
        images: photographs: JPEG, PNG, WebP, BMP or GIF.
        objective: what to see more of, as in energy:LAYER, channel:LAYER,42 or "logit:ox - logit:bison"; by default the
            most probable class of each image.
        target: a class to see more of, by name or index.
        octaves: in how many sizes to dream, from small to large.
        ratio: how much larger each size is than the one before.
        steps: how many steps to take in each size.
        step: the mean change of a pixel in one step, in pixels of 0-1.
        seed: of the shifts between the steps.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-dream-IMAGE.png in the current folder, named after the first image.
    """
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save
    from ..synthesis.dream import Octaves
    from ..synthesis.dream import dream as dreamt

    how = Octaves(ratio=ratio, steps=steps, step=step)
    out = place(named(out, f"dream-{images[0].stem}", FORMATS), images, FORMATS)
    network = net.load()
    asked = one_question(network, objective, target)
    with progress_bar():
        usable = [x for _, x in prepared(network, images)]
        if not usable:
            return 2
        found = dreamt(network, usable, asked, octaves=octaves, how=how, seed=seed)
    with writing(out):
        save(found, out)
    show(found)
    tell(clean(f"wrote {out}"))
    return 0 if len(usable) == len(images) else 2
