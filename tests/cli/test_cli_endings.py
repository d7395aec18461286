"""How a run ends: exit codes, one sentence for a user's mistake, silence where nobody reads."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from factory import FACTORY

import innerview as iv

COMMAND = [sys.executable, "-m", "innerview"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["pridict"],
            'Unknown command "pridict". Did you mean "predict"? Available commands: tour, explain, filters, '
            "activations, synthesize, dream, dictionary, groups, ... See: innerview --help",
        ),
        (
            ["predict", "a.png", "--tip", "3"],
            "Unknown option: --tip. Did you mean --top? See: innerview predict --help",
        ),
        (["predict"], 'Command "predict" parameter IMAGES requires an argument. See: innerview predict --help'),
        (
            ["predict", "a.png", "--top", "x"],
            'Invalid value for --top: unable to convert "x" into int. See: innerview predict --help',
        ),
        (["predict", "a.png", "--top", "0"], "--top is a whole number, at least 1; got 0"),
        (["layers", "--option", "depth"], "--option takes KEY=VALUE, as in pad_type=same; got 'depth'"),
        (["layers", "--mean", "a,b"], "--mean takes numbers separated by commas; got 'a,b'"),
        (["layers", "--size", "8.5"], "--size takes whole numbers separated by commas; got '8.5'"),
        (["layers", "--size", "8,8,3"], "--size takes one number or two, rows and columns; got 3"),
        (["layers", "--mean", "0.1,0.2"], "mean and std have one number for each channel, or one for all; got 2 and 3"),
        (
            ["layers", "--labels", "none.txt"],
            "labels are a list of names, or a text file with one a line; 'none.txt' cannot be read: "
            "No such file or directory",
        ),
        (["methods", "gradcm"], None),
        (["layers", "builtin/lent"], None),
    ],
)
def test_a_user_s_mistake_is_one_sentence(run, arguments, sentence) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("innerview: ")
    assert ended.err.count("\n") == 1
    if sentence:
        assert ended.err == f"innerview: {sentence}\n"


def test_debug_shows_where_it_happened(run) -> None:
    ended = run("predict", "a.png", "--debug", "--top", "0")
    assert ended.code == 2
    assert ended.err.startswith("Traceback (most recent call last)")
    assert "in predict" in ended.err
    assert ended.err.endswith("\ninnerview: --top is a whole number, at least 1; got 0\n")


def test_after_two_hyphens_debug_is_a_file(run, small) -> None:
    ended = run("predict", *small, "--", "--debug")
    assert (ended.code, ended.err) == (2, "innerview: there is no file '--debug'; check the path\n")


def test_what_would_steer_a_terminal_is_spelled_out(run, small) -> None:
    ended = run("predict", "a\x1b[31m\u202eb.png", *small)
    assert ended.err == "innerview: there is no file 'a\\x1b[31m\\u202eb.png'; check the path\n"


def test_a_fault_of_the_program_is_no_sentence(run) -> None:
    """It leaves main, so that Python shows its traceback and exits with 1."""
    with pytest.raises(RuntimeError, match="a mistake in the factory"):
        run("layers", f"{FACTORY}:failing")


def test_ctrl_c_is_130_and_a_short_word(run, monkeypatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(iv, "load", interrupt)
    ended = run("layers")
    assert (ended.code, ended.out, ended.err) == (130, "", "innerview: stopped\n")


def heeding_ctrl_c() -> None:
    """Undo what a shell does to a test run in the background, whose children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_in_a_real_process() -> None:
    paths = os.pathsep.join(filter(None, sys.path))
    command = [*COMMAND, "layers", f"{FACTORY}:slow"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        preexec_fn=heeding_ctrl_c,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "innerview: stopped\n")


def test_silence_where_nobody_reads() -> None:
    """As after `| head`: no error, no traceback."""
    command = [*COMMAND, "--install-completion", "--show", "--shell", "bash"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_standard_output_is_a_sentence() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = [*COMMAND, "--install-completion", "--show", "--shell", "bash"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "innerview: No space left on device\n")


@contextmanager
def room_for(size: int):
    """Within the block no file grows beyond `size` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("out", ["out.png", "out.safetensors"])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(run, photos, small, out) -> None:
    with room_for(100):
        ended = run("explain", photos[0], *small, "--out", out)
    assert ended.code == 2
    assert ended.err.startswith(f"innerview: '{out}' cannot be written (")
    assert "File too large" in ended.err
    assert ended.err.endswith("); choose another place with --out\n")
    assert sorted(path.name for path in Path().iterdir()) == ["one.png", "two.png"]


def test_a_folder_that_cannot_be_is_a_sentence(run, photos, small, quick_tour) -> None:
    ended = run("tour", photos[0], *small, "--out", "two.png/page.html")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "innerview: 'two.png/page.html' cannot be written (File exists); choose another place with --out\n"
    )
