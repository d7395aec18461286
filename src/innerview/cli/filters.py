"""`innerview filters`: what a layer learned, as pictures."""

from typing import Annotated, Literal

from cyclopts import Parameter

import innerview as iv

from .flags import LAYER, NUMBERS, SWITCH, Out, Page
from .flowing import flowing
from .options import DEFAULT, NetworkOptions
from .output import output, write, wrote
from .ranges import chosen


@flowing
def filters(  # noqa: PLR0913 - every option is a parameter
    *,
    layer: Annotated[str | None, LAYER] = None,
    outputs: Annotated[str | None, NUMBERS] = None,
    inputs: Annotated[str | None, NUMBERS] = None,
    order: Literal["index", "norm"] = "index",
    pairs: Annotated[bool, SWITCH] = False,
    scale: Literal["shared", "each"] = "shared",
    page: Page = 0,
    weights_of_all: Annotated[bool, Parameter(name="--distribution"), SWITCH] = False,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """What a layer learned: its kernels as pictures, or the weights of all layers as histograms.

    Kernels that read the image's three colours are drawn in colour; others with a row for each output channel
    and a column for each input channel, red above zero and blue below.

    Args:
        layer: an address as innerview layers lists them, by default the first whose kernels are pictures.
        outputs: which output channels: a number of them as in 20, or a range as in 32-63, or a list as in 3,5,8.
        inputs: which input channels, in the same way.
        order: by number, or by norm: the longest kernel first.
        pairs: one picture for each input also where the inputs are red, green and blue.
        scale: one shared by all, so that they can be compared, or each its own.
        weights_of_all: a histogram of the weights of each layer instead of kernels.
        out: the figure, .png, .webp, .svg or .pdf, or .safetensors for the raw weights; by default
            innerview-filters-LAYER.png in the current folder.
    """
    network = net.load()
    if weights_of_all:
        result, subject = iv.weight_distributions(network, None if layer is None else [layer]), "weights"
        settings = {"page": page}
    else:
        result = iv.filters(network, layer, outputs=chosen(outputs), inputs=chosen(inputs), order=order)
        settings, subject = {"pairs": pairs, "scale": scale, "page": page}, result.layer
    out = output(out, f"filters-{subject}")
    write(result, out, **settings)
    wrote(out)
