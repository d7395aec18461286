"""What one forward pass shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import LayerError, NetworkError
from ..modules.rounding import rounding
from .readings import ChannelsFirst, Placeless, Reading


@dataclass(frozen=True)
class Seen:
    """What one forward pass showed: the activations asked for and the network's output.

    `output` is None when the pass stopped before its end. `readings` say how activations are read as maps; without
    one, the channels come first, and tokens have no place.
    """

    activations: Mapping[str, Tensor]
    output: Tensor | None
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def has_class_scores(self) -> bool:
        """Whether the output is [batch, class]."""
        return self.output is not None and self.output.dim() == 2

    @property
    def class_scores(self) -> Float[Tensor, "batch label"]:
        """The output as one score per class, in single precision at least."""
        if self.output is None or not self.has_class_scores:
            shape = None if self.output is None else list(self.output.shape)
            raise NetworkError(
                f"class scores are [batch, class]; this network gives {shape}. Ask about a layer instead, or "
                "pick the scores with Network(module, output=…)"
            )
        return _precise(self.output)

    @property
    def rounding(self) -> Float[Tensor, "batch"]:
        """ε^⅔ · max(|f₁|, |f₂|) of each image: class scores that are closer than that are equal, up to rounding.

        ε is the precision of the output, f₁ and f₂ are the two best scores: some networks keep classes out by −10⁹.
        """
        scores, given = self.class_scores.detach(), self.output
        best = scores.topk(min(2, scores.shape[1])).values
        return best.abs().amax(1) * rounding((scores if given is None else given).dtype)

    def reading(self, layer: str) -> Reading:
        """How a layer's activation, and the gradient there, is read as maps."""
        usual = ChannelsFirst() if self.activations[layer].dim() == 4 else Placeless()
        return self.readings.get(layer, usual)

    def maps(self, layer: str) -> Float[Tensor, "batch channel row column"]:
        """A layer's activation as maps, in single precision at least; vectors are 1 × 1.

        Tokens lie on their grid, without those that have no place; where no grid is known, tokens × 1.

        Raises:
            LayerError: it has no channels, or not one row for each image.
        """
        return _precise(self.reading(layer)(self.activations[layer]))

    def tokens(self, layer: str) -> Float[Tensor, "batch channel token"]:
        """A layer's tokens, also those that have no place in the image; `LayerError` if it gives none."""
        self.maps(layer)  # refuses what is not read image by image
        activation = self.activations[layer]
        if activation.dim() != 3:
            raise LayerError(
                f"a token's number is a position in [batch, token, channel]; layer {layer!r} gives "
                f"{list(activation.shape)}: ask for (row, column)"
            )
        return _precise(activation.transpose(1, 2))

    @property
    def anchor(self) -> Float[Tensor, "batch"]:
        """A zero per image, on the device and in the precision of what was seen."""
        seen = self.output if self.output is not None else next(iter(self.activations.values()))
        return torch.zeros(len(seen), dtype=_precise(seen).dtype, device=seen.device)


def _precise(tensor: Tensor) -> Tensor:
    """At least single precision: sums over half-precision activations overflow."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
