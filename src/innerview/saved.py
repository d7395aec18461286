"""Every kind of result, and how any of them is read back from its file."""

from pathlib import Path

from .activation.compare import Comparison
from .activation.maps import Activations
from .adversarial.result import Attack
from .adversarial.sphere import SphereTest
from .attribution.method import Attribution
from .combined.dictionary import SemanticDictionary
from .combined.grid import ActivationGrid
from .combined.groups import NeuronGroups
from .combined.shift import Shift
from .evaluation.card import ScoreCard
from .parameters.distributions import WeightDistributions
from .parameters.filters import Filters
from .parameters.unit_lines import UnitLines
from .recording.recording import Snapshot
from .results import Result, codec
from .synthesis.result import Synthesis

RESULTS: dict[str, type[Result]] = {
    kind.__name__: kind
    for kind in (
        Activations,
        ActivationGrid,
        Attack,
        Attribution,
        NeuronGroups,
        Comparison,
        SemanticDictionary,
        Filters,
        ScoreCard,
        Shift,
        Snapshot,
        SphereTest,
        Synthesis,
        UnitLines,
        WeightDistributions,
    )
}


def read(path: str | Path) -> Result:
    """The result that was saved in a file, of whatever kind it is: what `result.save(path)` or `iv.save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ResultError: the file holds something else, is damaged, or was written by another version of this format.
    """
    return codec.read(path, RESULTS)
