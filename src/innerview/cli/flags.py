"""What the flags of several commands share: the word for their value, and their sentence of help."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..network.samples import SAMPLES

CLASS = Parameter(metavar="CLASS")
FILE = Parameter(metavar="FILE")
FOLDER = Parameter(metavar="FOLDER")
LAYER = Parameter(metavar="LAYER")
NAME = Parameter(metavar="NAME")
NUMBER = Parameter(metavar="NUMBER")
NUMBERS = Parameter(metavar="NUMBERS")
PIXELS = Parameter(metavar="PIXELS")
PLACE = Parameter(metavar="ROW COLUMN")
REPEATED = Parameter(show_default=False)
SWITCH = Parameter(show_default=False)

_SAMPLES = "; or a sample, one of " + ", ".join(f"sample:{name}" for name in SAMPLES) + "."
Photograph = Annotated[Path, Parameter(help=f"a photograph: JPEG, PNG, WebP, BMP or GIF{_SAMPLES}")]
PHOTOGRAPHS = f"photographs: JPEG, PNG, WebP, BMP or GIF{_SAMPLES}"
Photographs = Annotated[list[Path], Parameter(help=PHOTOGRAPHS)]
Out = Annotated[Path | None, FILE]
Page = Annotated[int, NUMBER, Parameter(help="what does not fit on page 0 is on the next ones.")]
Seed = Annotated[int, NUMBER, Parameter(help="of all that is random; the same seed gives the same result.")]
LastGrid = Annotated[
    str | None,
    LAYER,
    Parameter(
        help="an address as innerview layers lists them, by default the last with a grid of features that the class "
        "scores depend on."
    ),
]
