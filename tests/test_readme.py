"""The README's lines of Python run as they are written."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_first_lines_of_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    section = README.read_text(encoding="utf-8").split("## In Python")[1]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code
    exec(code[1], {})
    assert {"cam.png", "both.png"} <= {path.name for path in tmp_path.iterdir()}
