"""Train the built-in LeNet on handwritten digits: ``python recipes/lenet.py --data FOLDER --out FOLDER``."""

import gzip
from pathlib import Path

import cyclopts
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.datasets import MNIST

from innerview.builtin.networks import LeNet
from training import Card, Images, Normalisation, Plan, Run, Views, deliver, train

NORMALISE = Normalisation(mean=(0.1307,), std=(0.3081,))
HELD_OUT = 2000


def main(out: Path, data: Path | None = None, epochs: int = 40, seed: int = 0) -> None:
    """Train on 8,000 of the 10,000 digits of the MNIST test split, and measure on the other 2,000.

    Run it again to go on after an interruption.

    Parameters
    ----------
    out
        Folder for the checkpoint, the weights and the description.
    data
        Folder with ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``; downloaded if not given.
    epochs
        How often each digit is seen.
    seed
        Seed of the weights, of the order and of the augmentation; the split is always the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # so small a network waits longer for a second thread than it gains from it
    torch.manual_seed(seed)
    known, held_out = split(read(data) if data else download(out))
    plan = Plan(epochs, seed, batch=64, rate=0.05, cooldown=max(1, epochs // 2))
    views = Views(known, shifted_and_turned, NORMALISE)
    net = train(Run(LeNet(), plan), views, out / "lenet.checkpoint.pt")
    deliver(net, held_out, card(plan), out)


def read(folder: Path) -> Images:
    """The digits and labels in the two files of the MNIST test split."""
    pixels, labels = (_idx(folder / f"t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    return Images(pixels, labels.long())


def _idx(file: Path) -> Tensor:
    content = bytearray(gzip.decompress(file.read_bytes()))
    dimensions = content[3]
    shape = [int.from_bytes(content[4 * k : 4 * k + 4]) for k in range(1, dimensions + 1)]
    values = torch.frombuffer(content, dtype=torch.uint8, offset=4 + 4 * dimensions).view(shape)
    return values[:, None] if dimensions == 3 else values


def download(folder: Path) -> Images:
    """The same digits, fetched by torchvision."""
    digits = MNIST(str(folder), train=False, download=True)
    return Images(digits.data[:, None], digits.targets)


def split(digits: Images) -> tuple[Images, Images]:
    """The digits to learn from and those held out; the same ones whatever the training seed."""
    order = torch.randperm(len(digits.labels), generator=torch.Generator().manual_seed(0))
    parts = order[HELD_OUT:], order[:HELD_OUT]
    known, held_out = (Images(digits.pixels[part], digits.labels[part]) for part in parts)
    return known, held_out


def shifted_and_turned(pixels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Each digit turned by up to 14°, scaled and slanted a little, and moved by up to two pixels."""
    turn, slant, zoom, right, down = (torch.rand(5, len(pixels), generator=generator) * 2 - 1).unbind()
    turn, slant, zoom = 0.25 * turn, 0.15 * slant, 1 + 0.12 * zoom
    rows = [
        [zoom * turn.cos(), zoom * (slant - turn.sin()), 0.15 * right],
        [zoom * turn.sin(), zoom * turn.cos(), 0.15 * down],
    ]
    transform = torch.stack([torch.stack(row, -1) for row in rows], -2)
    grid = functional.affine_grid(transform, [len(pixels), 1, size, size], align_corners=False)
    return functional.grid_sample(pixels, grid, align_corners=False)


def card(plan: Plan) -> Card:
    """What a user of the network has to know about it."""
    return Card(
        name="lenet",
        size=28,
        normalise=NORMALISE,
        labels=[str(digit) for digit in range(10)],
        data="8,000 digits of the MNIST test split",
        held_out="2,000 other digits of the MNIST test split, drawn by a seeded permutation",
        recipe="recipes/lenet.py",
        source="trained from scratch; MNIST: LeCun, Cortes and Burges, from NIST special databases 1 and 3",
        plan=plan,
        more={},
    )


if __name__ == "__main__":
    cyclopts.run(main)
