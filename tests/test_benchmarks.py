"""The benchmarks measure what they say, and time only equal work."""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

import innerview as iv

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The modules of the folder of benchmarks, as its scripts import them."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    names = ("attribution", "contest", "measurements", "outcome", "page", "peers", "scene", "synthesis")
    threads = torch.get_num_threads()
    yield SimpleNamespace(**{name: __import__(name) for name in names})
    torch.set_num_threads(threads)
    for name in set(sys.modules) - before:
        if name in (*names, "memory"):
            del sys.modules[name]


@pytest.fixture
def tiny(bench: SimpleNamespace) -> object:
    """No ReLU works in place or twice, so that all libraries read the same activations."""
    torch.manual_seed(0)
    convolutions = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2), nn.ReLU()]
    network = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))
    return bench.scene.staged(network.eval(), torch.randn(1, 3, 40, 40))


def gradient(bench: SimpleNamespace, **changes: object) -> object:
    return replace(bench.measurements.gradient("resnet18"), memory=None, **changes)


def test_a_run_writes_a_page_with_a_row_for_every_contestant(
    bench: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: object
) -> None:
    monkeypatch.setattr(bench.attribution, "scene", lambda network, size: tiny)
    works = [gradient(bench), replace(bench.measurements.gradcam("tiny", "3"), memory=None)]
    monkeypatch.setattr(bench.attribution, "measurements", lambda quick: works)
    page = tmp_path / "page.md"
    bench.attribution.main(["--size", "40", "--rounds", "1", "--out", str(page)])
    text = page.read_text(encoding="utf-8")
    rows = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith(("| resnet18", "| tiny"))]
    others = [other for _, other in rows if not other[0].isdigit()]
    assert others == ["Captum", "pytorch-grad-cam", "Captum", "torchcam"]
    assert len(rows) - len(others) == 2, "one row in forward passes for each"
    assert f"torch {torch.__version__.partition('+')[0]}" in text
    assert re.search(r"Goals reached: \d of 3\.", text)


@pytest.mark.parametrize("method", ["occlusion", "gradient", "guidedbackprop", "gradcam", "smoothgrad"])
def test_everyone_gives_the_same_result(bench: SimpleNamespace, tiny: object, method: str) -> None:
    if method not in iv.METHODS:
        pytest.skip(f"there is no method {method}")
    m = bench.measurements
    work = {
        "occlusion": m.occlusion("resnet18", (8, 8)),
        "gradient": m.gradient("resnet18"),
        "guidedbackprop": m.guided("resnet18"),
        "gradcam": m.gradcam("resnet18", "3"),
        "smoothgrad": m.smoothgrad("resnet18"),
    }[method]
    outcome = bench.outcome.measure(replace(work, memory=None), tiny, rounds=1)
    assert not outcome.remarks
    assert set(outcome.times) == {m.OURS, m.FORWARD, *work.others}


def test_whoever_gives_another_result_is_not_timed(bench: SimpleNamespace, tiny: object) -> None:
    def wrong(scene: object) -> object:
        return lambda: 1.1 * torch.ones(1, 3, 40, 40)

    outcome = bench.outcome.measure(gradient(bench, others={"Wrong": wrong}), tiny, rounds=1)
    assert "Wrong" not in outcome.times
    assert "Wrong on resnet18 was not timed" in outcome.remarks[0]


def test_a_package_that_is_absent_is_named(bench: SimpleNamespace, tiny: object) -> None:
    def absent(scene: object) -> object:
        import no_such_package  # noqa: F401 # pyright: ignore[reportMissingImports]

        raise AssertionError

    outcome = bench.outcome.measure(gradient(bench, others={"Absent": absent}), tiny, rounds=1)
    assert outcome.remarks == ("Absent was left out: the package 'no_such_package' is not installed",)


def test_contestants_take_turns_and_the_median_counts(bench: SimpleNamespace) -> None:
    order = []

    def call(name: str, seconds: list[float]) -> object:
        def run() -> Tensor:
            order.append(name)
            time.sleep(seconds.pop(0))
            return torch.ones(1)

        return run

    times = bench.contest.race({"a": call("a", [0.0, 0.2, 0.02]), "b": call("b", [0.05, 0.05, 0.05])}, rounds=3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert times["a"].median < times["b"].median < max(times["a"].seconds)


def test_a_goal_is_reached_on_the_right_side(bench: SimpleNamespace) -> None:
    assert bench.page.at_least(3.0, 3.0) == "≥ 3 reached"
    assert bench.page.at_least(2.9, 3.0) == "≥ 3 **not reached**"
    assert bench.page.at_most(1.1, 1.15) == "≤ 1.15 reached"
    assert bench.page.at_most(1.2, 1.15) == "≤ 1.15 **not reached**"
    assert bench.page.at_most(1.2, None) == ""


@pytest.mark.slow
def test_the_peak_of_a_contestant_is_read_in_its_own_process(bench: SimpleNamespace) -> None:
    peak = bench.contest.memory_of("gradient", "resnet50", 32, "innerview")
    assert peak is None or 2**20 < peak < 2**30


def test_a_quick_run_has_fewer_windows_and_leaves_out_what_is_thorough(bench: SimpleNamespace) -> None:
    quick, full = bench.measurements.measurements(True), bench.measurements.measurements(False)
    assert {each.method for each in full} - {each.method for each in quick} == {"scorecam"}
    assert quick[0].settings["stride"] == (32, 8)
    assert full[0].settings["stride"] == (8, 8)


def test_pictures_of_the_synthesis_benchmark_are_scored_on_the_same_network(
    bench: SimpleNamespace, tiny: object
) -> None:
    s = bench.synthesis
    question = s.Question("tiny", "2", 3)
    few, many = (s._objective(tiny.net, question, s.ours(question, tiny.net)(steps)) for steps in (1, 20))
    assert many > few


@pytest.mark.parametrize(
    ("theirs", "verdict"), [(2.5, "**2.50** | ≥ 2 reached"), (1.5, "**1.50** | ≥ 2 **not reached**")]
)
def test_the_synthesis_benchmark_says_whether_its_goal_is_reached(
    bench: SimpleNamespace, theirs: float, verdict: str
) -> None:
    s, times = bench.synthesis, bench.contest.Times
    seconds = {s.OURS: times((4.0,)), s.LUCENT: times((4.0 * theirs,)), s.FORWARD: times((0.5,))}
    row = s._speed(s.Outcome(s.QUESTIONS[0], seconds, {}, {}), steps=4)
    assert row == f"| resnet50, layer2 channel 7 | 1 s | {theirs:.3g} s | {verdict} | 2.00 |"
