"""The one list of attribution methods: the command line, the report, the docs and the contract tests read it."""

import ast
import difflib
from dataclasses import fields
from typing import Any

from ..errors import SettingError
from .cam import CAM
from .eigen_cam import EigenCAM
from .gradcam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from .gradients import Gradient, GradientTimesInput
from .guided_gradcam import GuidedGradCAM
from .integrated_gradients import IntegratedGradients
from .lrp import LRP
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


def from_text(text: str) -> Method:
    """The method that a line of text names: `gradcam`, or with settings `occlusion:window=32,stride=8,fill=blur`.

    Settings are those of the dataclass; a setting that is itself a method is given by its name
    (`smoothgrad:of=gradcam`). `SettingError` names the nearest method or lists the settings.
    """
    name, _, given = text.partition(":")
    if name.lower() not in METHODS:
        near = difflib.get_close_matches(name.lower(), METHODS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise SettingError(f"no method {name!r}; {hint}The methods are {', '.join(METHODS)}")
    kind = METHODS[name.lower()]
    known = {field.name: field for field in fields(kind)}
    values = dict(_setting(name, pair) for pair in _split(given))
    if unknown := sorted(values.keys() - known.keys()):
        raise SettingError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    try:
        return kind(**values)
    except TypeError as error:
        raise SettingError(f"{text!r} has a setting of the wrong kind: {error}") from error


def _split(given: str) -> list[str]:
    """At commas that are not inside brackets."""
    parts, depth = [""], 0
    for sign in given:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part for part in parts if part]


def _setting(method: str, pair: str) -> tuple[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise SettingError(f"a setting is written name=value, as in {method}:name=value; got {pair!r}")
    return key.strip(), from_text(value) if key.strip() == "of" else _value(value.strip())


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(text.lower(), text)
