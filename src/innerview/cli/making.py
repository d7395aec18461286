"""The options that say what pictures are made of."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import innerview as iv

from ..errors import SettingError
from ..spelling import spelled
from .climbing import PICTURES, ClimbingOptions
from .flags import FILE, FOLDER, NUMBER, PIXELS, REPEATED
from .flowing import flowing
from .ranges import counted

_IN_A_FILM = 64


@Parameter(name="*", group=PICTURES)
@flowing
@dataclass(frozen=True, kw_only=True)
class MakingOptions:
    """What the pictures are made of.

    Attributes:
        prior: what is held against a picture: edgeenergy:weight=0.1, totalvariation, l1 or l2, each with its weight; by
            default nothing, and edgeenergy:weight=1 in the recipe lecture. Can be repeated.
        image: an image to start from; by default noise.
        canvas_size: rows and columns of the picture in pixels: one number, or two as in 320,480; by default those of
            the network's input.
        spectrum: a folder of images whose spectrum the pictures of maco have.
        starts: how many pictures for each question, from different noise.
        diversity: how much the likeness of several starts counts against them; 100 is much.
        snapshots: the steps after which the picture is shown as well, as in 1,16,64.
    """

    prior: Annotated[tuple[str, ...], Parameter(metavar="NAME:WEIGHT"), REPEATED] = ()
    image: Annotated[Path | None, FILE] = None
    canvas_size: Annotated[str | None, PIXELS] = None
    spectrum: Annotated[Path | None, FOLDER] = None
    starts: Annotated[int, NUMBER] = 1
    diversity: Annotated[float, NUMBER] = 0.0
    snapshots: Annotated[str | None, Parameter(metavar="STEPS")] = None

    def recipe(self, climbing: ClimbingOptions, net: "iv.Network") -> "iv.Recipe":
        """The recipe with all that was asked for put in its place."""
        known = climbing.chosen
        priors = tuple(map(_prior, self.prior)) or known.priors
        return replace(known, canvas=self._canvas(climbing, net), priors=priors, diversity=self.diversity)

    def moments(self, steps: int, *, film: bool) -> list[int]:
        """The steps after which pictures are kept; a film has them at even distances if none were named."""
        if self.snapshots is None and film:
            every = max(1, steps // _IN_A_FILM)
            return list(range(every, steps + 1, every))
        return counted(self.snapshots) if self.snapshots else []

    def _canvas(self, climbing: ClimbingOptions, net: "iv.Network") -> "iv.Canvas":
        canvas = replace(climbing.chosen.canvas, size=_size(self.canvas_size), image=self.image)
        if self.spectrum is None:
            return canvas
        if not isinstance(canvas, iv.MagnitudeConstrained):
            raise SettingError(f"--spectrum is for --recipe maco, whose pictures keep it; got {climbing.recipe}")
        size, channels = canvas.rows_columns(net), net.preprocess.channels
        return replace(canvas, spectrum=iv.spectrum_of(self.spectrum, size, channels=channels))


MADE_SO = MakingOptions()
"""What is used where nothing is asked for."""


def _prior(text: str) -> "iv.Prior":
    if text.lower() in iv.PRIORS:
        raise SettingError(f"a prior needs a weight, as in {text}:weight=1; got {text!r}")
    return spelled(text, iv.PRIORS, "prior")


def _size(text: str | None) -> int | tuple[int, int] | None:
    if text is None:
        return None
    try:
        rows, columns = (int(part) for part in (f"{text},{text}" if text.isdecimal() else text).split(","))
    except ValueError as error:
        raise SettingError(f"--canvas-size takes one number or two, rows and columns; got {text!r}") from error
    return rows, columns
