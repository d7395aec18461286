"""Pictures with pixels in 0–1, ready to be drawn."""

from jaxtyping import Float
from torch import Tensor

from ...network.pictures import of_pixels
from .colours import Picture, photograph


def drawn(image: Float[Tensor, "channel row column"]) -> Picture:
    """As [row, column, 3]; what is neither grey nor RGB becomes grey."""
    return photograph(of_pixels(image[None])[0])
