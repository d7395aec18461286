"""What a page about one image is made of: the visit, and the sections that look at it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ...attribution.catalogue import METHODS
from ...attribution.method import Method
from ...network.network import Network, Prediction
from ...objectives import Logit, Objective
from ..drawing.titles import plain

TAUGHT = tuple(
    METHODS[name]
    for name in (
        "gradient",
        "smoothgrad",
        "integratedgradients",
        "guidedbackprop",
        "lrp",
        "gradcam",
        "layercam",
        "attentionrollout",
        "occlusion",
    )
)
"""One method of each kind; those of attention and of convolutions take each other's place."""


@dataclass(frozen=True)
class Visit:
    """One network and one image, prepared: what every section looks at.

    `top` has the most probable classes, the most probable first; `source` is the file's name, or "" for pixels
    that came from no file; `asked` is the question that somebody asked, None for what speaks for the answer; `methods`
    are those whose maps are shown.
    """

    net: Network
    image: Float[Tensor, "1 channel row column"]
    top: tuple[Prediction, ...]
    source: str
    asked: Objective | None = None
    methods: tuple[type[Method], ...] = TAUGHT

    @property
    def question(self) -> Objective:
        """What the maps of the page explain: the question asked, or the score of the most probable class."""
        return self.asked or Logit(self.top[0].index)

    @property
    def others(self) -> int:
        """How many methods of the catalogue are not shown."""
        return len(METHODS) - len(self.methods)

    @property
    def words(self) -> str:
        """The question in a few words."""
        return plain(self.question.describe(self.net))


@dataclass(frozen=True)
class Part:
    """One piece of a section's work: what it is called while it takes its time, and what the template is handed."""

    name: str
    work: Callable[[], Any]


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
