"""The options that say how pictures are made."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from ..errors import SettingError
from ..spelling import spelled
from .flowing import flowing
from .ranges import counted
from .recipes import recipe_named

if TYPE_CHECKING:
    from ..network.network import Network
    from ..synthesis.canvas import Canvas, Size
    from ..synthesis.priors import Prior
    from ..synthesis.recipe import Recipe

_GROUP = Group("Pictures", sort_key=0)
_IN_A_FILM = 64


@Parameter(name="*", group=_GROUP)
@flowing
@dataclass(frozen=True, kw_only=True)
class MakingOptions:
    """How the pictures are made.

    Attributes:
        recipe: clear (large forms, seen much shifted, resized and turned), lucid (finer forms, seen less so), lecture
            (plain pixels) or maco (the spectrum of natural images, seen in parts).
        prior: what is held against a picture: edgeenergy:weight=0.01, totalvariation, l1 or l2, each with its weight.
            Can be repeated.
        image: an image to start from; by default noise.
        canvas_size: rows and columns of the picture in pixels: one number, or two as in 320,480; by default those of
            the network's input.
        spectrum: a folder of images whose spectrum the pictures of maco have.
        steps: how many steps the picture climbs, by default as many as the recipe says.
        starts: how many pictures for each question, from different noise.
        seed: of the noise.
        diversity: how much the likeness of several starts counts against them; 100 is much.
        snapshots: the steps after which the picture is shown as well, as in 1,16,64.
    """

    recipe: Annotated[str, Parameter(metavar="NAME")] = "clear"
    prior: Annotated[tuple[str, ...], Parameter(metavar="NAME:WEIGHT", show_default=False)] = ()
    image: Annotated[Path | None, Parameter(metavar="FILE")] = None
    canvas_size: Annotated[str | None, Parameter(metavar="PIXELS")] = None
    spectrum: Annotated[Path | None, Parameter(metavar="FOLDER")] = None
    steps: Annotated[int | None, Parameter(metavar="NUMBER")] = None
    starts: Annotated[int, Parameter(metavar="NUMBER")] = 1
    seed: Annotated[int, Parameter(metavar="NUMBER")] = 0
    diversity: Annotated[float, Parameter(metavar="NUMBER")] = 0.0
    snapshots: Annotated[str | None, Parameter(metavar="STEPS")] = None

    def made(self, net: "Network") -> "Recipe":
        """The recipe with all that was asked for put in its place."""
        known = self._known
        return replace(known, canvas=self._canvas(known.canvas, net), priors=tuple(map(_prior, self.prior)))

    def moments(self, *, film: bool) -> list[int]:
        """The steps after which pictures are kept; a film has them at even distances if none were named."""
        steps = self._known.steps
        if self.snapshots is None and film:
            every = max(1, steps // _IN_A_FILM)
            return list(range(every, steps + 1, every))
        return counted(self.snapshots) if self.snapshots else []

    @property
    def _known(self) -> "Recipe":
        """The recipe of that name, with the numbers that were asked for; needs no network."""
        named = recipe_named(self.recipe)
        return replace(named, steps=named.steps if self.steps is None else self.steps, diversity=self.diversity)

    def _canvas(self, canvas: "Canvas", net: "Network") -> "Canvas":
        from ..synthesis.magnitude import MagnitudeConstrained
        from ..synthesis.spectrum import spectrum_of

        canvas = replace(canvas, size=_size(self.canvas_size), image=self.image)
        if self.spectrum is None:
            return canvas
        if not isinstance(canvas, MagnitudeConstrained):
            raise SettingError(f"--spectrum is for --recipe maco, whose pictures keep it; got {self.recipe}")
        size, channels = canvas.rows_columns(net), net.preprocess.channels
        return replace(canvas, spectrum=spectrum_of(self.spectrum, size, channels=channels))


MADE_SO = MakingOptions()
"""What is used where nothing is asked for."""


def _prior(text: str) -> "Prior":
    from ..synthesis.priors import L1, L2, EdgeEnergy, TotalVariation

    found = {kind.__name__.lower(): kind for kind in (EdgeEnergy, TotalVariation, L1, L2)}
    if text.lower() in found:
        raise SettingError(f"a prior needs a weight, as in {text}:weight=0.01; got {text!r}")
    return spelled(text, found, "prior")


def _size(text: str | None) -> "int | Size | None":
    if text is None:
        return None
    try:
        rows, columns = (int(part) for part in (f"{text},{text}" if text.isdecimal() else text).split(","))
    except ValueError as error:
        raise SettingError(f"--canvas-size takes one number or two, rows and columns; got {text!r}") from error
    return rows, columns
