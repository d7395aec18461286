"""A map as a page shows it: pictures in the page itself, a scale with numbers, and words for who cannot see it."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch.nn import functional

from ...attribution.method import Attribution
from ..drawing.colours import Heatmap, Picture, Scale, flaw, photograph
from ..drawing.titles import colour_key, method_title, plain

_PLACES = (
    ("at the upper left", "at the top", "at the upper right"),
    ("at the left", "in the middle", "at the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)
COARSE = 128  # pictures of fewer pixels are enlarged so much on a page that their pixels should stay sharp


@dataclass(frozen=True)
class MapTile:
    """One map, drawn over the photograph and alone.

    `flaw` says in words why there is nothing to draw; the pictures are then empty.
    """

    title: str
    question: str
    signed: bool
    ends: tuple[str, ...]
    flaw: str | None
    over: str
    alone: str
    alt: str
    key: str
    coarse: bool

    @classmethod
    def of(cls, result: Attribution, image: int = 0, *, scale: Scale | None = None) -> "MapTile":
        """The map of one image of a result, on its own scale unless one is given."""
        heatmap = result.heatmap()[image].float().cpu()
        scale = scale or Scale.of([heatmap], signed=result.signed)
        words = flaw(heatmap)
        pixels = photograph(result.pictures[image])
        title, question = method_title(result), plain(result.objective(image))
        return cls(
            title=title,
            question=question,
            signed=result.signed,
            ends=scale.ends,
            flaw=words,
            over="" if words else data_uri(scale.overlay(pixels, heatmap)),
            alone="" if words else data_uri(scale.paint(heatmap)),
            alt=f"{title} for {question}: {words or f'strongest {strongest(heatmap, signed=result.signed)}'}",
            key="; it ".join(filter(None, (colour_key(result.signed), result.sum_in_words(image)))),
            coarse=max(pixels.shape[:2]) < COARSE,
        )


def strongest(heatmap: Heatmap, *, signed: bool) -> str:
    """In which ninth of the image a map is strongest, in words; of a signed map, where it speaks for the answer."""
    sizes = heatmap.clamp_min(0) if signed and bool((heatmap > 0).any()) else heatmap.abs()
    ninths = functional.adaptive_avg_pool2d(sizes[None], 3)[0]
    row, column = divmod(int(ninths.argmax()), 3)
    return _PLACES[row][column]


def data_uri(picture: Picture | Image.Image) -> str:
    """The picture as the address of an `<img>`: arrays as PNG, photographs as JPEG."""
    photo = isinstance(picture, Image.Image)
    image = picture if photo else Image.fromarray(np.ascontiguousarray(picture))
    file = io.BytesIO()
    image.save(file, format="JPEG" if photo else "PNG", quality=88, optimize=True)
    return f"data:image/{'jpeg' if photo else 'png'};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
