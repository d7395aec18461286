"""What `import innerview` gives and what it does not pull in."""

import subprocess
import sys

import pytest

import innerview as iv
from innerview import errors

HEAVY = ["matplotlib", "nicegui", "ray", "sklearn", "torchvision", "timm", "transformers", "jinja2", "cyclopts", "rich"]


def imported_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", dir(iv))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(iv, name)
    assert value.__doc__ if callable(value) else name.isupper() or name in ("__version__", "Question")


def test_every_error_is_public() -> None:
    assert {
        each.__name__ for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)
    } <= set(dir(iv))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="No innerview attribute figrue"):
        iv.figrue  # noqa: B018


def test_importing_innerview_pulls_in_nothing_heavy() -> None:
    assert imported_by("import innerview").isdisjoint([*HEAVY, "torch"])


def test_a_method_pulls_in_nothing_but_torch() -> None:
    loaded = imported_by("import innerview; innerview.GradCAM(), innerview.Network, innerview.load, innerview.Logit(1)")
    assert "torch" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_checks_above_can_fail() -> None:
    assert "jinja2" in imported_by("import jinja2; import innerview")
