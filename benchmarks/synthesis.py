"""What a step of synthesis costs, and how far it leads: `python benchmarks/synthesis.py --out docs/synthesis-cost.md`.

Beside Lucent (`pip install "innerview[lucent]"`) and the bare forward pass, which take turns with innerview; half an
hour on two cores.
"""

import argparse
import copy
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import innerview as iv
from contest import Times, peak, race
from innerview.objectives.scoring import score
from innerview.results import versions
from scene import THREADS, Scene, scene

SIZE = 224
LONG = 4  # times as many steps: does the memory grow?
OURS, LUCENT, FORWARD = "innerview", "Lucent", "bare forward pass"
Draw = Callable[[int], Tensor]
"""Takes so many steps and gives the picture, [1, 3, row, column] in 0–1."""


@dataclass(frozen=True)
class Question:
    """One unit of one network; with a position, one neuron."""

    network: str
    layer: str
    unit: int
    position: tuple[int, int] | None = None
    faster: float | None = None

    @property
    def objective(self) -> iv.Objective:
        """The question as innerview asks it."""
        if self.position is None:
            return iv.Channel(self.layer, self.unit)
        return iv.Neuron(self.layer, self.unit, self.position)

    @property
    def words(self) -> str:
        """The network and the unit."""
        return f"{self.network}, {self.layer} channel {self.unit}" + (f" at {self.position}" if self.position else "")


QUESTIONS = (
    Question("resnet50", "layer2", 7, faster=2.0),
    Question("vgg16", "features.14", 7, faster=2.0),
    Question("vgg16", "features.14", 7, position=(28, 28)),
)


def drawers(question: Question, stage: Scene) -> dict[str, Draw]:
    """Both, with the recipe of Lucid that both have."""
    return {OURS: ours(question, stage.net), LUCENT: lucent(question, stage.theirs)}


def ours(question: Question, net: iv.Network) -> Draw:
    """The public call."""
    return lambda steps: iv.synthesize(net, question.objective, recipe=iv.LUCID, steps=steps).pixels


def lucent(question: Question, module: nn.Module) -> Draw:
    """Lucent's `render_vis`, on a copy for each call: it leaves hooks and gradients in the network."""
    from lucent.optvis import objectives, param, render

    layer = question.layer.replace(".", "_")
    asked = objectives.channel(layer, question.unit)
    if question.position is not None:
        row, column = question.position
        asked = objectives.neuron(layer, question.unit, x=column, y=row)

    def draw(steps: int) -> Tensor:
        torch.manual_seed(0)
        np.random.seed(0)
        (image,) = render.render_vis(
            copy.deepcopy(module),
            asked,
            param_f=lambda: param.image(SIZE),
            thresholds=(steps,),
            show_image=False,
            progress=False,
        )
        return torch.from_numpy(image).permute(0, 3, 1, 2)

    return draw


@dataclass(frozen=True)
class Outcome:
    """What was measured about one question: seconds, the objective that the pictures reach, and peaks in bytes."""

    question: Question
    times: dict[str, Times]
    reached: dict[str, float]
    peaks: dict[str, list[int]]


def measure(question: Question, steps: int, far: int, rounds: int) -> Outcome:
    """Take turns at `steps` steps; then compare the pictures after `far` of them, and the memory."""
    stage = scene(question.network, SIZE)
    draw = drawers(question, stage)
    calls = {name: (lambda each=each: each(steps)) for name, each in draw.items()} | {FORWARD: stage.forward}
    times = race(calls, rounds)
    reached = {name: _objective(stage.net, question, each(far)) for name, each in draw.items()}
    peaks = {name: [_peak(question, name, count) for count in (steps, LONG * steps)] for name in draw}
    return Outcome(question, times, reached, peaks)


def _objective(net: iv.Network, question: Question, picture: Tensor) -> float:
    """Of the picture as it stands, on the network of innerview."""
    return float(score(net, net.preprocess.normalise(picture.float()), question.objective))


