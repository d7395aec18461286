"""Make the gallery's pictures of networks in training: `python docs/gallery_training.py`.

With a recording of your own, such as that of a network's recipe, a contact sheet and an animation of it:

    python docs/gallery_training.py --recording run/ --probe 0 --out tiny-resnet-filters
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import innerview as iv
from innerview.recording.perceptron import train
from innerview.recording.schedule import LECTURE

FOLDER = Path(__file__).with_name("images")


def perceptrons() -> None:
    """The lines of 20 hidden units at the lecture's iterations and at the end, and as an animation."""
    for data in ("moons", "circles", "spirals"):
        trained = train(data)
        recording, last = trained.recording, trained.recording.iterations[-1]
        iv.save(recording.at({*LECTURE, last}), FOLDER / f"hidden-units-{data}.png", dpi=100)
        print(f"{data}: {trained.accuracy:.1%} after {last} iterations")
    iv.animate(train("moons").recording, FOLDER / "hidden-units-moons.gif")


def recorded(options: argparse.Namespace) -> None:
    """A contact sheet and an animation of a recording."""
    recording = iv.open_recording(options.recording)
    iv.save(recording, FOLDER / f"{options.out}.png", probe=options.probe, dpi=100)
    iv.animate(recording, FOLDER / f"{options.out}.gif", probe=options.probe)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recording", type=Path, help="a folder that a Recorder wrote to")
    parser.add_argument("--probe", type=int, default=0)
    parser.add_argument("--out", default="training")
    options = parser.parse_args(arguments)
    if options.recording:
        recorded(options)
    else:
        perceptrons()


if __name__ == "__main__":
    main()
