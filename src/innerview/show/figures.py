"""Results as figures and files: one function for every kind of result."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..activation.compare import Comparison
from ..activation.maps import Activations
from ..adversarial.result import Attack
from ..adversarial.sphere import SphereTest
from ..attribution.method import Attribution
from ..combined.dictionary import SemanticDictionary
from ..combined.grid import ActivationGrid
from ..combined.groups import NeuronGroups
from ..combined.shift import Shift
from ..errors import SettingError
from ..evaluation.card import ScoreCard
from ..files import replacing
from ..parameters.distributions import WeightDistributions
from ..parameters.filters import Filters
from ..parameters.unit_lines import UnitLines
from ..recording.recording import Recording, Snapshot
from ..results import Result
from ..synthesis.result import Synthesis
from .sheets.activations import activation_sheet, comparison_sheet
from .sheets.attack import attack_sheet
from .sheets.attribution import sheet
from .sheets.dictionary import dictionary_sheet, groups_sheet
from .sheets.filters import filter_sheet
from .sheets.grid import grid_sheet
from .sheets.recordings import contact_sheet
from .sheets.score_card import score_card_sheet
from .sheets.shift import shift_sheet
from .sheets.snapshots import snapshot_sheet
from .sheets.sphere import sphere_sheet
from .sheets.synthesis import synthesis_sheet
from .sheets.unit_lines import unit_lines
from .sheets.weights import weight_sheet

Drawable = Result | Recording | Sequence[Attribution] | Sequence[Attack]

DRAWN_BY: dict[type, Callable[..., Figure]] = {
    Attribution: sheet,
    Filters: filter_sheet,
    WeightDistributions: weight_sheet,
    Activations: activation_sheet,
    Comparison: comparison_sheet,
    UnitLines: unit_lines,
    Recording: contact_sheet,
    Snapshot: snapshot_sheet,
    Attack: attack_sheet,
    SphereTest: sphere_sheet,
    Shift: shift_sheet,
    Synthesis: synthesis_sheet,
    SemanticDictionary: dictionary_sheet,
    NeuronGroups: groups_sheet,
    ActivationGrid: grid_sheet,
    ScoreCard: score_card_sheet,
}
"""Which function draws which kind of result."""
LISTED = (Attribution, Attack)
"""The kinds of which several can be drawn together."""


_WRITTEN: dict[str, dict[str, Any]] = {
    ".png": {},
    ".webp": {"pil_kwargs": {"quality": 88, "method": 6}},
    ".svg": {"metadata": {"Date": None}},
    ".pdf": {"metadata": {"CreationDate": None}},
}
FORMATS = (*_WRITTEN, ".safetensors")


def figure(result: Drawable, **settings: Any) -> Figure:
    """The result as a matplotlib figure, made without pyplot: no window opens and no default changes.

    Its settings are those of the function that draws this kind of result: an attribution, or several of the same
    images, become a comparison sheet (`style`, `scale`, `images`), kernels a `filter_sheet`, weights a
    `weight_sheet`, activations an `activation_sheet`, two of them a `comparison_sheet`, the lines of hidden units
    `unit_lines`, a recording a `contact_sheet`, one of its snapshots a `snapshot_sheet`, attacks an `attack_sheet`,
    the points around an image a `sphere_sheet`, explanations before and after a `shift_sheet`, pictures that were made
    a `synthesis_sheet`, what they are worth a `score_card_sheet`, the units of a position a `dictionary_sheet`, groups
    of channels a `groups_sheet`, and a layer's positions a `grid_sheet`.

    Raises:
        SettingError: there is no drawing for this kind of result, or the results do not fit on one sheet.
    """
    several = isinstance(result, list | tuple)
    one = result[0] if several and result else result
    draw = next((draw for kind, draw in DRAWN_BY.items() if isinstance(one, kind)), None)
    if draw is None or (several and not isinstance(one, LISTED)):
        kinds, listed = (", ".join(kind.__name__ for kind in each) for each in (DRAWN_BY, LISTED))
        raise SettingError(f"these results can be drawn: {kinds}; and lists of {listed}; got {_named(result)}")
    return draw(result, **settings)


def save(result: Drawable, path: str | Path, *, dpi: float = 150, **settings: Any) -> None:
    """Write the result's figure as `.png`, `.webp`, `.svg` or `.pdf`, or its values as `.safetensors`.

    The file is either written whole or left as it was. Equal results give equal figures: no date is written.

    Args:
        result: what `figure` takes; values are saved of one result at a time.
        path: the file; its ending says the format.
        dpi: pixels per inch of a `.png`, of a `.webp`, which is smaller and loses what is hardly seen, and of the
            photographs in a `.svg` or `.pdf`.
        settings: those of `figure`.

    Raises:
        SettingError: the ending is unknown, or what `figure` raises.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise SettingError(f"a result is saved as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; got {path.name!r}")
    if ending == ".safetensors":
        _save_values(result, path)
        return
    drawn = figure(result, **settings)
    with replacing(path) as temporary:
        drawn.savefig(temporary, format=ending[1:], dpi=dpi, **_WRITTEN[ending])


def _save_values(result: Drawable, path: Path) -> None:
    if isinstance(result, list | tuple) and len(result) == 1:
        result = result[0]
    if not isinstance(result, Result):
        raise SettingError(f"one file holds the values of one result; got {_named(result)}: save them one by one")
    result.save(path)


def _named(result: object) -> str:
    return f"a list of {len(result)}" if isinstance(result, list | tuple) else type(result).__name__
