"""`innerview filters`: what a layer learned, as pictures."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .ranges import chosen
from .terminal import clean, tell
from .writing import named, writing


@flowing
def filters(  # noqa: PLR0913 - every option is a parameter
    layer: str | None = None,
    /,
    *,
    outputs: Annotated[str | None, Parameter(metavar="NUMBERS")] = None,
    inputs: Annotated[str | None, Parameter(metavar="NUMBERS")] = None,
    order: Literal["index", "norm"] = "index",
    pairs: Annotated[bool, Parameter(show_default=False)] = False,
    scale: Literal["shared", "each"] = "shared",
    page: int = 0,
    weights_of_all: Annotated[bool, Parameter(name="--distribution", show_default=False)] = False,
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    net: NetworkOptions = BUILTIN,
) -> None:
    """The kernels of a layer as pictures, or the weights of all layers as histograms.

    Kernels that read the image's three colours are drawn in colour; others with a row for each output channel
    and a column for each input channel, red above zero and blue below.

    Args:
        layer: the layer's address, by default the first whose kernels are pictures; innerview layers lists them.
        outputs: which output channels: a number of them as in 20, or a range as in 32-63, or a list as in 3,5,8.
        inputs: which input channels, in the same way.
        order: by number, or by norm: the longest kernel first.
        pairs: one picture for each input also where the inputs are red, green and blue.
        scale: one for all kernels, or one for each.
        page: what does not fit on page 0 is on the next ones.
        weights_of_all: a histogram of the weights of each layer instead of kernels.
        out: the figure, .png, .svg or .pdf, or .safetensors for the raw weights; by default
            innerview-filters-LAYER.png in the current folder.
    """
    from ..parameters.distributions import weight_distributions
    from ..parameters.filters import filters as kernels_of
    from ..show.figures import FORMATS, save

    network = net.load()
    if weights_of_all:
        result, subject = weight_distributions(network, None if layer is None else [layer]), "weights"
        settings = {"page": page}
    else:
        result = kernels_of(network, layer, outputs=chosen(outputs), inputs=chosen(inputs), order=order)
        settings, subject = {"pairs": pairs, "scale": scale, "page": page}, f"filters-{result.layer}"
    out = named(out, subject, FORMATS)
    with writing(out):
        save(result, out, **settings)
    tell(clean(f"wrote {out}"))
