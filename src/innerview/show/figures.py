"""Results as figures and files: one function for every kind of result."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ..attribution.method import Attribution
from ..errors import SettingError
from ..files import replacing
from .sheet import sheet

Result = Attribution | Sequence[Attribution]

DRAWN_BY: dict[type, Callable[..., Figure]] = {
    Attribution: sheet,
}
"""Which function draws which kind of result, alone or in a list."""

_UNDATED = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
FORMATS = (*_UNDATED, ".safetensors")


def figure(result: Result, **settings: Any) -> Figure:
    """The result as a matplotlib figure, made without pyplot: no window opens and no default changes.

    An attribution, or several of the same images, become a comparison sheet; its settings are `style`,
    `shared_scale` and `images`.

    Raises:
        SettingError: there is no drawing for this kind of result, or the results do not fit on one sheet.
    """
    first = result[0] if isinstance(result, list | tuple) and result else result
    draw = next((draw for kind, draw in DRAWN_BY.items() if isinstance(first, kind)), None)
    if draw is None:
        kinds = ", ".join(kind.__name__ for kind in DRAWN_BY)
        raise SettingError(f"these results can be drawn, alone or in a list: {kinds}; got {_named(result)}")
    return draw(result, **settings)


def save(result: Result, path: str | Path, *, dpi: float = 150, **settings: Any) -> None:
    """Write the result's figure as `.png`, `.svg` or `.pdf`, or its values as `.safetensors`.

    The file is either written whole or left as it was. Equal results give equal figures: no date is written.

    Args:
        result: what `figure` takes; values are saved of one result at a time.
        path: the file; its ending says the format.
        dpi: pixels per inch of a `.png`, and of the photographs in a `.svg` or `.pdf`.
        settings: those of `figure`.

    Raises:
        SettingError: the ending is unknown, or what `figure` raises.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise SettingError(f"a result is saved as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; got {path.name!r}")
    if ending == ".safetensors":
        _save_values(result, path)
        return
    drawn = figure(result, **settings)
    with replacing(path) as temporary:
        drawn.savefig(temporary, format=ending[1:], dpi=dpi, metadata=_UNDATED[ending])


def _save_values(result: Result, path: Path) -> None:
    if isinstance(result, list | tuple) and len(result) == 1:
        result = result[0]
    if not isinstance(result, Attribution):
        raise SettingError(f"one file holds the values of one result; got {_named(result)}: save them one by one")
    result.save(path)


def _named(result: object) -> str:
    return f"a list of {len(result)}" if isinstance(result, list | tuple) else type(result).__name__