def _peak(question: Question, name: str, steps: int) -> int:
    """In a process of its own."""
    command = [sys.executable, __file__, "--peak", str(QUESTIONS.index(question)), name, str(steps)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603 - our own script


def page(outcomes: Sequence[Outcome], steps: int, far: int) -> str:
    """The tables, with what they were measured on."""
    libraries = ", ".join(f"{name} {number}" for name, number in versions().items())
    head = f"""# What synthesis costs

Pictures of {SIZE} × {SIZE} for one unit, by the recipe of Lucid, which innerview (`iv.LUCID`) and Lucent both follow;
torchvision's networks with random weights. Both start from noise of their own. Lucent runs the whole network at every
step and computes the gradients of all weights; innerview stops at the layer, computes only the channel asked for, and
of one position only the pixels that it sees. innerview's network sees {SIZE + 12} × {SIZE + 12} pixels at each step,
Lucent's {SIZE + 24} × {SIZE + 24} and more or less by the scale.

Measured on {datetime.now(UTC):%Y-%m-%d} on a {platform.machine()} CPU with {THREADS} threads, {libraries},
torch-lucent {metadata.version("torch-lucent")}, by `python benchmarks/synthesis.py --out docs/synthesis-cost.md`. Times
are medians of rounds in which all take turns, each with {steps} steps from start to finished picture; a forward pass is
that of one image of {SIZE} × {SIZE}. The objective is that of the picture as it stands, without frame or shift, after
{far} steps. Peaks are those of a fresh process above the loaded network, after {steps} and after {LONG * steps} steps:
of a step nothing is kept but its objective, and what differs is what the system's allocator holds on to.
"""
    columns = "| question | innerview, a step | Lucent, a step | times faster | goal | innerview, forward passes |"
    rows = [columns, "|" + " --- |" * 6, *(_speed(each, steps) for each in outcomes)]
    more = ["| question | objective, innerview | Lucent | peak, innerview | Lucent |", "|" + " --- |" * 5]
    more += [_quality(each) for each in outcomes]
    return "\n".join([head, *rows, "", *more, ""])


def _speed(outcome: Outcome, steps: int) -> str:
    mine, theirs = (outcome.times[name].median / steps for name in (OURS, LUCENT))
    passes = mine / outcome.times[FORWARD].median
    goal = outcome.question.faster
    verdict = "" if goal is None else f"≥ {goal:g} {'reached' if theirs / mine >= goal else '**not reached**'}"
    seconds = f"{mine:.3g} s | {theirs:.3g} s | **{theirs / mine:.2f}**"
    return f"| {outcome.question.words} | {seconds} | {verdict} | {passes:.2f} |"


def _quality(outcome: Outcome) -> str:
    reached = " | ".join(f"{outcome.reached[name]:.4g}" for name in (OURS, LUCENT))
    peaks = " | ".join(", ".join(f"{each / 2**20:.0f} MiB" for each in outcome.peaks[name]) for name in (OURS, LUCENT))
    return f"| {outcome.question.words} | {reached} | {peaks} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("synthesis-cost.md"), help="where the page goes")
    parser.add_argument("--steps", type=int, default=24, help="steps of each timed run")
    parser.add_argument("--far", type=int, default=64, help="steps before the objectives are compared")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak", nargs=3, metavar=("QUESTION", "WHO", "STEPS"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    if options.peak:
        number, name, steps = options.peak
        question = QUESTIONS[int(number)]
        draw = drawers(question, scene(question.network, SIZE))[name]
        draw(1)
        print(peak(lambda: draw(int(steps))))
        return
    outcomes = []
    for question in QUESTIONS:
        print(f"{question.words} …", flush=True)
        outcomes.append(measure(question, options.steps, options.far, options.rounds))
        options.out.write_text(page(outcomes, options.steps, options.far), encoding="utf-8")


if __name__ == "__main__":
    main()
