"""`innerview grid`: an image as a layer sees it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .flowing import flowing
from .one_layer import layer_named
from .options import BUILTIN, NetworkOptions
from .terminal import clean, tell
from .writing import named, place, writing


@flowing
def grid(  # noqa: PLR0913 - every option is a parameter
    image: Path,
    /,
    *,
    layer: Annotated[str | None, Parameter(metavar="NAME")] = None,
    most: Annotated[int, Parameter(metavar="NUMBER")] = 14,
    steps: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """An image as a layer sees it: for each position the picture that its activation stands for.

    Writes one figure; the stronger the layer answers at a position, the larger its picture. Each position is a picture
    of its own: a layer of 14 x 14 takes minutes, with --most 7 a quarter of that.

    Args:
        image: a photograph: JPEG, PNG, WebP, BMP or GIF.
        layer: an address as innerview layers lists them, by default the last with a grid of features.
        most: how many rows and columns at most; a finer grid is averaged.
        steps: how many steps each picture climbs, by default 128.
        seed: of the noise that they start from.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw values; by default
            innerview-grid-IMAGE.png in the current folder.
    """
    from ..combined.grid import activation_grid
    from ..progress import progress_bar
    from ..show.figures import FORMATS, save

    out = place(named(out, f"grid-{image.stem}", FORMATS), [image], FORMATS)
    network = net.load()
    x = network.prepare(image)
    where = layer_named(network, x, layer)
    with progress_bar():
        found = activation_grid(network, x, where, most=most, steps=steps, seed=seed)
    with writing(out):
        save(found, out)
    tell(clean(f"wrote {out}"))
