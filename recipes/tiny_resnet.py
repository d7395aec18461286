"""Train the built-in tiny-resnet: ``python recipes/tiny_resnet.py --data FOLDER_OR_ARCHIVE --out FOLDER``."""

import tarfile
from functools import partial
from pathlib import Path

import cyclopts
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import pil_to_tensor

import innerview as iv
from innerview.builtin.networks import TinyResNet
from training import Card, Images, Normalisation, Plan, Run, Views, deliver, replacing, train

NORMALISE = Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
SIZE = 64


def main(  # noqa: PLR0913 - every option is a parameter
    data: Path, out: Path, *, epochs: int = 25, seed: int = 0, threads: int = 2, snapshots: Path | None = None
) -> None:
    """Train on the photographs in ``train/`` and measure on those in ``val/``, one folder per class.

    Run it again to go on after an interruption.

    Parameters
    ----------
    data
        Folder with ``train/``, ``val/`` and ``classes.tsv``, or a tar archive of it.
    out
        Folder for the decoded images, the checkpoint, the weights and the description.
    epochs
        How often each photograph is seen.
    seed
        Seed of the weights, of the order and of the augmentation.
    threads
        Processor threads; with another number, sums round differently and so does the result.
    snapshots
        Folder for the kernels of the first layer as they are on the way: ``iv.animate(iv.open_recording(folder), …)``.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    folder = unpacked(data, out) if data.is_file() else data
    known, held_out = (decoded(folder / part, out / f"tiny-resnet.{part}.pt") for part in ("train", "val"))
    plan = Plan(epochs, seed, warmup=1, halving=7, cooldown=14, size=40, growth=((48, 3), (SIZE, -2)))
    net = TinyResNet().to(memory_format=torch.channels_last)
    views = Views(known, cropped_and_lit, NORMALISE)
    follow = partial(iv.Recorder, net, [iv.FilterImages("stem.conv")], out=snapshots) if snapshots else None
    average = train(
        Run(net, plan), views, out / "tiny-resnet.checkpoint.pt", follow and (lambda done: follow(start=done))
    )
    deliver(average, held_out, card(folder, plan), out)


def unpacked(archive: Path, out: Path) -> Path:
    """The folder with the content of the archive, which may write nowhere else."""
    folder = out / "images"
    if not folder.exists():
        partial = out / "images.partial"
        with tarfile.open(archive) as tar:
            tar.extractall(partial, filter="data")
        partial.rename(folder)
    return folder


def decoded(folder: Path, cache: Path) -> Images:
    """All images of the folder as bytes, decoded once."""
    if not cache.exists():
        files = ImageFolder(str(folder), transform=pil_to_tensor)
        images = (files[index] for index in track(range(len(files)), f"decoding {folder.name}"))
        pixels, labels = zip(*images, strict=True)
        with replacing(cache) as temporary:
            torch.save({"pixels": torch.stack(pixels), "labels": torch.tensor(labels)}, temporary)
    return Images(**torch.load(cache, weights_only=True))


def cropped_and_lit(pixels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """A random part of each image, mirrored or not, in a random light."""

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(len(pixels), generator=generator) * (high - low) + low

    # an object in a cut-out looks larger than in the whole image, unless the cut-out is also made smaller
    smallest = 0.35 if size < SIZE else 0.7
    side, stretch = uniform(smallest, 1).sqrt(), uniform(-0.14, 0.14).exp()
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    right, down = (1 - width) * uniform(-1, 1), (1 - height) * uniform(-1, 1)
    mirrored, none = uniform(-1, 1).sign(), torch.zeros(len(pixels))
    rows = [[width * mirrored, none, right], [none, height, down]]
    crops = torch.stack([torch.stack(row, -1) for row in rows], -2)
    grid = functional.affine_grid(crops, [len(pixels), 3, size, size], align_corners=False)
    views = functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    brightness, contrast = (uniform(0.75, 1.25).view(-1, 1, 1, 1) for _ in range(2))
    mean = views.mean((1, 2, 3), keepdim=True)
    return (((views - mean) * contrast + mean) * brightness).clamp(0, 1)


def card(folder: Path, plan: Plan) -> Card:
    """What a user of the network has to know about it."""
    names = dict(line.split("\t") for line in (folder / "classes.tsv").read_text().splitlines())
    synsets = sorted(names)
    labels = [names[synset].split(",")[0].strip() for synset in synsets]
    if len(set(labels)) != len(labels):
        raise SystemExit(f"{folder / 'classes.tsv'} gives two classes the same first name")
    return Card(
        name="tiny-resnet",
        size=SIZE,
        normalise=NORMALISE,
        labels=labels,
        data="35,000 photographs: the train split of 70 classes of Tiny ImageNet",
        held_out="the val split of the same classes",
        recipe="recipes/tiny_resnet.py",
        source="trained from scratch; Tiny ImageNet is a 64×64 subset of ImageNet (Deng et al. 2009), "
        "whose images are for non-commercial research and teaching; none is part of this package",
        plan=plan,
        more={"synsets": synsets},
    )


if __name__ == "__main__":
    cyclopts.run(main)
