"""What a score card says of synthesised pictures."""

from dataclasses import dataclass

from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ..results import Provenance, Result


@dataclass(frozen=True, eq=False, repr=False)
class ScoreCard(Result):
    """How strongly pictures answer their questions, beside how strongly photographs do, and what else they do.

    A high score alone says little: noise that no eye reads can reach it. A picture that shows what a unit looks for
    scores above the photographs, still does so shifted and turned, has a spectrum that is as far from natural as the
    photographs' own, and, for a class, means that class to a second network, too.

    Attributes:
        scores: the objective of each picture, in the size of the network's input.
        natural: the same objective of each photograph.
        transformed, natural_transformed: the same as means over views; pictures and photographs are seen alike.
        ranks: of a channel or neuron, its place among all channels of its layer, of a class its place among all
            classes: 1 if none is stronger in the picture; 0 where the question is about no single one.
        probabilities: of the class that a picture was made for, 0–1; NaN where it was made for none.
        transfer_ranks, transfer_probabilities: the same in the second network; 0 and NaN where there is no second
            network, where it does not know the class, and for channels, which have no counterpart there.
        spectrum_distances: how far the spectrum of each picture is from that of the photographs, in decibels.
        natural_spectrum_distances: how far that of each photograph is from it.
        pictures: the pictures themselves, for drawing: 0–255.
        provenance: the network, the question of each picture, the views, the seed, the second network.
    """

    scores: Float[Tensor, "picture"]
    natural: Float[Tensor, "picture photograph"]
    transformed: Float[Tensor, "picture"]
    natural_transformed: Float[Tensor, "picture photograph"]
    ranks: Int[Tensor, "picture"]
    probabilities: Float[Tensor, "picture"]
    transfer_ranks: Int[Tensor, "picture"]
    transfer_probabilities: Float[Tensor, "picture"]
    spectrum_distances: Float[Tensor, "picture"]
    natural_spectrum_distances: Float[Tensor, "photograph"]
    pictures: UInt8[Tensor, "picture colour row column"]
    provenance: Provenance

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def quantiles(self) -> Float[Tensor, "picture"]:
        """The share of the photographs that score lower than each picture, 0–1."""
        return _below(self.natural, self.scores)

    @property
    def transformed_quantiles(self) -> Float[Tensor, "picture"]:
        """The same as both are seen transformed."""
        return _below(self.natural_transformed, self.transformed)

    @property
    def best(self) -> Float[Tensor, "picture"]:
        """The highest score of a photograph."""
        return self.natural.amax(1)

    @property
    def median(self) -> Float[Tensor, "picture"]:
        """The score that half of the photographs reach."""
        return self.natural.quantile(0.5, 1)

    @property
    def times_best(self) -> Float[Tensor, "picture"]:
        """How many times the score of the best photograph each picture reaches; NaN where that is not positive."""
        return (self.scores / self.best).where(self.best > 0, float("nan"))


def _below(natural: Float[Tensor, "picture photograph"], scores: Float[Tensor, "picture"]) -> Tensor:
    return (natural < scores[:, None]).to(scores.dtype).mean(1)
