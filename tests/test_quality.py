"""Lint, format, types and the direction of imports, as part of the ordinary test run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.quality


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("task", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff(task: list[str]) -> None:
    run(sys.executable, "-m", "ruff", *task)


def test_types() -> None:
    run(sys.executable, "-m", "pyright", "--pythonpath", sys.executable)


def test_imports_point_down() -> None:
    run(str(Path(sys.executable).with_name("lint-imports")))


def test_every_file_is_about_one_idea() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "src").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long


def test_the_page_of_methods_is_written_from_the_catalogue() -> None:
    import methods_page

    assert methods_page.PAGE.read_text(encoding="utf-8") == methods_page.page()
