"""The snapshots of a training run: side by side on a contact sheet, or one after another as frames."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...recording.recording import Recording
from ..drawing.colours import Picture
from ..drawing.panels import Panel, Words, panelled
from ..drawing.paper import rendered
from .evolution import evolution
from .snapshots import SIDE, Drawing, drawing_of, moment

MOST = 24
"""Panels of a contact sheet."""
_FORMS = ((8, 4, 2.6), (15, 5, 2.1), (MOST, 6, 1.8))
"""Up to how many panels, how many are in a row, and how many inches wide."""


def contact_sheet(recording: Recording, *, probe: int = 0) -> Figure:
    """What one probe saw, a panel for each iteration; statistics as curves over the iterations.

    All panels have one scale. Of more than 24 iterations some are left out, evenly, and the foot says so;
    `recording.at([1, 10, 100])` chooses.

    Args:
        recording: the snapshots.
        probe: the number of the probe, from 0.

    Raises:
        SettingError: there is no such probe, or no drawing for what it measures.
    """
    if recording.probe(probe)["probe"] == "Statistics":
        return evolution(recording, probe)
    shown = recording.at(_some(recording.iterations))
    drawing = drawing_of(shown, probe)
    _, columns, width = next(form for form in _FORMS if len(shown) <= form[0])
    count = f" {len(shown)} of {len(recording)} snapshots are shown." if len(shown) < len(recording) else ""
    return panelled(
        [_panel(shown, each, drawing) for each in shown.iterations],
        size=(width, width * drawing.proportion),
        columns=columns,
        words=_in_common(drawing, count),
    )


def frames(recording: Recording, probe: int = 0, *, dpi: float = 100) -> Iterator[Picture]:
    """One picture for each snapshot, all of one size and on one scale."""
    drawing = drawing_of(recording, probe)
    width = SIDE / max(1.0, drawing.proportion)
    for each in recording.iterations:
        panel = _panel(recording, each, drawing)
        figure = panelled([panel], size=(width, width * drawing.proportion), columns=1, words=_in_common(drawing))
        yield rendered(figure, dpi)


def _panel(recording: Recording, iteration: int, drawing: Drawing) -> Panel:
    def draw(axes: Axes) -> None:
        drawing.draw(axes, recording[iteration])

    return moment(iteration), draw


def _in_common(drawing: Drawing, more: str = "") -> Words:
    """Its words, and that pictures of different iterations can be compared."""
    together = " All iterations have one scale." if drawing.scaled else ""
    return replace(drawing.words, key=f"{drawing.words.key}{together}{more}")


def _some(iterations: tuple[int, ...]) -> list[int]:
    """All of them, or as many as fit, evenly spaced and with both ends."""
    places = np.linspace(0, len(iterations) - 1, min(MOST, len(iterations)))
    return [iterations[round(place)] for place in places]
