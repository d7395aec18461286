"""Make the pictures of the README and the gallery: `python docs/gallery.py`."""

from pathlib import Path

from matplotlib.cbook import get_sample_data

import innerview as iv

FOLDER = Path(__file__).with_name("images")
PHOTOGRAPH = get_sample_data("grace_hopper.jpg", asfileobj=False)


def hero() -> None:
    """Every method of the catalogue on one photograph."""
    net = iv.load("builtin/tiny-resnet")
    image = net.prepare(PHOTOGRAPH)
    why = iv.Logit("military uniform")
    iv.save([kind()(net, image, why) for kind in iv.METHODS.values()], FOLDER / "hero.png")


def classes() -> None:
    """One method asked about three classes, on one scale."""
    net = iv.load("builtin/tiny-resnet")
    image = net.prepare(PHOTOGRAPH)
    names = ("military uniform", "bow tie", "sunglasses")
    iv.save([iv.CAM()(net, image, iv.Logit(name)) for name in names], FOLDER / "classes.png", shared_scale=True)


if __name__ == "__main__":
    hero()
    classes()
