"""Make the pictures of the README and the gallery: `python docs/gallery.py`.

With photographs and an ImageNet network of your own, also those of the lecture:

    python docs/gallery.py --network torchvision/vgg16 --photographs elephant.jpg hippopotamus.jpg \
        --classes "African elephant" hippopotamus --out lecture
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.cbook import get_sample_data
from sklearn.datasets import load_digits

import innerview as iv

FOLDER = Path(__file__).with_name("images")
PHOTOGRAPH = get_sample_data("grace_hopper.jpg", asfileobj=False)


def hero() -> None:
    """Six ways of looking at one photograph."""
    net = iv.load("builtin/tiny-resnet")
    methods = [iv.GuidedBackprop(), iv.IntegratedGradients(), iv.LRP(), iv.GradCAM(), iv.Occlusion(), iv.RISE()]
    with iv.sharing(net, PHOTOGRAPH) as image:
        iv.save([method(net, image, iv.Logit("military uniform")) for method in methods], FOLDER / "hero.png")


def everything() -> None:
    """Every method of the catalogue that fits the network, on one photograph."""
    net = iv.load("builtin/tiny-resnet")
    with iv.sharing(net, PHOTOGRAPH) as image:
        iv.save(_all(net, image, iv.Logit("military uniform")), FOLDER / "everything.png")


def classes() -> None:
    """One method asked about three classes, on one scale."""
    net = iv.load("builtin/tiny-resnet")
    names = ("military uniform", "bow tie", "sunglasses")
    with iv.sharing(net, PHOTOGRAPH) as image:
        maps = [iv.CAM()(net, image, iv.Logit(name)) for name in names]
    iv.save(maps, FOLDER / "classes.png", shared_scale=True)


def relus() -> None:
    """Plain gradient, deconvolution and guided back-propagation, in a network of convolutions and max-pooling."""
    net = iv.load("builtin/lenet")
    digits = load_digits()
    chosen = [int(np.flatnonzero(digits.target == digit)[0]) for digit in (3, 5, 8)]
    pixels = np.pad(digits.images[chosen] / 16 * 255, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    with iv.sharing(net, list(pixels)) as images:
        methods = [iv.Gradient(), iv.Deconvolution(), iv.GuidedBackprop(), iv.IntegratedGradients(), iv.LRP()]
        iv.save([method(net, images) for method in methods], FOLDER / "relus.png", style="map")


def lecture(options: argparse.Namespace) -> None:
    """Several animals and several classes, by several methods; and the three ways back through a ReLU."""
    net = iv.load(options.network, weights=options.weights)
    questions = [iv.Logit(name) for name in options.classes]
    options.out.mkdir(parents=True, exist_ok=True)
    with iv.sharing(net, options.photographs) as images:
        methods = [iv.GradCAM(), iv.Occlusion(), iv.GuidedGradCAM()]
        maps = [method(net, images, why) for method in methods for why in questions]
        iv.save(maps, options.out / "classes.png")
        ways = [iv.Gradient(), iv.SmoothGrad(), iv.Deconvolution(), iv.GuidedBackprop()]
        iv.save([method(net, images) for method in ways], options.out / "relus.png", style="map")
        iv.save(_all(net, images, None), options.out / "everything.png")


def _all(net: iv.Network, images: object, why: iv.Objective | None) -> list[iv.Attribution]:
    found = []
    for kind in iv.METHODS.values():
        try:
            found.append(kind()(net, images, why))
        except iv.MethodError as error:
            print(f"left out: {error}")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--network", help="an ImageNet network, as in innerview explain")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--photographs", nargs="+", type=Path)
    parser.add_argument("--classes", nargs="+", default=["African elephant", "hippopotamus"])
    parser.add_argument("--out", type=Path, default=Path("lecture"))
    options = parser.parse_args(arguments)
    if options.network:
        lecture(options)
        return
    for picture in (hero, everything, classes, relus):
        picture()


if __name__ == "__main__":
    main()
