"""What the score is when only random parts of the image are left."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ..errors import SettingError
from ..modules.batching import in_batches
from ..network.network import Network
from ..objectives import Objective
from ..objectives.scoring import score
from ..progress import steps
from ..settings import Above, AtMost, Count, Seed
from .baselines import Baseline, baseline_of
from .method import About, Inputs, Maps, Method


@dataclass(frozen=True)
class RISE(Method):
    """How much more the network scores, over random maskings of the image, when a pixel is kept.

    Positive where the pixel helps the answer, negative where it harms.

        values(p) = 1 / (keep · n) Σᵢ (s(xᵢ) − s̄) Mᵢ(p),   xᵢ = x ⊙ Mᵢ + x′ ⊙ (1 − Mᵢ),   s̄ the mean of the scores

    x′ is the image in which nothing is there, in the paper the zero of the prepared input: the mean colour of the
    preprocessing. The paper's map has no s̄. Without it, all pixels share a large part, the score of an image that
    is masked anywhere, and its noise: how often a pixel happens to be kept.

    Each mask is a grid of ones (with probability `keep`) and zeros, grown bilinearly to cells + 1 cells of the
    image and cut out at a random shift of at most a cell.

    Reference: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
    2018, eq. 6 and section 3.2, with `Probability` as the question. The values are in units of the objective;
    their noise falls with √n.

    Args:
        masks: the number n of masks; 4000 to 8000 in the paper.
        cells: cells of the grid in each direction, at most the image's shorter side.
        keep: the probability that a cell is kept, above 0 and up to 1.
        baseline: what is where the image is masked, x′: "mean" (the image's mean colour), "blur" (the image without
            detail), a grey value in 0–1, or a colour with one value per channel.
        seed: the same seed gives the same masks, for every image and whatever the batch size.
        batch_size: images in one pass; None for what fits.
    """

    about = About(
        title="RISE",
        reference="Petsiuk et al. 2018",
        cost="1 forward pass per mask",
        needs="nothing: any network",
    )

    masks: Count = 1000
    cells: Count = 7
    keep: Annotated[float, Above(0), AtMost(1)] = 0.5
    baseline: Baseline = "mean"
    seed: Seed = 0
    batch_size: Count | None = None

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The score's rise with each pixel, at the input's resolution, one channel."""
        grids, shifts = self._draws(images)
        absent = baseline_of(net, images, self.baseline)

        def weighted(rows: slice) -> tuple[Tensor, Tensor, Tensor]:
            masks = _masks(grids[rows], shifts[rows], images.shape[2:]).to(images)
            masked = torch.lerp(absent, images, masks[:, None, None])
            scores = score(net, masked.flatten(0, 1), objective.rows([*range(len(images))] * len(masks)))
            scores = scores.unflatten(0, masked.shape[:2]).T
            return torch.einsum("bm,myx->byx", scores, masks.to(scores)), scores, masks.to(scores).sum(0)

        size = net.batch_size(images, graph=False, wanted=self.batch_size)
        total, kept, scores = 0.0, 0.0, []
        with steps("masking", self.masks) as advance:
            for rows, (part, some, masks) in in_batches(self.masks, max(1, size // len(images)), weighted):
                total, kept = total + part, kept + masks
                scores.append(some)
                advance(rows.stop - rows.start)
        mean = torch.cat(scores, 1).mean(1)[:, None, None]
        return ((total - mean * kept) / (self.keep * self.masks))[:, None]

    def _draws(self, images: Inputs) -> tuple[Bool[Tensor, "mask cell cell"], Int[Tensor, "mask 2"]]:
        """All that is random about the masks: small, so drawn at once and independent of the batches."""
        size = images.shape[2:]
        if self.cells > min(size):
            raise SettingError(f"the {self.cells} cells must fit into the input of {size[0]} × {size[1]} pixels")
        generator = torch.Generator().manual_seed(self.seed)
        grids = torch.rand(self.masks, self.cells, self.cells, generator=generator) < self.keep
        shifts = [torch.randint(math.ceil(n / self.cells) + 1, (self.masks,), generator=generator) for n in size]
        return grids, torch.stack(shifts, 1)


def _masks(
    grids: Bool[Tensor, "mask cell cell"], shifts: Int[Tensor, "mask 2"], size: torch.Size
) -> Float[Tensor, "mask row column"]:
    """The grids grown to one cell more than the image in each direction, and cut out at their shifts."""
    cells, (rows, columns) = grids.shape[1], size
    grown_size = [(cells + 1) * math.ceil(length / cells) for length in size]
    grown = functional.interpolate(grids[:, None].float(), size=grown_size, mode="bilinear", align_corners=False)
    cut = zip(grown[:, 0], shifts.tolist(), strict=True)
    return torch.stack([mask[top : top + rows, left : left + columns] for mask, (top, left) in cut])
