"""What `import innerview` gives and what it does not pull in."""

import subprocess
import sys

import pytest

import innerview as iv

PUBLIC = """
    Attribution CAM Channel Direction GradCAM Gradient GradientTimesInput InnerviewError LayerEnergy LayerInfo Logit
    METHODS Method Network Neuron Objective Occlusion PerImage Prediction Preprocess Probability ReceptiveField
    SmoothGrad figure load progress_bar save tour
""".split()
HEAVY = ["matplotlib", "nicegui", "ray", "sklearn", "torchvision", "timm", "transformers", "jinja2", "cyclopts", "rich"]


def imported_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(iv, name).__doc__ or name == "METHODS"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'innerview' has no attribute 'figrue'"):
        iv.figrue  # noqa: B018


def test_importing_innerview_pulls_in_nothing_heavy() -> None:
    loaded = imported_by("import innerview")
    assert "torch" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_check_above_can_fail() -> None:
    assert "matplotlib" in imported_by("import innerview; innerview.figure")
