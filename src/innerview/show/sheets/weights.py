"""The distributions of the weights of several layers, one above the other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import SettingError
from ...parameters.distributions import WeightDistributions
from ..drawing.paper import INK, QUIET, Paper
from ..drawing.titles import plain

ROW, GAP = 0.42, 0.06  # inches
LABELS, WIDTH, NUMBERS = 2.4, 5.2, 1.5
MARGIN = 0.25
MOST_LAYERS = 60
COVERED = 0.999  # the share of a layer's weights within the axis, which all layers have in common


def weight_sheet(result: WeightDistributions, *, page: int = 0) -> Figure:
    """A histogram for each layer on one axis, each as high as its fullest bin; at the right mean and deviation.

    Raises:
        SettingError: there is no such page; one has room for 60 layers.
    """
    pages = -(-len(result.layers) // MOST_LAYERS)
    if not 0 <= page < pages:
        raise SettingError(f"the {len(result.layers)} layers have {pages} page(s), numbered from 0; got {page}")
    rows = range(page * MOST_LAYERS, min(len(result.layers), (page + 1) * MOST_LAYERS))
    limit = max(_limit(result, row) for row in rows)
    drawn = Paper(2 * MARGIN + LABELS + WIDTH + NUMBERS, 2 * MARGIN + 0.75 + len(rows) * (ROW + GAP))
    drawn.write(MARGIN, MARGIN - 0.05, f"Weights of {plain(result.provenance.network, 60)}", size=12, weight="bold")
    drawn.write(MARGIN + LABELS + WIDTH + 0.15, MARGIN + 0.25, "mean ± deviation", size=8, color=QUIET)
    for place, row in enumerate(rows):
        top = MARGIN + 0.45 + place * (ROW + GAP)
        drawn.write(MARGIN, top + ROW - 0.16, plain(result.layers[row], 38), size=8)
        drawn.write(MARGIN + LABELS + WIDTH + 0.15, top + ROW - 0.16, _numbers(result, row), size=8, color=QUIET)
        _histogram(drawn.axes(MARGIN + LABELS, top, WIDTH, ROW), result, row, limit)
    foot = MARGIN + 0.5 + len(rows) * (ROW + GAP)
    for share, words in ((0, f"−{limit:.2g}"), (0.5, "0"), (1, f"{limit:.2g}")):
        drawn.write(MARGIN + LABELS + share * WIDTH, foot, words, size=8, color=QUIET, ha="center")
    return drawn.figure


def _limit(result: WeightDistributions, row: int) -> float:
    """The value beyond which almost no weight of a layer lies."""
    edges, counts = result.edges[row].numpy(), result.counts[row].numpy()
    sizes = np.abs((edges[1:] + edges[:-1]) / 2)
    order = sizes.argsort()
    covered = np.cumsum(counts[order]) >= COVERED * counts.sum()
    return float(sizes[order][covered.argmax()]) or float(edges[-1])


def _histogram(axes: Axes, result: WeightDistributions, row: int, limit: float) -> None:
    edges, counts = result.edges[row].numpy(), result.counts[row].numpy()
    axes.stairs(counts / max(1, counts.max()), edges, fill=True, color="#3b6ea5")
    axes.axhline(0, color=QUIET, linewidth=0.5)
    axes.axvline(0, color=INK, linewidth=0.5)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(0, 1.02)


def _numbers(result: WeightDistributions, row: int) -> str:
    mean, std, zeros = (float(each[row]) for each in (result.mean, result.std, result.zeros))
    pruned = f", {zeros:.0%} are 0" if zeros > 0.005 else ""
    return f"{mean:.2g} ± {std:.2g}{pruned}".replace("-", "−")
