"""What `import innerview` gives and what it does not pull in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import innerview as iv

PUBLIC = [
    "ATTACKS",
    "ActivationGrid",
    "ActivationMaps",
    "Activations",
    "Attack",
    "AttackMethod",
    "AttentionRollout",
    "Attribution",
    "CAM",
    "CLEAR",
    "Channel",
    "ChannelGroups",
    "Comparison",
    "Crops",
    "Deconvolution",
    "DeepFool",
    "Dictionary",
    "Direction",
    "EdgeEnergy",
    "EigenCAM",
    "FGSM",
    "FilterImages",
    "Filters",
    "Fourier",
    "GradCAM",
    "GradCAMPlusPlus",
    "Gradient",
    "GradientAscent",
    "GradientTimesInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "HiResCAM",
    "HiddenUnits",
    "InnerviewError",
    "IntegratedGradients",
    "L1",
    "L2",
    "LECTURE",
    "LRP",
    "LUCID",
    "LayerCAM",
    "LayerEnergy",
    "LayerInfo",
    "Logit",
    "MACO",
    "METHODS",
    "MagnitudeConstrained",
    "Method",
    "MethodError",
    "Network",
    "Neuron",
    "Objective",
    "Occlusion",
    "Octaves",
    "PGD",
    "PerImage",
    "Pixels",
    "Prediction",
    "Preprocess",
    "Probability",
    "RISE",
    "ReceptiveField",
    "Recipe",
    "Recorder",
    "Recording",
    "Resemblance",
    "ScoreCAM",
    "ScoreCard",
    "Shift",
    "SmoothGrad",
    "SphereTest",
    "Statistics",
    "Synthesis",
    "TotalVariation",
    "Transforms",
    "UnitLines",
    "VarGrad",
    "WeightDistributions",
    "activation_grid",
    "activations",
    "animate",
    "as_objective",
    "attack",
    "channel_groups",
    "compare",
    "dictionary",
    "dream",
    "every",
    "figure",
    "filters",
    "hidden_units",
    "load",
    "logarithmic",
    "mimic",
    "open_recording",
    "progress_bar",
    "read",
    "save",
    "score_card",
    "sharing",
    "shift",
    "spectrum_of",
    "sphere",
    "synthesize",
    "to_tensorboard",
    "tour",
    "weight_distributions",
]
HEAVY = ["matplotlib", "nicegui", "ray", "sklearn", "torchvision", "timm", "transformers", "jinja2", "cyclopts", "rich"]


def imported_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(iv, name).__doc__ or name == "METHODS"


def test_type_checkers_and_python_see_the_same_names() -> None:
    """The names are written twice in the package: as imports for the one, as a table for the other."""
    tree = ast.parse(Path(iv.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: "." * node.level + (node.module or "")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == iv._HOME
    assert sorted([*PUBLIC, "__version__"]) == dir(iv)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'innerview' has no attribute 'figrue'"):
        iv.figrue  # noqa: B018


def test_importing_innerview_pulls_in_nothing_heavy() -> None:
    assert imported_by("import innerview").isdisjoint([*HEAVY, "torch"])


def test_a_method_pulls_in_nothing_but_torch() -> None:
    loaded = imported_by("import innerview; innerview.GradCAM(), innerview.Network, innerview.load, innerview.Logit(1)")
    assert "torch" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_checks_above_can_fail() -> None:
    assert "jinja2" in imported_by("import jinja2; import innerview")
