"""The attack sheet: a row for each image, before and after, and what was changed."""

import math
from collections.abc import Sequence
from functools import partial

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
from ..drawing.chosen import MOST_IMAGES, numbered
from ..drawing.colours import PERCENTILE
from ..drawing.drawn import drawn
from ..drawing.paper import INK, QUIET
from ..drawing.rows import Caption, Cell, Row, in_rows_of_cells, titled
from ..drawing.titles import colour_key
from .shift import explanations
from .sphere import farther

History = Sequence[Prediction]
_TICKS = (0.35, 0.05, 0.05, 0.2)
_CLASS_COLOURS = ("#2166ac", "#b2182b", "#e08214", "#762a83")  # told apart with any common colour blindness
_KEY = (
    "The difference is drawn as grey + factor × (adversarial − original), each colour for itself. The change is "
    "‖adversarial − original‖ / ‖original‖, in pixels of 0–1."
)


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
        _row(result, image, shift=shift, sphere=sphere) for result in results for image in numbered(images, len(result))
    ]
    if not 1 <= len(rows) <= MOST_IMAGES:
        raise SettingError(
            f"a sheet holds 1 to {MOST_IMAGES} attacked images; got {len(rows)}. "
            f"Draw some at a time: figure(result, images=range({MOST_IMAGES}))"
        )
    return in_rows_of_cells(rows, key=[_KEY, *([_reading(shift)] if shift else [])])


def _row(result: Attack, image: int, *, shift: Shift | None, sphere: SphereTest | None) -> Row:
    return Row(
        heading=f"{result.provenance.method}: {result.provenance.objective[image]}",
        cells=(
            *_before_and_after(result, image),
            _difference(result, image, sphere),
            *(explanations(shift, image) if shift else ()),
            _answers(result.history(image)) if result.classes is not None else _scores(_lowered(result, image)),
        ),
    )


def _require_same_images(results: Sequence[Attack], *others: Attribution | SphereTest | None) -> None:
    counts = [len(each) for each in results]
    if any(other is not None and [len(other)] != counts for other in others):
        raise SettingError(
            "explanations and a sphere are drawn beside the one attack that they are about; got "
            f"{len(results)} attack{'s' * (len(results) != 1)} of {sum(counts)} images, and "
            f"{', '.join(str(len(other)) for other in others if other is not None)}"
        )


def _before_and_after(result: Attack, image: int) -> tuple[Cell, Cell]:
    said, steps = _said(result, image), int(result.steps[image])
    (first, at_first), (last, at_last) = said[0], said[-1]
    ending = f"{at_last} after {steps} step{'s' * (steps != 1)}"
    ending = ending if result.success[image] else f"{ending}, goal not reached"
    return (
        Cell("Original", drawn(result.before[image]), (titled(first), Caption(at_first))),
        Cell("Adversarial", drawn(result.after[image]), (titled(last), Caption(ending, lines=2))),
    )


def _said(result: Attack, image: int) -> list[tuple[str, str]]:
    """The answer at first and after each step, in words and as a number; without classes the score that is lowered."""
    if result.classes is None:
        return [("score", f"{score:.3g}") for score in _lowered(result, image)]
    return [(each.label, f"{each.probability:.1%}") for each in result.history(image)]


def _lowered(result: Attack, image: int) -> list[float]:
    """The score of the objective that is lowered, at first and after each step."""
    return (-result.raised[image, : int(result.steps[image]) + 1]).tolist()


def _difference(result: Attack, image: int, sphere: SphereTest | None) -> Cell:
    difference = result.difference[image].float().cpu()
    factor = magnification(difference)
    change = float(result.relative_distance[image])
    words = f"change {change:.2%}" if change else "unchanged"
    if sphere:
        count = f"{int(sphere.counts[image].sum())} points {farther(sphere)}"
        words += f"; of {count}, {int(sphere.counts[image, sphere.classes[image]])} keep the class"
    return Cell("Difference", drawn(0.5 + factor * difference), (titled(f"× {factor}"), Caption(words, lines=2)))


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


def _answers(history: History) -> Cell:
    """The answer after each step as a curve, with the classes below in their colours."""
    classes = list(dict.fromkeys(each.label for each in history))
    captions = tuple(Caption(f"● {label}", _colour(classes, label), size=8) for label in classes[:3])
    return Cell("Answer after each step", partial(_curve, history=history, classes=classes), captions, free=_TICKS)


def _curve(axes: Axes, *, history: History, classes: Sequence[str]) -> None:
    """The confidence in the most probable class, in the colour of that class."""
    _dotted(axes, [each.probability for each in history], [_colour(classes, each.label) for each in history])
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])


def _scores(scores: Sequence[float]) -> Cell:
    """The score after each step as a curve."""
    draw = partial(_dotted, numbers=scores, colours=[_CLASS_COLOURS[0]] * len(scores))
    return Cell("Score after each step", draw, free=_TICKS)


def _dotted(axes: Axes, numbers: Sequence[float], colours: Sequence[str]) -> None:
    """A number for each step, in these colours."""
    axes.set_axis_on()
    axes.plot(numbers, color="#b0b0b0", linewidth=1, zorder=1)
    axes.scatter(range(len(numbers)), numbers, c=colours, s=18, zorder=2)
    axes.set_xlim(-0.5, max(len(numbers) - 0.5, 1.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=7, colors=QUIET, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)


def _colour(classes: Sequence[str], label: str) -> str:
    return _CLASS_COLOURS[min(classes.index(label), len(_CLASS_COLOURS) - 1)]
