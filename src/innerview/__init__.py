"""innerview: one instrument to look inside a vision network.

Each public name is imported when it is first used, so that `innerview --help` need not wait for PyTorch, nor a
gradient for matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .activation.compare import Comparison as Comparison
    from .activation.compare import compare as compare
    from .activation.maps import Activations as Activations
    from .activation.maps import activations as activations
    from .adversarial.attack import attack as attack
    from .adversarial.catalogue import ATTACKS as ATTACKS
    from .adversarial.deepfool import DeepFool as DeepFool
    from .adversarial.gradient_steps import FGSM as FGSM
    from .adversarial.gradient_steps import PGD as PGD
    from .adversarial.gradient_steps import GradientAscent as GradientAscent
    from .adversarial.method import AttackMethod as AttackMethod
    from .adversarial.result import Attack as Attack
    from .adversarial.sphere import SphereTest as SphereTest
    from .adversarial.sphere import sphere as sphere
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
    from .blocks.dictionary import Dictionary as Dictionary
    from .blocks.dictionary import dictionary as dictionary
    from .blocks.grid import ActivationGrid as ActivationGrid
    from .blocks.grid import activation_grid as activation_grid
    from .blocks.groups import ChannelGroups as ChannelGroups
    from .blocks.groups import channel_groups as channel_groups
    from .blocks.shift import Shift as Shift
    from .blocks.shift import shift as shift
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
    from .objectives import as_objective as as_objective
    from .parameters.distributions import WeightDistributions as WeightDistributions
    from .parameters.distributions import weight_distributions as weight_distributions
    from .parameters.filters import Filters as Filters
    from .parameters.filters import filters as filters
    from .parameters.hidden_units import hidden_units as hidden_units
    from .parameters.unit_lines import UnitLines as UnitLines
    from .progress import progress_bar as progress_bar
    from .reading import read as read
    from .recording.probes import ActivationMaps as ActivationMaps
    from .recording.probes import FilterImages as FilterImages
    from .recording.probes import HiddenUnits as HiddenUnits
    from .recording.recorder import Recorder as Recorder
    from .recording.recording import Recording as Recording
    from .recording.recording import open_recording as open_recording
    from .recording.schedule import every as every
    from .recording.schedule import logarithmic as logarithmic
    from .recording.statistics import Statistics as Statistics
    from .show.animation import animate as animate
    from .show.figures import figure as figure
    from .show.figures import save as save
    from .show.report import tour as tour
    from .show.tensorboard import to_tensorboard as to_tensorboard
    from .synthesis.canvas import Fourier as Fourier
    from .synthesis.canvas import Pixels as Pixels
    from .synthesis.card import ScoreCard as ScoreCard
    from .synthesis.dream import Octaves as Octaves
    from .synthesis.dream import dream as dream
    from .synthesis.magnitude import MagnitudeConstrained as MagnitudeConstrained
    from .synthesis.mimic import Resemblance as Resemblance
    from .synthesis.mimic import mimic as mimic
    from .synthesis.priors import L1 as L1
    from .synthesis.priors import L2 as L2
    from .synthesis.priors import EdgeEnergy as EdgeEnergy
    from .synthesis.priors import TotalVariation as TotalVariation
    from .synthesis.recipe import CLEAR as CLEAR
    from .synthesis.recipe import LECTURE as LECTURE
    from .synthesis.recipe import LUCID as LUCID
    from .synthesis.recipe import MACO as MACO
    from .synthesis.recipe import Recipe as Recipe
    from .synthesis.result import Synthesis as Synthesis
    from .synthesis.score_card import score_card as score_card
    from .synthesis.spectrum import spectrum_of as spectrum_of
    from .synthesis.synthesize import synthesize as synthesize
    from .synthesis.transforms import Crops as Crops
    from .synthesis.transforms import Transforms as Transforms
    from .version import __version__ as __version__

_MODULES = {
    ".activation.compare": (
        "Comparison",
        "compare",
    ),
    ".activation.maps": (
        "Activations",
        "activations",
    ),
    ".adversarial.attack": ("attack",),
    ".adversarial.catalogue": ("ATTACKS",),
    ".adversarial.deepfool": ("DeepFool",),
    ".adversarial.gradient_steps": (
        "FGSM",
        "GradientAscent",
        "PGD",
    ),
    ".adversarial.method": ("AttackMethod",),
    ".adversarial.result": ("Attack",),
    ".adversarial.sphere": (
        "SphereTest",
        "sphere",
    ),
    ".attribution.cam": ("CAM",),
    ".attribution.catalogue": ("METHODS",),
    ".attribution.eigen_cam": ("EigenCAM",),
    ".attribution.gradcam": (
        "GradCAM",
        "GradCAMPlusPlus",
        "HiResCAM",
        "LayerCAM",
    ),
    ".attribution.gradients": (
        "Gradient",
        "GradientTimesInput",
    ),
    ".attribution.guided_gradcam": ("GuidedGradCAM",),
    ".attribution.integrated_gradients": ("IntegratedGradients",),
    ".attribution.lrp": ("LRP",),
    ".attribution.method": (
        "Attribution",
        "Method",
    ),
    ".attribution.noise": (
        "SmoothGrad",
        "VarGrad",
    ),
    ".attribution.occlusion": ("Occlusion",),
    ".attribution.relu_rules": (
        "Deconvolution",
        "GuidedBackprop",
    ),
    ".attribution.rise": ("RISE",),
    ".attribution.rollout": ("AttentionRollout",),
    ".attribution.score_cam": ("ScoreCAM",),
    ".blocks.dictionary": (
        "Dictionary",
        "dictionary",
    ),
    ".blocks.grid": (
        "ActivationGrid",
        "activation_grid",
    ),
    ".blocks.groups": (
        "ChannelGroups",
        "channel_groups",
    ),
    ".blocks.shift": (
        "Shift",
        "shift",
    ),
    ".errors": (
        "InnerviewError",
        "MethodError",
    ),
    ".network.layers": ("LayerInfo",),
    ".network.load": ("load",),
    ".network.network": (
        "Network",
        "Prediction",
    ),
    ".network.preprocess": ("Preprocess",),
    ".network.receptive_field": ("ReceptiveField",),
    ".network.sharing": ("sharing",),
    ".objectives": (
        "Channel",
        "Direction",
        "LayerEnergy",
        "Logit",
        "Neuron",
        "Objective",
        "PerImage",
        "Probability",
        "as_objective",
    ),
    ".parameters.distributions": (
        "WeightDistributions",
        "weight_distributions",
    ),
    ".parameters.filters": (
        "Filters",
        "filters",
    ),
    ".parameters.hidden_units": ("hidden_units",),
    ".parameters.unit_lines": ("UnitLines",),
    ".progress": ("progress_bar",),
    ".reading": ("read",),
    ".recording.probes": (
        "ActivationMaps",
        "FilterImages",
        "HiddenUnits",
    ),
    ".recording.recorder": ("Recorder",),
    ".recording.recording": (
        "Recording",
        "open_recording",
    ),
    ".recording.schedule": (
        "every",
        "logarithmic",
    ),
    ".recording.statistics": ("Statistics",),
    ".show.animation": ("animate",),
    ".show.figures": (
        "figure",
        "save",
    ),
    ".show.report": ("tour",),
    ".show.tensorboard": ("to_tensorboard",),
    ".synthesis.canvas": (
        "Fourier",
        "Pixels",
    ),
    ".synthesis.card": ("ScoreCard",),
    ".synthesis.dream": (
        "Octaves",
        "dream",
    ),
    ".synthesis.magnitude": ("MagnitudeConstrained",),
    ".synthesis.mimic": (
        "Resemblance",
        "mimic",
    ),
    ".synthesis.priors": (
        "EdgeEnergy",
        "L1",
        "L2",
        "TotalVariation",
    ),
    ".synthesis.recipe": (
        "CLEAR",
        "LECTURE",
        "LUCID",
        "MACO",
        "Recipe",
    ),
    ".synthesis.result": ("Synthesis",),
    ".synthesis.score_card": ("score_card",),
    ".synthesis.spectrum": ("spectrum_of",),
    ".synthesis.synthesize": ("synthesize",),
    ".synthesis.transforms": (
        "Crops",
        "Transforms",
    ),
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
