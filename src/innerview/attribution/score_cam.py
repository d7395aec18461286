"""A class activation map without gradients: what the network scores when it sees only what one channel marks."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ..modules.batching import in_batches
from ..modules.rounding import rounding
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import score
from ..passes.forward import forward
from ..progress import steps
from ..settings import Count
from .baselines import Baseline, baseline_of
from .layer_method import LayerMethod, OneMap
from .method import About, Inputs, Maps


@dataclass(frozen=True)
class ScoreCAM(LayerMethod):
    """Where the channels lie that, as masks over the image, let the answer through best.

        Hₖ = Aₖ upsampled to the image, from 0 at its least to 1 at its most
        wₖ = softmax over k of s(x ⊙ Hₖ + x′ ⊙ (1 − Hₖ)),   values = ReLU(Σₖ wₖ Aₖ)

    Reference: Wang, Wang, Du, Yang, Zhang, Ding, Mardziel and Hu, "Score-CAM", 2020, eq. 5 and 6. x′ is the
    image in which nothing is there, in the paper the zero of the prepared input: the mean colour of the preprocessing.
    The paper subtracts the score of x′ from every s, which changes nothing behind a softmax. A channel that is
    constant, up to rounding, masks everything.

    Args:
        layer: an address; None for the last grid of features. Of a tuple of addresses, the mean of their maps on
            the finest of the grids, each divided by its largest magnitude.
        relu: keep only positive values; without it features below zero count as against.
        baseline: what is where the image is masked, x′: "mean" (the image's mean colour), "blur" (the image without
            detail), a grey value in 0–1, or a colour with one value per channel.
        batch_size: images in one pass; None for what fits.

    Raises:
        MethodError: the layer gives no grid.
    """

    about = About(
        title="Score-CAM",
        reference="Wang et al. 2020",
        cost="1 forward pass per channel of the layer",
        needs="a layer that keeps a grid",
    )

    relu: bool = True
    baseline: Baseline = "mean"
    batch_size: Count | None = None

    @property
    def signed(self) -> bool:
        """Whether negative values are kept."""
        return not self.relu

    @torch.no_grad()
    def layer_map(self, net: Network, images: Inputs, objective: Objective, layer: str) -> OneMap:
        """The channels, each weighted with the score it lets through."""
        seen = forward(net, images, record=[layer], stop=True)
        maps = seen.maps(layer)
        weights = self._scores(net, images, objective, maps).softmax(1).to(maps)
        cam = (weights[:, :, None, None] * maps).sum(1, keepdim=True)
        return cam.relu() if self.relu else cam

    def _scores(self, net: Network, images: Inputs, objective: Objective, maps: Maps) -> Float[Tensor, "batch map"]:
        """What the network scores for each image masked by each of its channels."""
        channels = maps.flatten(0, 1)[:, None]
        owner = torch.arange(len(images)).repeat_interleave(maps.shape[1]).tolist()
        absent = baseline_of(net, images, self.baseline)

        def masked(rows: slice) -> Float[Tensor, "masked"]:
            masks = mask(channels[rows], images.shape[2:]).to(images)
            masked = torch.lerp(absent[owner[rows]], images[owner[rows]], masks)
            return score(net, masked, objective.rows(owner[rows]))

        scores = []
        size = net.batch_size(images, graph=False, wanted=self.batch_size)
        with steps("masking", len(channels)) as advance:
            for _, part in in_batches(len(channels), size, masked):
                scores.append(part)
                advance(len(part))
        return torch.cat(scores).unflatten(0, maps.shape[:2])


def mask(channels: OneMap, size: torch.Size) -> Float[Tensor, "batch 1 row column"]:
    """Each channel upsampled to `size` and stretched to 0–1; a constant one, up to rounding, is 0."""
    fine = functional.interpolate(channels, size, mode="bilinear")
    least, most = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
    spread = channels.amax((2, 3), keepdim=True) - channels.amin((2, 3), keepdim=True)
    varies = spread > rounding(channels.dtype) * channels.abs().amax((2, 3), keepdim=True)
    return ((fine - least) / (most - least)).where(varies, 0)
