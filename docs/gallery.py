"""Make the pictures of the README and the gallery: `python docs/gallery.py`.

With photographs and an ImageNet network of your own, also those of the lecture:

    python docs/gallery.py --network torchvision/vgg16 --photographs elephant.jpg hippopotamus.jpg \
        --classes "African elephant" hippopotamus --out lecture
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import innerview as iv

FOLDER = Path(__file__).with_name("images")
CAT, COFFEE = "sample:cat", "sample:coffee"


def hero() -> None:
    """Six ways of looking at one photograph."""
    net = iv.load()
    methods = [iv.SmoothGrad(), iv.GuidedBackprop(), iv.LRP(), iv.GradCAM(), iv.Occlusion(window=32), iv.RISE()]
    with iv.sharing(net, COFFEE) as image:
        iv.save([method(net, image) for method in methods], FOLDER / "hero.webp", style="map")


def everything() -> None:
    """Every method of the catalogue that fits the network, on one photograph."""
    net = iv.load()
    with iv.sharing(net, COFFEE) as image:
        iv.save(_all(net, image, None), FOLDER / "everything.webp", style="map")


def classes() -> None:
    """One method asked about classes that compete, and about what tells them apart."""
    net = iv.load()
    tiger, egyptian, tabby = (iv.Logit(name) for name in ("tiger cat", "Egyptian cat", "tabby"))
    with iv.sharing(net, CAT) as image:
        maps = [iv.CAM()(net, image, why) for why in (tiger, egyptian, tabby, tiger - egyptian, tabby - egyptian)]
    iv.save(maps, FOLDER / "classes.webp")


def relus() -> None:
    """Plain gradient, deconvolution and guided back-propagation: of photographs, and of digits."""
    net = iv.load()
    with iv.sharing(net, CAT) as image:
        methods = [iv.Gradient(), iv.SmoothGrad(), iv.Deconvolution(), iv.GuidedBackprop(), iv.GuidedGradCAM()]
        iv.save([method(net, image) for method in methods], FOLDER / "relus.webp", style="map")
    lenet = iv.load("builtin/lenet")
    digits = load_digits()
    chosen = [int(np.flatnonzero(digits.target == digit)[0]) for digit in (3, 5, 8)]
    pixels = np.pad(digits.images[chosen] / 16 * 255, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    with iv.sharing(lenet, list(pixels)) as images:
        methods = [iv.Gradient(), iv.Deconvolution(), iv.GuidedBackprop(), iv.IntegratedGradients(), iv.LRP()]
        iv.save([method(lenet, images) for method in methods], FOLDER / "relus-digits.webp", style="map")


def kernels() -> None:
    """What the first layers learned: digits, photographs, and pairs of channels as rows and columns."""
    net, lenet, resnet = iv.load(), iv.load("builtin/lenet"), iv.load("builtin/tiny-resnet")
    iv.save(iv.filters(lenet, "conv1"), FOLDER / "lenet-conv1.webp")
    iv.save(iv.filters(lenet, "conv2"), FOLDER / "lenet-conv2.webp")
    iv.save(iv.filters(net), FOLDER / "stem.webp")
    iv.save(iv.filters(resnet, "layer2.0.conv1", outputs=20, inputs=15), FOLDER / "tiny-resnet-pairs.webp")
    iv.save(iv.weight_distributions(resnet), FOLDER / "tiny-resnet-weights.webp")


def inside() -> None:
    """What happens inside for a digit and for a photograph, with trained and with random weights."""
    lenet = iv.load("builtin/lenet")
    digit = np.pad(load_digits().images[3] / 16 * 255, 2).astype(np.uint8)
    iv.save(iv.activations(lenet, digit, ["relu1", "relu2", "fc3"]), FOLDER / "lenet-digit.webp", channels="first")
    iv.save(iv.activations(iv.load(), CAT), FOLDER / "inside.webp", pixel=(82, 52), dpi=120)
    alexnet = iv.load("torchvision/alexnet", weights="random")
    iv.save(iv.activations(alexnet, CAT), FOLDER / "alexnet-random.webp", channels="first")


def compared() -> None:
    """Which channels notice that an eye is covered."""
    net = iv.load()
    image = net.prepare(CAT)
    covered = image.clone()
    covered[:, :, 55:110, 20:85] = 0
    iv.save(iv.compare(net, image, covered, ["blocks.0", "blocks.2", "head"]), FOLDER / "covered.webp")


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
        iv.save(iv.activations(net, images), options.out / "inside.png")
    iv.save(iv.filters(net), options.out / "kernels.png")
    iv.save(iv.weight_distributions(net), options.out / "weights.png")


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
    for picture in (hero, everything, classes, relus, kernels, inside, compared):
        picture()


if __name__ == "__main__":
    main()
