"""What colour a value has: one rule for every map that is drawn.

Signed maps run from blue (against) over white (zero) to red (for), unsigned maps from black (zero) to light yellow.
Zero has the same place on every scale, and a scale ends at the 99.5th percentile of |value| over what is drawn on
it, so that a single bright pixel does not darken all others; larger values have the colour of the end.

The two colour maps are told apart by readers with any common colour blindness, and in print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.colors import ListedColormap, to_hex
from torch import Tensor

PERCENTILE = 99.5
STRONGEST = 0.75  # opacity where a map is strongest: the photograph can still be made out

# The outermost tenths of the red and blue are so dark that a photograph under them cannot be made out.
_DIVERGING = ListedColormap(matplotlib.colormaps["RdBu_r"](np.linspace(0.1, 0.9, 257)))
_SEQUENTIAL = ListedColormap(matplotlib.colormaps["inferno"](np.linspace(0, 1, 257)))

Heatmap = Float[Tensor, "row column"]
Picture = UInt8[np.ndarray, "row column 3"]
Sharing = Literal["shared", "each"]
"""Whether maps that are drawn together share one scale, or each has its own."""


@dataclass(frozen=True)
class Scale:
    """Which values the colours stand for: −`limit` to `limit` for signed maps, 0 to `limit` for unsigned ones.

    `clipped` says that some values lie beyond the limit and have the colour of the end.
    """

    limit: float
    signed: bool
    clipped: bool = False

    @classmethod
    def of(cls, maps: Sequence[Float[Tensor, "_ _"]], *, signed: bool) -> "Scale":
        """The one scale of all these maps; values that are not finite are left out."""
        sizes = np.concatenate([_numbers(each).ravel() for each in maps]).__abs__()
        sizes = sizes[np.isfinite(sizes)]
        largest = float(sizes.max(initial=0))
        limit = float(np.percentile(sizes, PERCENTILE)) if largest else 0.0
        if limit == 0:  # hardly any pixel differs from zero: these few are what there is to see
            limit = largest
        return cls(limit or 1.0, signed, clipped=largest > limit)

    @property
    def colours(self) -> ListedColormap:
        """Its colour map; the odd number of steps gives zero a colour of its own."""
        return _DIVERGING if self.signed else _SEQUENTIAL

    @property
    def ends(self) -> tuple[str, ...]:
        """The numbers to write beside the colours: at the ends, and zero between them on a signed scale."""
        number = f"{self.limit:.2g}"
        if not self.signed:
            return ("0", f"≥ {number}" if self.clipped else number)
        return (f"≤ −{number}", "0", f"≥ +{number}") if self.clipped else (f"−{number}", "0", f"+{number}")

    def strength(self, heatmap: Heatmap) -> Float[np.ndarray, "row column"]:
        """How far each value is from zero, in 0–1 of the limit."""
        return np.clip(np.abs(_numbers(heatmap)) / self.limit, 0, 1)

    def paint(self, heatmap: Heatmap) -> Picture:
        """The colour of each value. Of an unsigned scale it is that of the value's size."""
        strength = self.strength(heatmap)
        place = 0.5 + np.copysign(strength, _numbers(heatmap)) / 2 if self.signed else strength
        return _pixels(self.colours(place)[..., :3])

    def overlay(self, photograph: Picture, heatmap: Heatmap) -> Picture:
        """The colours over the photograph, the more opaque the stronger the value; at zero the photograph itself."""
        opacity = STRONGEST * self.strength(heatmap)[..., None]
        return _pixels((1 - opacity) * photograph / 255 + opacity * self.paint(heatmap) / 255)

    def stops(self, count: int = 17) -> list[str]:
        """Evenly spaced colours of the scale as `#rrggbb`, from its low to its high end."""
        return [to_hex(colour) for colour in self.colours(np.linspace(0, 1, count))]


def flaw(heatmap: Heatmap) -> str | None:
    """Why this map must not be drawn, in words for its place; None if it can be."""
    values = _numbers(heatmap)
    if not np.isfinite(values).all():
        return "not finite"
    if not values.any():
        return "zero everywhere"
    if np.ptp(values) <= 1e-6 * np.abs(values).max():
        return f"{values.flat[0]:.2g} everywhere"
    return None


def photograph(image: UInt8[Tensor, "colour row column"]) -> Picture:
    """The pixels of a picture as [row, column, 3]; grey becomes RGB."""
    return np.ascontiguousarray(image.expand(3, -1, -1).permute(1, 2, 0).cpu().numpy())


def _numbers(heatmap: Heatmap) -> Float[np.ndarray, "row column"]:
    return heatmap.detach().float().cpu().numpy()


def _pixels(unit: np.ndarray) -> Picture:
    return np.rint(unit * 255).astype(np.uint8)
