"""innerview: one instrument to look inside a vision network.

Each public name is imported when it is first used, so that `innerview --help` need not wait for PyTorch, nor a
gradient for matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attribution.cam import CAM as CAM
    from .attribution.catalogue import METHODS as METHODS
    from .attribution.eigen_cam import EigenCAM as EigenCAM
    from .attribution.gradcam import GradCAM as GradCAM
    from .attribution.gradcam import GradCAMPlusPlus as GradCAMPlusPlus
    from .attribution.gradcam import HiResCAM as HiResCAM
    from .attribution.gradcam import LayerCAM as LayerCAM
    from .attribution.gradients import Gradient as Gradient
    from .attribution.gradients import GradientTimesInput as GradientTimesInput
    from .attribution.guided_gradcam import GuidedGradCAM as GuidedGradCAM
    from .attribution.integrated_gradients import IntegratedGradients as IntegratedGradients
    from .attribution.lrp import LRP as LRP
    from .attribution.method import Attribution as Attribution
    from .attribution.method import Method as Method
    from .attribution.noise import SmoothGrad as SmoothGrad
    from .attribution.noise import VarGrad as VarGrad
    from .attribution.occlusion import Occlusion as Occlusion
    from .attribution.relu_rules import Deconvolution as Deconvolution
    from .attribution.relu_rules import GuidedBackprop as GuidedBackprop
    from .attribution.rise import RISE as RISE
    from .attribution.rollout import AttentionRollout as AttentionRollout
    from .attribution.score_cam import ScoreCAM as ScoreCAM
    from .errors import InnerviewError as InnerviewError
    from .errors import MethodError as MethodError
    from .network.layers import LayerInfo as LayerInfo
    from .network.load import load as load
    from .network.network import Network as Network
    from .network.network import Prediction as Prediction
    from .network.preprocess import Preprocess as Preprocess
    from .network.receptive_field import ReceptiveField as ReceptiveField
    from .network.sharing import sharing as sharing
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
    ".attribution.cam": ("CAM",),
    ".attribution.catalogue": ("METHODS",),
    ".attribution.eigen_cam": ("EigenCAM",),
    ".attribution.gradcam": ("GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM"),
    ".attribution.gradients": ("Gradient", "GradientTimesInput"),
    ".attribution.guided_gradcam": ("GuidedGradCAM",),
    ".attribution.integrated_gradients": ("IntegratedGradients",),
    ".attribution.lrp": ("LRP",),
    ".attribution.method": ("Attribution", "Method"),
    ".attribution.noise": ("SmoothGrad", "VarGrad"),
    ".attribution.occlusion": ("Occlusion",),
    ".attribution.relu_rules": ("Deconvolution", "GuidedBackprop"),
    ".attribution.rise": ("RISE",),
    ".attribution.rollout": ("AttentionRollout",),
    ".attribution.score_cam": ("ScoreCAM",),
    ".errors": ("InnerviewError", "MethodError"),
    ".network.layers": ("LayerInfo",),
    ".network.load": ("load",),
    ".network.network": ("Network", "Prediction"),
    ".network.preprocess": ("Preprocess",),
    ".network.receptive_field": ("ReceptiveField",),
    ".network.sharing": ("sharing",),
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
