"""Make the gallery's pictures of what networks look for: `python docs/gallery_synthesis.py`.

With the ImageNet weights of timm's mobilenetv2_100 in a file, also those of that network, which take most of an hour
on two cores:

    python docs/gallery_synthesis.py --mobilenetv2 mobilenetv2_imagenet.safetensors
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.cbook import get_sample_data
from sklearn.datasets import load_sample_image

import innerview as iv

FOLDER = Path(__file__).with_name("images")
PHOTOGRAPH = get_sample_data("grace_hopper.jpg", asfileobj=False)
CLASSES = (
    "goldfish",
    "jellyfish",
    "African elephant",
    "golden retriever",
    "monarch",
    "castle",
    "school bus",
    "sports car",
    "espresso",
    "daisy",
)
SMALL = ("goldfish", "orange", "monarch", "tarantula", "school bus", "brown bear")
RECIPES = {"clear": iv.CLEAR, "lucid": iv.LUCID, "lecture": iv.LECTURE, "maco": iv.MACO}
STEPS = 128
DPI = 90


def looked_for() -> None:
    """The pictures that six classes answer to most, and how two of them come about."""
    net = iv.load("builtin/tiny-resnet")
    iv.save(iv.synthesize(net, [iv.Logit(name) for name in SMALL]), FOLDER / "looked-for.png", dpi=DPI)
    film = iv.synthesize(net, [iv.Logit(name) for name in SMALL[1:3]], snapshots=range(8, 257, 8))
    iv.animate(film, FOLDER / "looked-for.gif", fps=8)


def channels() -> None:
    """Six channels of each stage."""
    net = iv.load("builtin/tiny-resnet")
    asked = [iv.Channel(layer, channel) for layer in ("layer1", "layer2", "layer3") for channel in range(6)]
    iv.save(iv.synthesize(net, asked), FOLDER / "tiny-resnet-channels.png", dpi=DPI)


def edges() -> None:
    """The lecture's recipe with its prior against edges at all scales, and without."""
    net = iv.load()
    asked = [iv.Logit(name) for name in ("goldfish", "orange", "monarch", "school bus")]
    for name, recipe in {"edges": iv.LECTURE, "plain": replace(iv.LECTURE, priors=())}.items():
        made = iv.synthesize(net, asked, recipe=recipe)
        iv.save(made, FOLDER / f"lecture-{name}.webp", across=4, dpi=112)  # a pixel for a pixel


def position() -> None:
    """What the network sees at the position that counts most, and in groups of channels."""
    net = iv.load("builtin/tiny-resnet")
    iv.save(iv.semantic_dictionary(net, PHOTOGRAPH, "layer2"), FOLDER / "dictionary.png", dpi=DPI)


def by_depth(net: iv.Network) -> None:
    """Six channels of each of five layers."""
    layers = ("blocks.1.1", "blocks.2.2", "blocks.3.3", "blocks.4.2", "blocks.5.2")
    asked = [iv.Channel(layer, channel) for layer in layers for channel in range(6)]
    found = iv.synthesize(net, asked, canvas=iv.Fourier(128, decay=1.5), steps=STEPS)
    iv.save(found, FOLDER / "mobilenetv2-channels.png", dpi=DPI)


def presets(net: iv.Network) -> None:
    """Ten classes by each recipe."""
    asked = [iv.Logit(name) for name in CLASSES]
    for name, recipe in RECIPES.items():
        found = iv.synthesize(net, asked, recipe=recipe, steps=STEPS)
        print(name, [round(score, 1) for score in found.scores.tolist()])
        iv.save(found, FOLDER / f"mobilenetv2-classes-{name}.png", dpi=DPI)


def dreamt(net: iv.Network) -> None:
    """A photograph in which the network sees more of what it sees already."""
    photograph = net.preprocess.normalise(_pixels("china.jpg"))
    found = iv.dream(net, photograph, iv.LayerEnergy("blocks.4.2"), octaves=4)
    iv.save(found, FOLDER / "mobilenetv2-dream.png", dpi=200)


def seen_by_layer(net: iv.Network) -> None:
    """A photograph as a layer sees it: a picture for each position."""
    flower = load_sample_image("flower.jpg")
    iv.save(iv.activation_grid(net, flower, "blocks.5.2"), FOLDER / "mobilenetv2-grid.png", dpi=DPI)
    iv.save(iv.neuron_groups(net, flower, "blocks.4.2", steps=STEPS), FOLDER / "mobilenetv2-groups.png", dpi=DPI)
    found = iv.semantic_dictionary(net, PHOTOGRAPH, "blocks.5.2", steps=STEPS)
    iv.save(found, FOLDER / "mobilenetv2-dictionary.png", dpi=DPI)


def judged(net: iv.Network, photographs: Path) -> None:
    """A table of what the recipes reach on the small network, with the large one as a second judge."""
    small = iv.load("builtin/tiny-resnet")
    asked = [iv.Logit(name) for name in SMALL]
    print(
        "| recipe | score | shifted and turned | rank in MobileNetV2 | spectrum, dB |\n| --- | --- | --- | --- | --- |"
    )
    for name, recipe in RECIPES.items():
        made = iv.synthesize(small, asked, recipe=recipe, starts=3)
        card = iv.score_card(small, made, asked, photographs, other=net)
        numbers = (card.scores, card.transformed, card.transfer_ranks.double(), card.spectrum_distances)
        print(f"| {name} | {' | '.join(f'{float(each.median()):.3g}' for each in numbers)} |")
    best, natural = (float(each.median()) for each in (card.best, card.natural_spectrum_distances))
    print(f"| the best photograph | {best:.3g} | | | {natural:.3g} |")


def fooled(net: iv.Network) -> None:
    """An adversarial example, and what the network answers twice as far away in random directions."""
    attacked = iv.attack(net, PHOTOGRAPH, iv.GradientAscent())
    around = iv.sphere(net, PHOTOGRAPH, attacked, samples=1000)
    print(attacked.history(0), around.ranking(0))
    iv.save(attacked, FOLDER / "mobilenetv2-fooled.png", dpi=DPI, sphere=around)


def _pixels(name: str) -> object:
    """A photograph in its own size, as [1, 3, row, column] in 0–1."""
    from torchvision.transforms.functional import to_tensor

    return to_tensor(load_sample_image(name).copy())[None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mobilenetv2", type=Path, help="its ImageNet weights, made for inputs in −1 to 1")
    parser.add_argument("--photographs", type=Path, help="a folder of them, to judge the recipes by")
    parser.add_argument("--only", nargs="+", help="only these functions of this file")
    options = parser.parse_args(arguments)
    work: dict[str, Callable[[], None]] = {each.__name__: each for each in (looked_for, channels, edges, position)}
    if options.mobilenetv2:
        half = (0.5, 0.5, 0.5)
        net = iv.load(
            "timm/mobilenetv2_100",
            weights=options.mobilenetv2,
            options={"pad_type": "same"},
            preprocess=iv.Preprocess(224, mean=half, std=half),
        )
        work |= {each.__name__: partial(each, net) for each in (by_depth, presets, dreamt, seen_by_layer, fooled)}
        if options.photographs:
            work["judged"] = partial(judged, net, options.photographs)
    for name, make in work.items():
        if not options.only or name in options.only:
            start = time.perf_counter()
            make()
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
