"""What happens to the score when a part of the image is covered."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import SettingError
from ..modules.batching import in_batches
from ..network.network import Network
from ..network.seen import Seen
from ..objectives import Objective
from ..objectives.scoring import score
from ..passes.sharing import once
from ..progress import steps
from ..settings import Count, Sides
from .baselines import Baseline, baseline_of
from .covered import Covered
from .incremental.regions import Box, Covers, outputs_by_regions
from .method import About, Inputs, Maps, Method


@dataclass(frozen=True)
class Occlusion(Method):
    """How much the score drops when a window over each pixel is covered.

    Positive where the covered part spoke for the answer, negative where it spoke against.

        values(W) = s(x) − s(x with W covered),   heatmap(p) = mean of values(W) over the windows W that cover p

    There is one value for each position of the window; `covered` of the result says which pixels those are, and
    `cells()`, or `--style cells`, shows the values as they are. The last window of a row or column is cut off at the
    border, so every pixel is covered.

    Reference: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2. The
    values are in units of the objective.

    Args:
        window: side of the window in pixels of the network's input, or (rows, columns); by default a seventh
            of the shorter side.
        stride: step from window to window; by default half the window. Not larger than the window.
        baseline: what covers the window, as where nothing is: "mean" (the image's mean colour), "blur" (the image
            without detail), a grey value in 0–1, or a colour with one value per channel.
        regions: compute for each window only what it can have changed, layer by layer, where that is possible (on a
            CPU, in single or double precision, for class scores of convolutional networks). The values are the same
            up to rounding; five windows of every image are compared with the untouched network. False: never.
        batch_size: images in one pass where all is computed; None for what fits.
    """

    about = About(
        title="Occlusion",
        reference="Zeiler and Fergus 2014",
        cost="1 forward pass per window, or the part of it that the window changes",
        needs="nothing: any network",
    )

    window: Sides | None = None
    stride: Sides | None = None
    baseline: Baseline = "mean"
    regions: bool = True
    batch_size: Count | None = None

    def attribute(self, net: Network, images: Inputs, objective: Objective) -> Maps:
        """The drop of the score for each position of the window, one channel."""
        covered = self.covered(images)
        rows, columns = ([slice(*side) for side in sides] for sides in (covered.rows, covered.columns))
        cover = baseline_of(net, images, self.baseline)
        covers = [Covers(images[i : i + 1], cover[i : i + 1], rows, columns) for i in range(len(images))]
        clean = score(net, images, objective)  # also refuses a question that does not fit, before the work
        with steps("covering", sum(map(len, covers))) as advance:
            if objective.layers:
                scores = [self._scores(net, each, objective.rows([i]), advance) for i, each in enumerate(covers)]
            else:
                outputs = once(net, images, repr(self), lambda: [self._outputs(net, each, advance) for each in covers])
                scores = [objective.rows([i] * len(found))(Seen({}, found)) for i, found in enumerate(outputs)]
        return (clean[:, None] - torch.stack(scores)).unflatten(1, (1, len(rows), len(columns)))

    def covered(self, images: Inputs) -> Covered:
        """The windows."""
        window, stride = self._geometry(images)
        rows, columns = (tuple(_intervals(*axis)) for axis in zip(images.shape[2:], window, stride, strict=True))
        return Covered(rows, columns)

    def _outputs(self, net: Network, covers: Covers, advance: Callable[[int], None]) -> Float[Tensor, "mask ..."]:
        """What the network gives under each mask, by regions where that can be done."""

        def run(images: Inputs) -> Tensor:
            return net.select(net.module(images))

        def plain(boxes: Sequence[Box]) -> Tensor:
            return self._all(net, covers, boxes, run)

        found = outputs_by_regions(net, covers, plain, advance) if self.regions else None
        return found if found is not None else self._all(net, covers, covers.boxes, run, advance)

    def _scores(
        self, net: Network, covers: Covers, objective: Objective, advance: Callable[[int], None]
    ) -> Float[Tensor, "mask"]:
        def run(images: Inputs) -> Tensor:
            return score(net, images, objective.rows([0] * len(images)))

        return self._all(net, covers, covers.boxes, run, advance)

    def _all(
        self,
        net: Network,
        covers: Covers,
        boxes: Sequence[Box],
        run: Callable[[Inputs], Tensor],
        advance: Callable[[int], None] | None = None,
    ) -> Float[Tensor, "mask ..."]:
        """What a forward pass for each mask gives."""
        parts = []
        size = net.batch_size(covers.image, graph=False, wanted=self.batch_size)
        with torch.no_grad():
            for masks, part in in_batches(len(boxes), size, lambda masks: run(covers.images(boxes[masks]))):
                parts.append(part)
                if advance is not None:
                    advance(masks.stop - masks.start)
        return torch.cat(parts)

    def _geometry(self, images: Inputs) -> tuple[tuple[int, int], tuple[int, int]]:
        rows, columns = images.shape[2:]
        window = _pair(self.window or max(1, min(rows, columns) // 7))
        stride = _pair(self.stride) if self.stride else (max(1, window[0] // 2), max(1, window[1] // 2))
        if window[0] > rows or window[1] > columns:
            raise SettingError(f"the window {window} must fit into the input of {rows} × {columns} pixels")
        if stride[0] > window[0] or stride[1] > window[1]:
            raise SettingError(f"the stride {stride} must not exceed the window {window}, or pixels stay uncovered")
        return window, stride


def _intervals(length: int, window: int, stride: int) -> Iterator[tuple[int, int]]:
    """The windows along one axis; the last is cut off at the border."""
    count = math.ceil((length - window) / stride) + 1
    return ((start, min(start + window, length)) for start in range(0, count * stride, stride))


def _pair(value: Sides) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
