"""Running the command line inside the test's own process."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from factory import FACTORY
from PIL import Image

from innerview.cli.main import main
from quick import quick_tours


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The parts of each line of output that tabs separate."""
        return [line.split("\t") for line in self.out.splitlines()]


_UNSEEN = re.compile(r"\x1b\[[0-9;]*m| +$", re.MULTILINE)

Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `innerview` with these arguments."""

    def ended(*arguments: object) -> Ended:
        code = main([str(each) for each in arguments])
        return Ended(code, *capsys.readouterr())

    return ended


@pytest.fixture
def in_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `innerview` as if a person looked, in 80 columns; colours and spaces at line ends are cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")

    def ended(*arguments: object) -> Ended:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        return replace(shown := run(*arguments), out=_UNSEEN.sub("", shown.out))

    return ended


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two photographs in the current folder."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    paths = [Path("one.png"), Path("two.png")]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def quick_tour() -> Iterator[None]:
    with quick_tours():
        yield


@pytest.fixture
def small() -> list[str]:
    """The options that choose the small network with five labels."""
    return ["--network", f"{FACTORY}:small"]
