"""What a page about one image is made of: the visit, and the sections that look at it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ...network.network import Network, Prediction
from ...objectives import Logit


@dataclass(frozen=True)
class Visit:
    """One network and one image, prepared: what every section looks at.

    `top` has the most probable classes, the most probable first; `source` is the file's name, or "" for pixels
    that came from no file.
    """

    net: Network
    image: Float[Tensor, "1 channel row column"]
    top: tuple[Prediction, ...]
    source: str

    @property
    def answer(self) -> Logit:
        """The question that the page asks: what speaks for the most probable class."""
        return Logit(self.top[0].index)


Part = Callable[[], Any]
"""One piece of a section's work; what it returns is handed to the section's template."""


@dataclass(frozen=True)
class Section:
    """One way of looking, as a part of the page.

    Attributes:
        anchor: its address on the page, and with `.html` its template.
        title: its heading.
        lead: what it shows and how to read it, in two or three sentences.
        parts: the pieces of its work for a visit; the template finds their results as `parts`, in order.
    """

    anchor: str
    title: str
    lead: str
    parts: Callable[[Visit], Sequence[Part]]
