"""`innerview grid`: an image as a layer sees it."""

from typing import Annotated

import innerview as iv

from .climbing import AS_USUAL, ClimbingOptions
from .flags import NUMBER, LastGrid, Out, Photograph
from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote


@flowing
def grid(  # noqa: PLR0913 - every option is a parameter
    image: Photograph,
    /,
    *,
    layer: LastGrid = None,
    most: Annotated[int, NUMBER] = 14,
    climbing: ClimbingOptions = AS_USUAL,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """An image as a layer sees it: for each position the picture that its activation stands for.

    Writes one figure; the stronger the layer answers at a position, the larger its picture. Each position is a picture
    of its own: a layer of 14 x 14 takes minutes, with --most 7 a quarter of that.

    Args:
        most: how many rows and columns at most; a finer grid is averaged.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-grid-IMAGE.png in the current folder.
    """
    how = climbing.settings
    out = output(out, "grid", [image])
    network = net.load()
    with iv.progress_bar():
        found = iv.activation_grid(network, image, layer, most=most, **how)
    write(found, out)
    wrote(out)
