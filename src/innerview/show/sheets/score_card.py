"""The sheet of a score card: each picture beside what photographs reach."""

from collections.abc import Sequence
from functools import partial
from math import isnan

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from ...evaluation.card import ScoreCard
from ..drawing.chosen import chosen
from ..drawing.colours import photograph
from ..drawing.paper import INK, QUIET
from ..drawing.rows import Caption, Cell, Row, in_rows_of_cells, titled
from ..drawing.titles import plain

_SIDE, _SCORES, _SPECTRUM = 2.0, 3.8, 2.6
_TICKS = (0.1, 0.05, 0.1, 0.25)
_PICTURE, _PHOTOGRAPH = "#b2182b", "#7a7a7a"
_KEY = (
    "Grey lines are photographs, the longer black one is their median, the red diamond is the picture. A picture that "
    "shows what a unit looks for scores above the photographs, also as it is shifted and turned, and its spectrum is "
    "about as far from their mean as their own are. Where it has one, the rank is that of its unit or class among all "
    "of its kind, 1 for the strongest."
)


def score_card_sheet(result: ScoreCard, *, pictures: Sequence[int] | None = None) -> Figure:
    """Each picture, its score among those of the photographs, plain and transformed, and the distance of its spectrum.

    Args:
        result: the card.
        pictures: which of them to draw, by number from 0; None for all.

    Raises:
        SettingError: a picture does not exist, or there are too many for one sheet.
    """
    rows = [_row(result, picture) for picture in chosen(pictures, len(result), kind="pictures")]
    photographs = result.natural.shape[1]
    title = f"{plain(result.provenance.network, 60)}: beside {photographs} photograph{'s' * (photographs > 1)}"
    return in_rows_of_cells(rows, key=[_KEY], title=title)


def _row(result: ScoreCard, picture: int) -> Row:
    scores, spectrum = (partial(draw, result=result, picture=picture) for draw in (_scores, _spectrum))
    cells = (
        Cell("Picture", photograph(result.pictures[picture]), _standing(result, picture), width=_SIDE),
        Cell("Score", scores, _reached(result, picture), width=_SCORES, free=_TICKS),
        Cell("Spectrum", spectrum, _off(result, picture), width=_SPECTRUM, free=_TICKS),
    )
    return Row(result.provenance.objective[picture], cells)


def _standing(result: ScoreCard, picture: int) -> tuple[Caption, ...]:
    """Its rank and probability, in the network and in the second one."""
    own = _place(result.ranks, result.probabilities, picture)
    other = _place(result.transfer_ranks, result.transfer_probabilities, picture)
    judge = result.provenance.settings.get("other")
    named = f"{other} in {judge['network']}" if judge and other else ""
    return tuple(caption for caption in (titled(own), Caption(named, lines=2)) if caption.words)


def _place(ranks: Tensor, probabilities: Tensor, picture: int) -> str:
    rank, probability = int(ranks[picture]), float(probabilities[picture])
    words = f"rank {rank}" if rank else ""
    return f"{words}, probability {probability:.1%}" if words and not isnan(probability) else words


def _reached(result: ScoreCard, picture: int) -> tuple[Caption, ...]:
    times = float(result.times_best[picture])
    best = "" if isnan(times) else f", {times:.3g} × the best"
    return (
        titled(f"{_above(result.quantiles[picture])}{best}"),
        Caption(f"shifted and turned: {_above(result.transformed_quantiles[picture])}"),
    )


def _above(quantile: Tensor) -> str:
    return f"above {float(quantile):.0%} of the photographs"


def _off(result: ScoreCard, picture: int) -> tuple[Caption, ...]:
    usual = float(result.natural_spectrum_distances.median())
    return (
        titled(f"{float(result.spectrum_distances[picture]):.1f} dB"),
        Caption(f"photographs' median {usual:.1f} dB"),
    )


def _scores(axes: Axes, *, result: ScoreCard, picture: int) -> None:
    """Both scores on one axis."""
    lines = (
        ("as it is", result.natural[picture], result.scores[picture]),
        ("shifted and turned", result.natural_transformed[picture], result.transformed[picture]),
    )
    every = np.concatenate([[*_numbers(natural), float(own)] for _, natural, own in lines])
    every = every[np.isfinite(every)]
    if not len(every):
        axes.text(0.5, 0.5, "not finite", transform=axes.transAxes, size=9, color=INK, ha="center")
        return
    _prepare(axes, float(every.min()), float(every.max()), len(lines))
    for line, (words, natural, own) in enumerate(lines):
        _line(axes, line, words, _numbers(natural), float(own))


def _spectrum(axes: Axes, *, result: ScoreCard, picture: int) -> None:
    """On one axis for all pictures, from 0."""
    distances = _numbers(result.natural_spectrum_distances)
    most = max(float(distances.max()), float(result.spectrum_distances.max()))
    _prepare(axes, 0.0, most, 1)
    _line(axes, 0, "decibels from the photographs' mean", distances, float(result.spectrum_distances[picture]))


def _prepare(axes: Axes, low: float, high: float, lines: int) -> None:
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    axes.set_axis_on()
    axes.set_xlim(low - room if low else low, high + room)
    axes.set_ylim(lines - 0.65, -0.65)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(labelsize=7, colors=QUIET, length=2)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)


def _line(axes: Axes, line: int, words: str, photographs: Float[np.ndarray, "photograph"], own: float) -> None:
    """The photographs as lines, and the picture among them; `line` counts from the top."""
    axes.text(0, line - 0.55, words, transform=axes.get_yaxis_transform(), size=7.5, color=QUIET, va="center")
    axes.vlines(photographs, line - 0.12, line + 0.12, color=_PHOTOGRAPH, linewidth=0.8, alpha=0.55)
    axes.vlines([np.median(photographs)], line - 0.18, line + 0.18, color=INK, linewidth=1.4)
    axes.plot([own], [line], marker="D", markersize=6, color=_PICTURE, markeredgecolor="white", markeredgewidth=0.6)
    number = f"{own:.3g}".replace("-", "−")
    axes.text(own, line - 0.3, number, size=7.5, color=_PICTURE, ha="center", va="center")


def _numbers(values: Tensor) -> Float[np.ndarray, "photograph"]:
    return values.detach().double().cpu().numpy()
