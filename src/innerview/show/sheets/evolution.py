"""The distributions of weights and activations: at one iteration, and how they change over a training run."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...recording.recording import Recording, Snapshot
from ...recording.statistics import Distribution
from ..drawing.panels import Words, framed, panelled
from ..drawing.paper import INK, QUIET
from ..drawing.titles import plain

MOST = 40
COLUMNS = 4
SIZE = (2.4, 1.3)
DEEP, LIGHT = "#3b6ea5", "#c9d8e8"
KEY = (
    "Over the iterations, on a logarithmic axis with a line at 1, 10, 100, …: the line is the mean, the dark band one "
    "deviation to each side, the light band reaches from the lowest to the highest value. Dead: the channels that are "
    "above 0 for no image, at the end."
)

HISTOGRAM = (
    "How many values lie in each of equal bins between the lowest and the highest, which stand at the ends; each panel "
    "is as high as its fullest bin. The line is at 0. Dead: the channels that are above 0 for no image."
)


def evolution(recording: Recording, probe: int) -> Figure:
    """A panel for each layer: mean, deviation and range of its weights or activations over the iterations."""
    found = [snapshot.distributions(probe) for snapshot in recording]
    names = list(found[-1])
    band = partial(_band, iterations=recording.iterations)
    panels = [
        (_heading(name, found[-1][name]), partial(band, found=[each[name] for each in found])) for name in names[:MOST]
    ]
    words = Words(f"Statistics of {plain(recording.network)}", KEY + _some(names))
    return panelled(panels, size=SIZE, columns=COLUMNS, words=words)


def histograms(snapshot: Snapshot, probe: int) -> Figure:
    """A panel for each layer: how many of its weights or activations have each value, at one iteration."""
    found = snapshot.distributions(probe)
    names = list(found)
    panels = [(_heading(name, found[name]), partial(_histogram, found=found[name])) for name in names[:MOST]]
    title = f"Statistics of {plain(snapshot.provenance.network)}, {snapshot.iteration} iterations trained"
    return panelled(panels, size=SIZE, columns=COLUMNS, words=Words(title, HISTOGRAM + _some(names)))


def _some(names: Sequence[str]) -> str:
    return f" The first {MOST} of {len(names)} layers." if len(names) > MOST else ""


def _heading(name: str, last: Distribution) -> str:
    kind, _, layer = name.partition("/")
    dead = "" if np.isnan(last.dead) else f", {last.dead:.0%} dead"
    return f"{plain(layer, 18)} {kind}{dead}"


def _band(axes: Axes, *, iterations: Sequence[int], found: Sequence[Distribution]) -> None:
    lowest, mean, std, highest = np.array([(each.lowest, each.mean, each.std, each.highest) for each in found]).T
    axes.set_xscale("symlog", linthresh=1)
    axes.fill_between(iterations, lowest, highest, color=LIGHT, linewidth=0)
    axes.fill_between(
        iterations, np.maximum(mean - std, lowest), np.minimum(mean + std, highest), color=DEEP, alpha=0.6, linewidth=0
    )
    axes.plot(iterations, mean, color=INK, linewidth=1.1)
    axes.axhline(0, color=QUIET, linewidth=0.4)
    for decade in 10 ** np.arange(np.log10(max(iterations[-1], 1)) + 1):
        axes.axvline(decade, color=QUIET, linewidth=0.3, alpha=0.5)
    axes.set_xlim(iterations[0], max(iterations[-1], iterations[0] + 1))
    framed(axes)
    low, high = axes.get_ylim()
    _corners(axes, ((0.02, 0.96, f"{high:.2g}"), (0.02, 0.04, f"{low:.2g}"), (0.98, 0.04, str(iterations[-1]))))


def _histogram(axes: Axes, *, found: Distribution) -> None:
    axes.stairs(found.counts.numpy(), found.edges.numpy(), fill=True, color=DEEP)
    axes.axvline(0, color=QUIET, linewidth=0.6)
    axes.set_ylim(0, 1.25 * max(1, int(found.counts.max())))
    room = 0.03 * (found.highest - found.lowest or 1)
    axes.set_xlim(found.lowest - room, found.highest + room)
    framed(axes)
    _corners(axes, ((0.02, 0.96, f"{found.lowest:.2g}"), (0.98, 0.96, f"{found.highest:.2g}")))


def _corners(axes: Axes, texts: Sequence[tuple[float, float, str]]) -> None:
    for x, y, words in texts:
        va, ha = "top" if y > 0.5 else "bottom", "left" if x < 0.5 else "right"
        axes.text(x, y, words.replace("-", "−"), transform=axes.transAxes, size=6.5, color=INK, va=va, ha=ha)
