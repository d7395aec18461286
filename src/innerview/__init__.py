"""innerview: one instrument to look inside a vision network.

Each public name is imported when it is first used, so that `innerview --help` need not wait for PyTorch, nor a
gradient for matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from .show.figures import figure as figure
    from .show.figures import save as save
    from .show.report import tour as tour
    from .version import __version__ as __version__

_MODULES = {
    ".attribution.cam": ("CAM", "GradCAM"),
    ".attribution.catalogue": ("METHODS",),
    ".attribution.gradients": ("Gradient", "GradientTimesInput", "SmoothGrad"),
    ".attribution.method": ("Attribution", "Method"),
    ".attribution.occlusion": ("Occlusion",),
    ".errors": ("InnerviewError",),
    ".network.layers": ("LayerInfo",),
    ".network.load": ("load",),
    ".network.network": ("Network", "Prediction"),
    ".network.preprocess": ("Preprocess",),
    ".network.receptive_field": ("ReceptiveField",),
    ".objectives": ("Channel", "Direction", "LayerEnergy", "Logit", "Neuron", "Objective", "PerImage", "Probability"),
    ".progress": ("progress_bar",),
    ".show.figures": ("figure", "save"),
    ".show.report": ("tour",),
    ".version": ("__version__",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'innerview' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOME)
