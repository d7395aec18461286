"""innerview: one instrument to look inside a vision network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .attribution.cam import CAM as CAM
from .attribution.cam import GradCAM as GradCAM
from .attribution.catalogue import METHODS as METHODS
from .attribution.gradients import Gradient as Gradient
from .attribution.gradients import GradientTimesInput as GradientTimesInput
from .attribution.gradients import SmoothGrad as SmoothGrad
from .attribution.method import Attribution as Attribution
from .attribution.method import Method as Method
from .attribution.occlusion import Occlusion as Occlusion
from .errors import InnerviewError as InnerviewError
from .network.layers import LayerInfo as LayerInfo
from .network.load import load as load
from .network.network import Network as Network
from .network.network import Prediction as Prediction
from .network.preprocess import Preprocess as Preprocess
from .network.receptive_field import ReceptiveField as ReceptiveField
from .objectives import Channel as Channel
from .objectives import Direction as Direction
from .objectives import LayerEnergy as LayerEnergy
from .objectives import Logit as Logit
from .objectives import Neuron as Neuron
from .objectives import Objective as Objective
from .objectives import PerImage as PerImage
from .objectives import Probability as Probability
from .progress import progress_bar as progress_bar
from .version import __version__ as __version__

if TYPE_CHECKING:
    from .show.figures import figure as figure
    from .show.figures import save as save
    from .show.report import tour as tour

# Imported at first use: they need matplotlib.
_DRAWING = {"figure": ".show.figures", "save": ".show.figures", "tour": ".show.report"}


def __getattr__(name: str) -> Any:
    if name not in _DRAWING:
        raise AttributeError(f"module 'innerview' has no attribute {name!r}")
    return getattr(import_module(_DRAWING[name], __name__), name)
