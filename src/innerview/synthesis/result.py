"""What synthesis gives: pictures, and how they came about."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from ..results import Provenance, Result


@dataclass(frozen=True, eq=False, repr=False)
class Synthesis(Result):
    """Pictures that were made to answer a question as strongly as possible.

    They show what an objective looks for, not what it was ever given: look at real images that score high, too.

    Attributes:
        pixels: the pictures, pixels in 0–1.
        inputs: what the network reads of them, in its own units and the pictures' size; on canvases without bounds
            also beyond black and white.
        scores: the objective of each picture as it stands, without frame, shift or noise.
        curve: the objective at each step, before it, as the network saw the picture then: a mean over its views, less
            what keeps several starts apart.
        alive: whether a gradient reached the picture, not counting the first steps, in which dead units are roused;
            one that is not alive shows nothing.
        snapshots: the pictures after some of the steps.
        moments: which steps these are, counted from 1.
        provenance: the network, what was asked of each picture, the recipe and the seed.
    """

    pixels: Float[Tensor, "picture channel row column"]
    inputs: Float[Tensor, "picture channel row column"]
    scores: Float[Tensor, "picture"]
    curve: Float[Tensor, "step picture"]
    alive: Bool[Tensor, "picture"]
    snapshots: Float[Tensor, "moment picture channel row column"]
    moments: tuple[int, ...]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.pixels)

    def objective(self, picture: int) -> str:
        """What this picture was to answer, in a few words."""
        return self.provenance.objective[picture]
