"""What can be read off a figure."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def words(drawn: Figure) -> list[str]:
    """All texts, those beside the pictures first."""
    inside = [text.get_text() for axes in drawn.axes for text in axes.texts]
    return [text.get_text() for text in drawn.texts] + inside


def tiles(drawn: Figure) -> list[np.ndarray]:
    """The pictures, without the colour bars."""
    shown = [np.asarray(image.get_array()) for axes in drawn.axes for image in axes.images]
    return [pixels for pixels in shown if pixels.shape[:2] != (1, 257)]


def outside(drawn: Figure) -> list[str]:
    """The texts that do not wholly lie on the page."""
    renderer = FigureCanvasAgg(drawn).get_renderer()
    width, height = drawn.get_size_inches() * drawn.dpi
    every = [*drawn.texts, *(text for axes in drawn.axes for text in axes.texts)]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in every if text.get_text()]
    return [text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height]
