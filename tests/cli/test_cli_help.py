"""Help, version and completion: quick, and without the libraries that compute."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from innerview.cli.main import app
from innerview.version import __version__

VERBS = [
    *("tour", "explain", "filters", "activations", "synthesize", "dream", "dictionary"),
    *("groups", "grid", "attack", "predict", "demo", "layers", "methods"),
]
HEAVY = {"torch", "torchvision", "numpy", "matplotlib", "PIL", "jinja2", "safetensors"}


def imported_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after a statement."""
    program = f"import json, sys\n{statement}\nsys.stderr.write(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stderr)}


def test_help_imports_nothing_that_computes() -> None:
    """Of the program and of each verb, in one interpreter."""
    calls = "; ".join(f"main([{verb!r}, '--help'])" for verb in VERBS)
    loaded = imported_by(f"from innerview.cli.main import main; main(['--help']); {calls}")
    assert "rich" in loaded
    assert not loaded & HEAVY, "the names in innerview/__init__.py must be imported when they are first used"


def test_the_check_above_can_fail() -> None:
    assert imported_by("import numpy") & HEAVY == {"numpy"}


def test_the_version_is_the_package_s(run) -> None:
    assert run("--version").out == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_every_verb_with_a_summary(run, arguments) -> None:
    ended = run(*arguments)
    assert ended.code == 0
    for verb, summary in {
        "tour": "One page",
        "explain": "Where in",
        "predict": "The most",
        "layers": "The layers",
    }.items():
        assert f"│ {verb:<21} {summary}" in ended.out


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_begins_with_its_summary(run, verb) -> None:
    """The summary beside its name in the list is where its own text begins."""
    listed = next(line for line in run("--help").out.splitlines() if line.startswith(f"│ {verb} "))
    summary = listed.strip("│ ").removeprefix(verb).strip().rstrip(".")
    own = " ".join(run(verb, "--help").out.split())
    assert summary.partition(",")[0] in own


@pytest.mark.parametrize("verb", ["tour", "explain", "predict", "layers"])
def test_every_verb_that_needs_a_network_takes_the_same_options(run, verb) -> None:
    shown = run(verb, "--help").out
    for option in ("network", "weights", "option", "mean", "std", "size", "device", "labels"):
        assert f" --{option} " in shown
    assert "--no-" not in shown
    assert "--empty-" not in shown


def test_help_texts_are_as_wide_as_the_terminal(run, monkeypatch) -> None:
    """Line ends in the docstrings are not seen."""
    monkeypatch.setenv("COLUMNS", "200")
    sentence = (
        "Writes one figure: a row for each image, a column for each method and each question; by default the question"
    )
    assert sentence in run("explain", "--help").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_completion_script_knows_verbs_and_options(run, shell) -> None:
    ended = run("--install-completion", "--shell", shell, "--show")
    assert ended.code == 0
    for word in (*VERBS, "--method", "method", "weights"):
        assert word.lstrip("-") in ended.out


def test_bash_understands_the_completion_script(run, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    ended = run("--install-completion", "--shell", "bash", "--out", script)
    assert ended.out == f"wrote {script}; start a new shell to use it\n"
    assert script.read_text() == app().generate_completion(shell="bash")
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_a_shell_that_is_not_known(run, monkeypatch) -> None:
    from cyclopts.completion import detect

    def fail() -> None:
        raise detect.ShellDetectionError

    monkeypatch.setattr(detect, "detect_shell", fail)
    ended = run("--install-completion")
    assert (ended.code, ended.err) == (
        2,
        "innerview: this shell is not known; name one with --shell bash, zsh, fish or powershell\n",
    )
