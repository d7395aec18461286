"""The attack sheet: a row for each image, before and after, and what was changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...adversarial.result import Attack
from ...adversarial.sphere import SphereTest
from ...attribution.method import Attribution
from ...combined.shift import Shift
from ...errors import SettingError
from ...network.network import Prediction
from ..drawing.colours import PERCENTILE, Pixels, Scale, flaw, photograph
from ..drawing.drawn import drawn
from ..drawing.paper import INK, LETTERS, LINE, QUIET, Paper
from ..drawing.titles import colour_key, method_title, wrapped
from .attribution import MOST_IMAGES

_CLASS_COLOURS = ("#2166ac", "#b2182b", "#e08214", "#762a83")  # told apart with any common colour blindness
_WIDTH, _GAP, _MARGIN = 2.4, 0.2, 0.25
_HEADER, _HEADING, _CAPTION = 0.3, 0.24, 0.72
_KEY = (
    "The difference is drawn as grey + factor × (adversarial − original), each colour for itself. The change is "
    "‖adversarial − original‖ / ‖original‖, in pixels of 0–1."
)


@dataclass(frozen=True)
class Shown:
    """One picture of a row: what stands above its column, and the two captions under it."""

    column: str
    pixels: Pixels
    title: str
    words: str


@dataclass(frozen=True)
class Row:
    """One image under attack, ready to be drawn."""

    heading: str
    pictures: tuple[Shown, ...]
    history: tuple[Prediction, ...]

    @classmethod
    def of(cls, result: Attack, image: int, *, shift: Shift | None = None, sphere: SphereTest | None = None) -> "Row":
        """The row of one image of a result."""
        return cls(
            heading=f"{result.provenance.method}: {result.provenance.objective[image]}",
            pictures=(
                *_before_and_after(result, image),
                _difference(result, image, sphere),
                *(_explanations(shift, image) if shift else ()),
            ),
            history=tuple(result.history(image)),
        )

    @property
    def classes(self) -> list[str]:
        """The classes along the way, in the order in which they appear."""
        return list(dict.fromkeys(each.label for each in self.history))


def attack_sheet(
    results: Attack | Sequence[Attack],
    *,
    images: Sequence[int] | None = None,
    shift: Shift | None = None,
    sphere: SphereTest | None = None,
) -> Figure:
    """Each image, its adversarial example, the magnified difference, and the answer after each step.

    Args:
        results: one attack or several, of any images; their rows stand below each other.
        images: which images of each batch to draw, by number from 0; None for all.
        shift: the explanations before and after a single attack, which are drawn as well.
        sphere: the sphere test of a single attack, whose count is written as well.

    Raises:
        SettingError: an image does not exist, there are too many rows for one sheet, or an explanation or a sphere
            does not belong to the attack.
    """
    results = [results] if isinstance(results, Attack) else list(results)
    _require_same_images(results, shift and shift.before, sphere)
    rows = [
        Row.of(result, image, shift=shift, sphere=sphere) for result in results for image in _chosen(result, images)
    ]
    if not 1 <= len(rows) <= MOST_IMAGES:
        raise SettingError(
            f"a sheet holds 1 to {MOST_IMAGES} attacked images; got {len(rows)}. "
            f"Draw some at a time: figure(result, images=range({MOST_IMAGES}))"
        )
    return _drawn_rows(rows, [_KEY, *([_reading(shift)] if shift else [])])


def _require_same_images(results: Sequence[Attack], *others: Attribution | SphereTest | None) -> None:
    counts = [len(each) for each in results]
    if any(other is not None and [len(other)] != counts for other in others):
        raise SettingError(
            "explanations and a sphere are drawn beside the one attack that they are about; got "
            f"{len(results)} attack{'s' * (len(results) != 1)} of {sum(counts)} images, and "
            f"{', '.join(str(len(other)) for other in others if other is not None)}"
        )


def _before_and_after(result: Attack, image: int) -> tuple[Shown, Shown]:
    history = result.history(image)
    first, last, steps = history[0], history[-1], len(history) - 1
    ending = f"{last.probability:.1%} after {steps} step{'s' * (steps != 1)}"
    ending = ending if result.success[image] else f"{ending}, goal not reached"
    return (
        Shown("Original", drawn(result.before[image]), first.label, f"{first.probability:.1%}"),
        Shown("Adversarial", drawn(result.after[image]), last.label, ending),
    )


def _difference(result: Attack, image: int, sphere: SphereTest | None) -> Shown:
    difference = result.difference[image].float().cpu()
    factor = magnification(difference)
    change = float(result.relative_distance[image])
    words = f"change {change:.2%}" if change else "unchanged"
    if sphere:
        words += f"; of {_points(sphere, image)} keep the class"
    return Shown("Difference", drawn(0.5 + factor * difference), f"× {factor}", words)


def _points(sphere: SphereTest, image: int) -> str:
    counts = sphere.counts[image]
    farther = f"{sphere.provenance.settings['radius']:g}× as far"
    return f"{int(counts.sum())} points {farther}, {int(counts[sphere.classes[image]])}"


def _explanations(shift: Shift, image: int) -> tuple[Shown, Shown]:
    """Both maps on one scale."""
    both = (shift.before, shift.after)
    maps = [each.heatmap()[image].float().cpu() for each in both]
    scale = Scale.of(maps, signed=shift.before.signed)
    photographs = [photograph(each.images[image]) for each in both]
    flaws = [flaw(each) for each in maps]
    before, after = (
        photo if wrong else scale.overlay(photo, heatmap)
        for photo, heatmap, wrong in zip(photographs, maps, flaws, strict=True)
    )
    title, question = method_title(shift.before), f"for {shift.before.objective(image)}"
    moved = f"cosine {float(shift.similarity[image]):.2f}"
    return (
        Shown("Explanation before", before, title, flaws[0] or question),
        Shown("Explanation after", after, moved, flaws[1] or "to the explanation before"),
    )


def _reading(shift: Shift) -> str:
    return f"In the explanations, {colour_key(shift.before.signed)}; both are on one scale."


def magnification(difference: torch.Tensor) -> int:
    """The factor, 1, 2 or 5 times a power of ten, with which a difference nearly fills the range around grey."""
    sizes = difference.abs().flatten()
    limit = float(torch.quantile(sizes[:: max(1, len(sizes) // 2**20)], PERCENTILE / 100)) or float(sizes.max())
    if limit == 0:
        return 1
    most = max(1.0, 0.5 / limit) * 1.001  # a tenth of a per cent beyond the range is not seen
    power = 10 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= most)


def _drawn_rows(rows: Sequence[Row], keys: Sequence[str]) -> Figure:
    columns = [*(each.column for each in rows[0].pictures), "Answer after each step"]
    width = _left(len(columns)) - _GAP + _MARGIN
    letters = int((width - 2 * _MARGIN) * LETTERS * 1.3)  # smaller ones
    key = "\n".join(wrapped(each, letters, 3) for each in keys)
    tops = [_MARGIN + _HEADER]
    for row in rows:
        tops.append(tops[-1] + _HEADING + _height(row) + _CAPTION)
    paper = Paper(width, tops[-1] + LINE * (key.count("\n") + 1) + _MARGIN)
    for column, title in enumerate(columns):
        paper.write(_left(column), _MARGIN, title, weight="bold")
    for top, row in zip(tops, rows, strict=False):
        _draw(paper, top, row)
    paper.write(_MARGIN, tops[-1], key, size=8, color=QUIET)
    return paper.figure


def _chosen(result: Attack, images: Sequence[int] | None) -> Sequence[int]:
    chosen = range(len(result)) if images is None else images
    if not all(0 <= image < len(result) for image in chosen):
        raise SettingError(f"images are numbered 0 to {len(result) - 1}; got {list(chosen)}")
    return chosen


def _left(column: int) -> float:
    return _MARGIN + column * (_WIDTH + _GAP)


def _height(row: Row) -> float:
    rows, columns, _ = row.pictures[0].pixels.shape
    return _WIDTH * min(max(rows / columns, 0.4), 2.5)


def _draw(paper: Paper, top: float, row: Row) -> None:
    paper.write(_MARGIN, top, wrapped(row.heading, int(3 * _WIDTH * LETTERS), 1), color=QUIET)
    upper, height = top + _HEADING, _height(row)
    below = upper + height + 0.08
    for column, shown in enumerate(row.pictures):
        paper.picture(_left(column), upper, _WIDTH, height, shown.pixels)
        paper.write(_left(column), below, wrapped(shown.title, int(_WIDTH * LETTERS), 1))
        paper.write(_left(column), below + LINE, wrapped(shown.words, int(_WIDTH * LETTERS), 2), color=QUIET)
    last = _left(len(row.pictures))
    _curve(paper.axes(last + 0.35, upper + 0.05, _WIDTH - 0.4, height - 0.25), row)
    for line, label in enumerate(row.classes[:3]):
        words = wrapped(f"● {label}", int(_WIDTH * LETTERS), 1)
        paper.write(last, below + line * LINE, words, size=8, color=_colour(row, label))


def _curve(axes: Axes, row: Row) -> None:
    """The confidence in the most probable class, in the colour of that class."""
    confidences = [each.probability for each in row.history]
    axes.set_axis_on()
    axes.plot(confidences, color="#b0b0b0", linewidth=1, zorder=1)
    colours = [_colour(row, each.label) for each in row.history]
    axes.scatter(range(len(confidences)), confidences, c=colours, s=18, zorder=2)
    axes.set_xlim(-0.5, max(len(confidences) - 0.5, 1.5))
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=7, colors=QUIET, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)


def _colour(row: Row, label: str) -> str:
    place = row.classes.index(label)
    return _CLASS_COLOURS[min(place, len(_CLASS_COLOURS) - 1)]
