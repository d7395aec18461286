"""Layers whose output has not one row for each image: their rows are windows of an image, patches or tokens."""

from torch import Tensor

from ..errors import LayerError
from .layers import Address
from .network import Network


def require_rows(net: Network, images: Tensor, layer: str, rows: int | None = None) -> None:
    """`LayerError` unless a layer has one row for each image; `rows` is how many it gave for these images."""
    if (sentence := refusal(net, images, net.address(layer, images), rows)) is not None:
        raise LayerError(sentence)


def refusal(net: Network, images: Tensor, layer: Address, rows: int | None = None) -> str | None:
    """Why a layer cannot be read image by image; None if it can, as its output has one row for each image.

    Both one image and these images are asked for: a layer may give as many windows as there happen to be images.
    """
    for_one = layer.rows_per_image
    if for_one == 1 and rows in (None, len(images)):
        return None
    count = f"{for_one} rows for one image" if for_one != 1 else f"{rows} row(s) for {len(images)} image(s)"
    return (
        f"a layer is read image by image, one row for each; {layer.name!r} of {net.name} gives {count}, such as "
        f"windows, patches or tokens. {_remedy(net, images, layer.name)}"
    )


def _remedy(net: Network, images: Tensor, layer: str) -> str:
    fitting = {each.name for each in net.traced(images) if each.rows_per_image == 1}
    parts = layer.partition(":")[0].split(".")
    around = (".".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1))
    block = next((name for name in around if name in fitting), None)
    return f"Name the block around it, {block!r}" if block else "Name another layer, such as the block around it"
