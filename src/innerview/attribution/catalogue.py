"""The one list of attribution methods: the command line, the report, the docs and the contract tests read it."""

from .cam import CAM
from .eigen_cam import EigenCAM
from .gradcam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from .gradients import Gradient, GradientTimesInput
from .guided_gradcam import GuidedGradCAM
from .integrated_gradients import IntegratedGradients
from .lrp.lrp import LRP
from .method import Method
from .noise import SmoothGrad, VarGrad
from .occlusion import Occlusion
from .relu_rules import Deconvolution, GuidedBackprop
from .rise import RISE
from .rollout import AttentionRollout
from .score_cam import ScoreCAM

METHODS: dict[str, type[Method]] = {
    "gradient": Gradient,
    "gradientxinput": GradientTimesInput,
    "integratedgradients": IntegratedGradients,
    "smoothgrad": SmoothGrad,
    "vargrad": VarGrad,
    "deconvolution": Deconvolution,
    "guidedbackprop": GuidedBackprop,
    "lrp": LRP,
    "cam": CAM,
    "gradcam": GradCAM,
    "gradcamplusplus": GradCAMPlusPlus,
    "hirescam": HiResCAM,
    "layercam": LayerCAM,
    "eigencam": EigenCAM,
    "scorecam": ScoreCAM,
    "guidedgradcam": GuidedGradCAM,
    "attentionrollout": AttentionRollout,
    "occlusion": Occlusion,
    "rise": RISE,
}
