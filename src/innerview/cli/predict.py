"""`innerview predict`: what the network sees in each image."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import Count, checked
from .flowing import flowing
from .options import BUILTIN, NetworkOptions
from .pictures import prepared
from .terminal import Column, on_terminal, table

if TYPE_CHECKING:
    from ..network.network import Network, Prediction

Ranking = tuple[Path, "Sequence[Prediction]"]

_AT_ONCE = 32


@flowing
def predict(
    images: list[Path],
    /,
    *,
    top: int = 5,
    net: NetworkOptions = BUILTIN,
) -> int:
    """The most probable classes of each image.

    In a terminal the probabilities are in per cent; for another program there is one line for each class,
    with the probability in 0-1 and the parts separated by tabs.

    Args:
        images: photographs: JPEG, PNG, WebP, BMP or GIF.
        top: how many classes to show for each image.
    """
    from ..progress import progress_bar

    checked("--top", top, Count)
    network = net.load()
    with progress_bar():
        rankings = _rankings(network, images, top)
    _show(rankings)
    return 0 if len(rankings) == len(images) else 2


def _rankings(net: "Network", images: Sequence[Path], top: int) -> list[Ranking]:
    """The predictions for all images that can be read, a handful of images at once."""
    import torch

    from ..progress import steps

    rankings: list[Ranking] = []
    with steps("predicting", len(images)) as advance:
        for start in range(0, len(images), _AT_ONCE):
            some = images[start : start + _AT_ONCE]
            if usable := list(prepared(net, some)):
                paths, inputs = zip(*usable, strict=True)
                rankings += zip(paths, net.predict(torch.cat(inputs), top), strict=True)
            advance(len(some))
    return rankings


def _show(rankings: Sequence[Ranking]) -> None:
    shown = _for_people if on_terminal() else _for_programs
    columns = [
        Column("image", style="bold"),
        Column("class"),
        Column("index", "right"),
        Column("probability", "right"),
    ]
    if rankings:
        table(columns, [row for path, ranking in rankings for row in shown(path, ranking)])


def _for_programs(path: Path, ranking: Sequence["Prediction"]) -> list[tuple[str, ...]]:
    return [(str(path), each.label, str(each.index), f"{each.probability:.6g}") for each in ranking]


def _for_people(path: Path, ranking: Sequence["Prediction"]) -> list[tuple[str, ...]]:
    """The image's name stands only beside its first class."""
    names = [path.name, *[""] * len(ranking)]
    return [
        (name, each.label, str(each.index), f"{each.probability:.1%}")
        for name, each in zip(names, ranking, strict=False)
    ]
