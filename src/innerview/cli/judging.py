"""The options that ask for a score card, and its columns in a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

import innerview as iv

from ..errors import SettingError
from .flags import FILE, FOLDER, NAME
from .flowing import flowing
from .images import readable
from .terminal import on_terminal

if TYPE_CHECKING:
    from torch import Tensor

_GROUP = Group("Score card", sort_key=2)


@Parameter(name="*", group=_GROUP)
@flowing
@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """What the pictures are compared with.

    Attributes:
        photographs: a folder of some hundred photographs; adds to the table: the share of them that each picture is
            above, how many times the best one's score it has, its score when it is shifted, resized and turned, how
            far its spectrum is from theirs in decibels, and the rank of its unit or class among all.
        judge: a second network, as for --network, which is asked whether it sees the same class.
        judge_weights: a file of its weights; by default the pretrained ones.
    """

    photographs: Annotated[Path | None, FOLDER] = None
    judge: Annotated[str | None, NAME] = None
    judge_weights: Annotated[str | None, FILE] = None

    def jury(self, net: "iv.Network") -> "Jury | None":
        """What the pictures of this network are compared with, read before they are made."""
        if self.photographs is None:
            if self.judge or self.judge_weights:
                raise SettingError("a second network judges beside photographs; add --photographs FOLDER")
            return None
        if self.judge is None:
            if self.judge_weights:
                raise SettingError("--judge-weights are those of a second network; add --judge NAME")
            return Jury(net, _photographs(net, self.photographs), None)
        other = iv.load(self.judge, weights=self.judge_weights, device=net.device)
        return Jury(net, _photographs(net, self.photographs), other)


UNJUDGED = JudgingOptions()
"""No score card."""


@dataclass(frozen=True)
class Jury:
    """The network that the pictures were made for, photographs as its input, and perhaps a second network."""

    net: "iv.Network"
    photographs: "Tensor"
    other: "iv.Network | None"

    def card(self, made: "iv.Synthesis", asked: Sequence["iv.Objective"]) -> "iv.ScoreCard":
        """How these pictures, made for these questions, compare."""
        return iv.score_card(self.net, made, asked, self.photographs, other=self.other)


def judged(card: "iv.ScoreCard") -> dict[str, list[str]]:
    """The columns of the table: their titles and cells, one cell for each picture."""
    person = on_terminal()
    form, share = (".3g", ".0%") if person else (".6g", ".6g")
    ranks = _ranks("rank", card.ranks, card.probabilities)
    if card.provenance.settings["other"]:
        ranks |= _ranks("judge", card.transfer_ranks, card.transfer_probabilities)
    return {
        "above": [f"{each:{share}}" for each in card.quantiles.tolist()],
        "× best": [_known(each, form) for each in card.times_best.tolist()],
        "transformed": [f"{each:{form}}" for each in card.transformed.tolist()],
        "off": [f"{each:.1f} dB" if person else f"{each:.6g}" for each in card.spectrum_distances.tolist()],
        **ranks,
    }


def beside(card: "iv.ScoreCard") -> str:
    """What the columns compare with, in a sentence."""
    count, off = card.natural.shape[1], float(card.natural_spectrum_distances.median())
    return f"beside {count} photograph{'s' * (count > 1)}, whose own spectra are {off:.1f} dB off"


def _ranks(title: str, ranks: "Tensor", probabilities: "Tensor") -> dict[str, list[str]]:
    """For a person the rank with the probability behind it, for a program a column each."""
    places = [str(each) if each else "" for each in ranks.tolist()]
    if not on_terminal():
        confidences = [_known(each, ".6g") for each in probabilities.tolist()]
        return {title: places, f"{title} confidence": confidences}
    confidences = [_known(each, ".0%") for each in probabilities.tolist()]
    return {title: [f"{one} ({other})" if other else one for one, other in zip(places, confidences, strict=True)]}


def _known(number: float, form: str) -> str:
    """The number, or nothing where there is none."""
    return "" if isnan(number) else f"{number:{form}}"


def _photographs(net: "iv.Network", folder: Path) -> "Tensor":
    """Those of the folder that can be read; of each other one is said what is wrong with it."""
    import torch

    from ..synthesis.spectrum import image_files

    found = [x for _, x in readable(net, image_files(folder))] if folder.is_dir() else []
    if not found:
        raise SettingError(f"--photographs takes a folder with images; {str(folder)!r} holds none that can be read")
    return torch.cat(found)
