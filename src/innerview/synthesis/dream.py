"""An image in which a network sees more of what it sees already."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from torch import Tensor

from ..errors import MethodError
from ..modules.scope import differentiating, untouched
from ..network.network import Network, require_network
from ..network.provenance import provenance
from ..objectives import Objective, Question, as_objective
from ..objectives.scoring import input_gradient, score
from ..progress import Advance
from ..progress import steps as progress
from ..results.provenance import settings_of
from ..settings import Above, Amount, Count, Settings, Whole, checked
from .ascent import Pictures, joined, words
from .canvas import Pixels01, Size, on, resized
from .result import Synthesis
from .streams import Streams


@dataclass(frozen=True)
class Octaves(Settings):
    """How an image is dreamt of: small and blurred first, then larger and larger.

    Attributes:
        ratio: how much larger each size is than the one before.
        steps: how many steps are taken in each size.
        step: the mean change of a pixel in one step, in pixels of 0–1.
        jitter: by how many pixels the image is rolled at most at each step, so that no edge between tiles stays.
        tile: rows and columns that the network is shown at once; larger images are shown in tiles.
    """

    ratio: Annotated[float, Above(1)] = 1.4
    steps: Count = 10
    step: Amount = 0.01
    jitter: Whole = 32
    tile: Count = 512

    def sizes(self, size: Size, octaves: int) -> list[Size]:
        """The sizes from the smallest to that of the image itself."""
        smaller = [self.ratio**power for power in range(octaves - 1, -1, -1)]
        return [(max(1, round(size[0] / each)), max(1, round(size[1] / each))) for each in smaller]


def dream(  # noqa: PLR0913 - all but the question are optional
    net: Network,
    images: Any,
    objective: Question | None = None,
    *,
    octaves: int = 4,
    how: Octaves = Octaves(),
    seed: int = 0,
) -> Synthesis:
    """The images, changed so that an objective rises: what the network sees a trace of becomes visible.

    At each of several sizes, from small to large, the image takes steps of equal mean size along the gradient:

        x ← clip(x + step · g / mean|g|),   g = ∂f/∂x

    What was added at one size is enlarged and added to the image at the next. The objective is most often a
    `LayerEnergy`: shallow layers add strokes, deep layers add parts of things.

    Reference: Mordvintsev, Olah and Tyka 2015, Inceptionism: going deeper into neural networks.

    Args:
        net: the network; it is not changed. It must take inputs of several sizes.
        images: anything `net.prepare` takes; a prepared float tensor may have any size.
        objective: an objective, or a class by index or name; one for all images, one for each, or None for each
            image's most probable class.
        octaves: the number of sizes.
        how: sizes, steps and tiles.
        seed: of the rolling.

    Raises:
        ObjectiveError, LayerError, LabelError: the question does not fit the network.
        SettingError: a setting is outside its range.
        MethodError: the objective has no gradient at the image, or the network does not take its smaller sizes.
    """
    octaves = checked("octaves", octaves, Count)
    require_network(net)
    images = net.prepare(images)
    asked = as_objective(net, objective, images)
    with untouched(net.module), differentiating():
        pixels = net.preprocess.display(on(net, images)).clamp(0, 1)
        _require_sizes(net, how.sizes((images.shape[2], images.shape[3]), octaves), how.tile)
        with progress("dreaming", len(images) * octaves * how.steps) as advance:

            def run(rows: slice) -> Pictures:
                mine = asked.rows(range(len(images))[rows])
                return _Dream(net, mine, how, Streams([seed])).run(pixels[rows], octaves, advance)

            parts = net.in_batches(images, run, graph=True)
        each = (asked.of(row) for row in range(len(images)))
        origin = provenance(net, "dream", each, octaves=octaves, seed=seed, **settings_of(how))
    return Synthesis(**vars(joined(parts)), moments=(), provenance=origin)


def _require_sizes(net: Network, sizes: Sequence[Size], tile: int) -> None:
    smallest = sizes[0]
    if smallest != sizes[-1] and max(smallest) <= tile and not net.takes(smallest):
        raise MethodError(
            f"a dream shows the network its image in several sizes, here from {smallest[0]} × {smallest[1]} on; "
            f"{net.name} takes only the size it was made for. Dream in that alone, with octaves=1 (--octaves 1)"
        )


@dataclass(frozen=True)
class _Dream:
    net: Network
    objective: Objective
    how: Octaves
    streams: Streams

    def run(self, pixels: Pixels01, octaves: int, advance: Advance) -> Pictures:
        size = (pixels.shape[2], pixels.shape[3])
        curve, alive = [], torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)
        dreamt = added = torch.zeros_like(pixels)
        for here in self.how.sizes(size, octaves):
            plain = resized(pixels, here)
            dreamt = (plain + resized(added, here)).clamp(0, 1)
            for _ in range(self.how.steps):
                dreamt, scores, reached = self._step(dreamt)
                curve.append(scores)
                alive = alive | reached
                advance(len(pixels), partial(words, scores))
            added = dreamt - plain
        inputs = self.net.preprocess.normalise(dreamt).to(self.net.dtype)
        scores = score(self.net, inputs, self.objective)
        return Pictures(dreamt, scores, torch.stack(curve), alive, dreamt.new_zeros(0, *dreamt.shape))

    def _step(self, pixels: Pixels01) -> tuple[Pixels01, Tensor, Tensor]:
        """The next pixels; the objective of each image, as a mean over its tiles; whether its gradient is not zero."""
        shift = tuple(int(each) for each in self.streams.choice(range(-self.how.jitter, self.how.jitter + 1), 2)[0])
        inputs = self.net.preprocess.normalise(torch.roll(pixels, shift, (2, 3))).to(self.net.dtype)
        gradient, scores = torch.zeros_like(pixels), []
        for rows, columns in _tiles((pixels.shape[2], pixels.shape[3]), self.how.tile):
            found = input_gradient(self.net, inputs[:, :, rows, columns], self.objective)
            gradient[:, :, rows, columns] = found.gradient.to(pixels)
            scores.append(found.scores)
        mean = gradient.abs().mean((1, 2, 3), keepdim=True)
        change = torch.roll(gradient, (-shift[0], -shift[1]), (2, 3)) / mean.clamp_min(torch.finfo(mean.dtype).tiny)
        moved = (pixels + self.how.step * change).clamp(0, 1)
        return moved, torch.stack(scores).mean(0), mean.flatten() > 0


def _tiles(size: Size, most: int) -> Iterator[tuple[slice, slice]]:
    """Parts of equal size, up to a pixel, that cover the image."""
    for rows in _parts(size[0], most):
        for columns in _parts(size[1], most):
            yield rows, columns


def _parts(length: int, most: int) -> Iterator[slice]:
    count = -(-length // most)
    return (slice(length * part // count, length * (part + 1) // count) for part in range(count))
