"""The attack sheet: a row for each image, before and after, and what was changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..adversarial.result import Attack
from ..errors import SettingError
from ..network.network import Prediction
from .colours import PERCENTILE, Pixels, photograph
from .page import INK, LETTERS, LINE, QUIET, Page
from .sheet import MOST_IMAGES
from .titles import wrapped

_CLASS_COLOURS = ("#2166ac", "#b2182b", "#e08214", "#762a83")  # told apart with any common colour blindness
_TITLES = ("Original", "Adversarial", "Difference", "Answer after each step")
_WIDTH, _GAP, _MARGIN = 2.4, 0.2, 0.25
_HEADER, _HEADING, _CAPTION = 0.3, 0.24, 0.72
_KEY = (
    "The difference is drawn as grey + factor × (adversarial − original), each colour for itself. The change is "
    "‖adversarial − original‖ / ‖original‖, in pixels of 0–1."
)


@dataclass(frozen=True)
class Row:
    """One image under attack, ready to be drawn."""

    heading: str
    before: Pixels
    after: Pixels
    difference: Pixels
    factor: int
    change: float
    history: tuple[Prediction, ...]
    success: bool

    @classmethod
    def of(cls, result: Attack, image: int) -> "Row":
        """The row of one image of a result."""
        difference = result.difference[image].float().cpu()
        factor = magnification(difference)
        goal = result.provenance.objective[image]
        return cls(
            heading=f"{result.provenance.method}: {goal}",
            before=_drawn(result.before[image]),
            after=_drawn(result.after[image]),
            difference=_drawn(0.5 + factor * difference),
            factor=factor,
            change=float(result.relative_distance[image]),
            history=tuple(result.history(image)),
            success=bool(result.success[image]),
        )

    @property
    def ending(self) -> str:
        """How sure the network is in the end, and after how many steps."""
        steps = len(self.history) - 1
        last = f"{self.history[-1].probability:.1%} after {steps} step{'s' * (steps != 1)}"
        return last if self.success else f"{last}, goal not reached"

    @property
    def classes(self) -> list[str]:
        """The classes along the way, in the order in which they appear."""
        return list(dict.fromkeys(each.label for each in self.history))


def attack_sheet(results: Attack | Sequence[Attack], *, images: Sequence[int] | None = None) -> Figure:
    """Each image, its adversarial example, the magnified difference, and the answer after each step.

    Args:
        results: one attack or several, of any images; their rows stand below each other.
        images: which images of each batch to draw, by number from 0; None for all.

    Raises:
        SettingError: an image does not exist, or there are too many rows for one sheet.
    """
    results = [results] if isinstance(results, Attack) else list(results)
    rows = [Row.of(result, image) for result in results for image in _chosen(result, images)]
    if not 1 <= len(rows) <= MOST_IMAGES:
        raise SettingError(
            f"a sheet holds 1 to {MOST_IMAGES} attacked images; got {len(rows)}. "
            f"Draw some at a time: figure(result, images=range({MOST_IMAGES}))"
        )
    return _drawn_rows(rows)


def magnification(difference: torch.Tensor) -> int:
    """The factor, 1, 2 or 5 times a power of ten, with which a difference nearly fills the range around grey."""
    sizes = difference.abs().flatten()
    limit = float(torch.quantile(sizes[:: max(1, len(sizes) // 2**20)], PERCENTILE / 100)) or float(sizes.max())
    if limit == 0:
        return 1
    most = max(1.0, 0.5 / limit) * 1.001  # a tenth of a per cent beyond the range is not seen
    power = 10 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= most)


def _drawn_rows(rows: Sequence[Row]) -> Figure:
    width = _left(len(_TITLES)) - _GAP + _MARGIN
    key = wrapped(_KEY, int((width - 2 * _MARGIN) * LETTERS * 1.3), 3)  # smaller letters
    tops = [_MARGIN + _HEADER]
    for row in rows:
        tops.append(tops[-1] + _HEADING + _height(row) + _CAPTION)
    page = Page(width, tops[-1] + LINE * (key.count("\n") + 1) + _MARGIN)
    for column, title in enumerate(_TITLES):
        page.write(_left(column), _MARGIN, title, weight="bold")
    for top, row in zip(tops, rows, strict=False):
        _draw(page, top, row)
    page.write(_MARGIN, tops[-1], key, size=8, color=QUIET)
    return page.figure


def _chosen(result: Attack, images: Sequence[int] | None) -> Sequence[int]:
    chosen = range(len(result)) if images is None else images
    if not all(0 <= image < len(result) for image in chosen):
        raise SettingError(f"images are numbered 0 to {len(result) - 1}; got {list(chosen)}")
    return chosen


def _drawn(pixels: torch.Tensor) -> Pixels:
    """As [row, column, 3]; what is neither grey nor RGB becomes grey."""
    shown = pixels if pixels.shape[0] in (1, 3) else pixels.mean(0, keepdim=True)
    return photograph((shown.detach().clamp(0, 1) * 255).round().to(torch.uint8))


def _left(column: int) -> float:
    return _MARGIN + column * (_WIDTH + _GAP)


def _height(row: Row) -> float:
    return _WIDTH * min(max(row.before.shape[0] / row.before.shape[1], 0.4), 2.5)


def _draw(page: Page, top: float, row: Row) -> None:
    page.write(_MARGIN, top, wrapped(row.heading, int(3 * _WIDTH * LETTERS), 1), color=QUIET)
    upper, height = top + _HEADING, _height(row)
    for column, (pixels, title, words) in enumerate(_columns(row)):
        page.picture(_left(column), upper, _WIDTH, height, pixels)
        below = upper + height + 0.08
        page.write(_left(column), below, wrapped(title, int(_WIDTH * LETTERS), 1))
        page.write(_left(column), below + LINE, wrapped(words, int(_WIDTH * LETTERS), 2), color=QUIET)
    _curve(page.axes(_left(3) + 0.35, upper + 0.05, _WIDTH - 0.4, height - 0.25), row)
    for line, label in enumerate(row.classes[:3]):
        words = wrapped(f"● {label}", int(_WIDTH * LETTERS), 1)
        page.write(_left(3), upper + height + 0.08 + line * LINE, words, size=8, color=_colour(row, label))


def _columns(row: Row) -> list[tuple[Pixels, str, str]]:
    """Each picture, and the two captions under it."""
    first, last = row.history[0], row.history[-1]
    return [
        (row.before, first.label, f"{first.probability:.1%}"),
        (row.after, last.label, row.ending),
        (row.difference, f"× {row.factor}", f"change {row.change:.2%}" if row.change else "unchanged"),
    ]


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
