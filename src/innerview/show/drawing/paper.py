"""A figure on which everything has its place in inches from the top left corner."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .colours import Picture, Scale

ON_SCREEN = 96
LETTERS = 14  # that fit into an inch
LINE = 0.16  # inches from one line of text to the next
INK, QUIET = "#1a1a1a", "#5c5c5c"


class Sheet(Figure):
    """A figure that a notebook shows, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=ON_SCREEN)
        return file.getvalue()


class Paper:
    """An empty page of a width and height in inches."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Sheet(figsize=(width, height), facecolor="white")
        self.figure.set_layout_engine("none")  # whatever the user's defaults: every place is given

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """A place to draw without frame or ticks."""
        bottom = self.height - top - height
        axes = self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))
        axes.set_axis_off()
        return axes

    def write(self, left: float, top: float, words: str, **font: object) -> None:
        """Plain text below and right of a place; labels come from outside, so no formulas in it."""
        looks = {"size": 9, "color": INK, "va": "baseline", "parse_math": False, "usetex": False}
        for number, words_of_line in enumerate(words.split("\n")):
            baseline = top + 0.115 + number * LINE
            self.figure.text(left / self.width, 1 - baseline / self.height, words_of_line, **{**looks, **font})

    def picture(self, left: float, top: float, width: float, height: float, pixels: Picture) -> Axes:
        """Large pixels stay square and sharp; where there are more than the page shows, they are averaged."""
        axes = self.axes(left, top, width, height)
        axes.imshow(pixels, interpolation="antialiased")
        return axes

    def ramp(self, left: float, top: float, width: float, scale: Scale) -> None:
        """The colours of a scale with the numbers at its ends below."""
        colours = (scale.colours(np.linspace(0, 1, 257))[None, :, :3] * 255).astype(np.uint8)
        self.axes(left, top, width, 0.07).imshow(colours, interpolation="antialiased", aspect="auto")
        last = len(scale.ends) - 1
        for place, words in enumerate(scale.ends):
            align = "left" if place == 0 else "right" if place == last else "center"
            self.write(left + width * place / last, top + 0.1, words, size=7, color=QUIET, ha=align)


def rendered(figure: Figure, dpi: float) -> Picture:
    """The pixels of a figure."""
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
