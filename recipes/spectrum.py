"""Measure the built-in spectrum of photographs: ``python recipes/spectrum.py FOLDER --what "which photographs"``."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from math import log2
from pathlib import Path
from typing import Any

import cyclopts
import torch
from PIL import Image
from rich.progress import track
from torch import Tensor

import innerview as iv
from innerview.files import replacing
from innerview.network.images import read_image
from innerview.synthesis.spectrum import ring_means, waves

SHIPPED = Path(iv.__file__).parent / "synthesis" / "natural_spectrum.json"
DIGITS = 4


def main(folder: Path, *, what: str, out: Path = SHIPPED, least: int = 300) -> None:
    """Measure how large the waves of photographs are, and write the table that ``MACO`` reads.

    Of each photograph the largest centred square is taken, pixel by pixel as it is in the file: enlarging would take
    the high frequencies away, and making smaller would change them.

    Parameters
    ----------
    folder
        Folder with the photographs; they must never have been enlarged.
    what
        Which photographs these are, for the reader of the table.
    out
        The table, by default the one of the package.
    least
        The shortest side in pixels; smaller photographs are left out, as they lack the high frequencies.
    """
    pictures = [each for each in track([*photographs(folder)], "reading") if min(each.size) >= least]
    if not pictures:
        raise SystemExit(f"{folder} holds no photograph of {least} pixels or more on its short side")
    table = measured(pictures) | {
        "measured_on": {
            "what": what,
            "photographs": len(pictures),
            "short_sides": [min(min(each.size) for each in pictures), max(min(each.size) for each in pictures)],
            "date": datetime.now(UTC).date().isoformat(),
            "command": f'python recipes/spectrum.py FOLDER --what "{what}" --least {least}',
        }
    }
    with replacing(out) as temporary:
        temporary.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(f"wrote {out}: {len(pictures)} photographs, {len(table['waves'])} rings")


def photographs(folder: Path) -> list[Image.Image]:
    """All pictures of the folder that can be read."""
    return [read_image(path) for path in sorted(folder.iterdir()) if path.is_file()]


def measured(pictures: Sequence[Image.Image]) -> dict[str, Any]:
    """The table: sizes of waves for a picture of one pixel, over cycles per picture; colours and grey."""
    kinds = {"colours": "RGB", "grey": "L"}
    found = {kind: [sizes_and_constant(each, mode) for each in pictures] for kind, mode in kinds.items()}
    rings = int(2 * log2(min(min(each.size) for each in pictures) / 2)) + 1  # up to half a cycle per pixel
    return {
        "waves": [rounded(2 ** (ring / 2)) for ring in range(rings)],
        "sizes": {kind: listed([sizes[:, :rings] for sizes, _ in each]) for kind, each in found.items()},
        "constant": {kind: listed([constant for _, constant in each]) for kind, each in found.items()},
    }


def sizes_and_constant(picture: Image.Image, mode: str) -> tuple[Tensor, Tensor]:
    """The mean size of the waves in each ring, and how far the mean colour is from grey, for each channel."""
    found = waves(square(picture, mode))[0].abs()
    pixels = found.shape[1] * found.shape[2]
    return ring_means(found) / pixels, found[:, 0, 0] / pixels


def square(picture: Image.Image, mode: str) -> Tensor:
    """The largest centred square in pixels of 0–1, [1, channel, row, column]."""
    side = min(picture.size)
    prepare = iv.Preprocess(side, mean=(0.0,) * len(mode), std=(1.0,) * len(mode))  # resizes nothing at this side
    return prepare(picture.convert(mode)).double()[None]


def listed(of_pictures: Sequence[Tensor]) -> list[Any]:
    """The mean over all pictures, as plain numbers."""
    return rounded(torch.stack(list(of_pictures)).mean(0).tolist())


def rounded(numbers: Any) -> Any:
    """A number, or all in a list of them, with the digits that mean something."""
    return list(map(rounded, numbers)) if isinstance(numbers, list) else float(f"{numbers:.{DIGITS}g}")


if __name__ == "__main__":
    cyclopts.run(main)
