"""`innerview demo`: something to watch without a network or an image of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import innerview as iv

from .flags import NUMBER, Out, Seed
from .flowing import flowing
from .output import FILMS, output, write, wrote
from .terminal import tell

if TYPE_CHECKING:
    from ..recording.perceptron import Trained


@flowing
def demo(  # noqa: PLR0913 - every option is a parameter
    name: Literal["hidden-units"],  # noqa: ARG001 - so far there is one
    /,
    *,
    data: Literal["moons", "circles", "spirals"] = "moons",
    units: Annotated[int, NUMBER] = 20,
    iterations: Annotated[int | None, NUMBER] = None,
    seed: Seed = 0,
    out: Out = None,
) -> None:
    """Watch a small network being trained.

    hidden-units trains a perceptron with one hidden layer on points of two classes, and writes how the line of
    each of its units moves: an animation, and a contact sheet beside it.

    Args:
        name: which demonstration: hidden-units.
        data: the points: two moons, one circle inside another, or two spirals.
        units: how many hidden units.
        iterations: how many steps of training; by default as many as the data need.
        out: the animation, .gif, or .mp4 with the extra "video"; by default innerview-demo-DATA.gif in the current
            folder. The contact sheet has the same name and ends in .png.
    """
    from ..recording.perceptron import train

    out = output(out, f"demo-{data}", endings=FILMS)
    with iv.progress_bar():
        trained = train(data, units=units, iterations=iterations, seed=seed)
        _write(trained, out)
    tell(f"{trained.accuracy:.1%} of new points are told apart after {trained.recording.iterations[-1]} iterations")
    wrote(out, out.with_suffix(".png"))


def _write(trained: "Trained", out: Path) -> None:
    """The animation of all snapshots, and a sheet of those up to the lecture's last iteration and of the end."""
    from ..recording.schedule import LECTURE

    recording = trained.recording
    write(recording, out)
    chosen = [each for each in recording.iterations if each in LECTURE or each == recording.iterations[-1]]
    write(recording.at(chosen), out.with_suffix(".png"))
