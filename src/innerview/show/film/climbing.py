"""Pictures while they are made: all of them side by side, at one moment after another."""

from collections.abc import Iterator, Sequence
from functools import partial

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from ...errors import SettingError
from ...synthesis.result import Synthesis
from ..drawing.colours import Picture
from ..drawing.drawn import drawn
from ..drawing.panels import Panel, Words, panelled
from ..drawing.paper import LETTERS, rendered
from ..drawing.titles import plain, wrapped
from ..sheets.synthesis import MOST_PICTURES

_FORMS = ((1, 1, 4.0), (2, 2, 2.8), (4, 2, 2.4), (9, 3, 2.0), (24, 6, 1.6), (MOST_PICTURES, 10, 1.3))
"""Up to how many pictures, how many are in a row, and how many inches wide."""
_NUMBER = 8  # letters that an objective takes, with the gap before it
_KEY = "The number is the objective at that step, as the network saw the picture then."


def moments(result: Synthesis) -> list[tuple[int, Float[Tensor, "picture channel row column"]]]:
    """The steps after which the pictures are known, with the pictures; the last is the end.

    Raises:
        SettingError: the result holds no snapshots, or too many pictures for one frame.
    """
    if not result.moments:
        raise SettingError(
            "an animation shows the snapshots of a synthesis, and this one holds none; make it with "
            "synthesize(…, snapshots=range(1, 257, 5))"
        )
    if len(result) > MOST_PICTURES:
        raise SettingError(
            f"a frame holds up to {MOST_PICTURES} pictures; got {len(result)}. Synthesize fewer at a time"
        )
    known = list(zip(result.moments, result.snapshots, strict=True))
    end = len(result.curve)
    return known if result.moments[-1] == end else [*known, (end, result.pixels)]


def frames(result: Synthesis, places: Sequence[int], *, dpi: float = 100) -> Iterator[Picture]:
    """One picture for each of these moments, numbered from 0, all of one size: every picture with its objective."""
    _, columns, width = next(form for form in _FORMS if len(result) <= form[0])
    rows, across = result.pixels.shape[2:]
    size = (width, width * min(max(rows / across, 0.4), 2.5))
    known = moments(result)
    for step, shown in (known[place] for place in places):
        panels = [_panel(result, picture, step, width, pixels) for picture, pixels in enumerate(shown)]
        title = f"{plain(result.provenance.network, 40)}: step {step} of {len(result.curve)}"
        yield rendered(panelled(panels, size=size, columns=columns, words=Words(title, _KEY)), dpi)


def _panel(
    result: Synthesis, picture: int, step: int, width: float, pixels: Float[Tensor, "channel row column"]
) -> Panel:
    question = wrapped(result.objective(picture), int(width * LETTERS) - _NUMBER, 1)
    return f"{question}  {float(result.curve[step - 1, picture]):#.3g}", partial(_draw, pixels)


def _draw(pixels: Float[Tensor, "channel row column"], axes: Axes) -> None:
    axes.imshow(drawn(pixels), interpolation="antialiased")
