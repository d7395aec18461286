"""`innerview predict`: what the network sees in each image."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import innerview as iv

from ..progress import steps
from ..settings import Count, checked
from .endings import ending
from .flags import NUMBER, Photographs
from .flowing import flowing
from .images import readable
from .options import DEFAULT, NetworkOptions
from .terminal import Column, on_terminal, table

Ranking = tuple[Path, "Sequence[iv.Prediction]"]

_AT_ONCE = 32


@flowing
def predict(
    images: Photographs,
    /,
    *,
    top: Annotated[int, NUMBER] = 5,
    net: NetworkOptions = DEFAULT,
) -> int:
    """The most probable classes of each image.

    In a terminal the probabilities are in per cent; for another program there is one line for each class,
    with the probability in 0-1 and the parts separated by tabs.

    Args:
        top: how many classes to show for each image.
    """
    checked("--top", top, Count)
    network = net.load()
    with iv.progress_bar():
        rankings = _rankings(network, images, top)
    _show(rankings)
    return ending(len(rankings), len(images))


def _rankings(net: "iv.Network", images: Sequence[Path], top: int) -> list[Ranking]:
    """The predictions for all images that can be read, a handful of images at once."""
    import torch

    rankings: list[Ranking] = []
    with steps("predicting", len(images)) as advance:
        for start in range(0, len(images), _AT_ONCE):
            some = images[start : start + _AT_ONCE]
            if usable := list(readable(net, some)):
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


def _for_programs(path: Path, ranking: Sequence["iv.Prediction"]) -> list[tuple[str, ...]]:
    return [(str(path), each.label, str(each.index), f"{each.probability:.6g}") for each in ranking]


def _for_people(path: Path, ranking: Sequence["iv.Prediction"]) -> list[tuple[str, ...]]:
    """The image's name stands only beside its first class."""
    names = [path.name, *[""] * len(ranking)]
    return [
        (name, each.label, str(each.index), f"{each.probability:.1%}")
        for name, each in zip(names, ranking, strict=False)
    ]
