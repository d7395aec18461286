"""The contact sheet of synthesis: what each picture was to answer, how strongly it does, how it came about."""

from collections.abc import Sequence
from typing import Annotated

from matplotlib.figure import Figure

from ...errors import SettingError
from ...settings import AtLeast, AtMost, checked
from ...synthesis.result import Synthesis
from ..drawing.chosen import chosen
from ..drawing.drawn import drawn
from ..drawing.montage import in_rows
from ..drawing.paper import LETTERS, LINE, QUIET, Paper
from ..drawing.titles import plain, wrapped

MOST_PICTURES = 100
MOST_MOMENTS = 12
_IN_A_ROW = 8
InARow = Annotated[int, AtLeast(1), AtMost(_IN_A_ROW)]
_MARGIN, _GAP = 0.25, 0.18
_CAPTION = 2 * LINE + LINE + 0.08  # two lines of words, one with the number
_MOMENT = 0.3


def synthesis_sheet(
    result: Synthesis,
    *,
    pictures: Sequence[int] | None = None,
    snapshots: bool | None = None,
    across: int | None = None,
) -> Figure:
    """The pictures, and under each what it was to answer and the objective that it reaches as it stands.

    With snapshots each picture is a column, and the rows are the steps after which it was kept.

    Args:
        result: the pictures.
        pictures: which of them to draw, by number from 0; None for all.
        snapshots: whether to draw the snapshots, too; by default if there are any and there is room for them.
        across: how many pictures without snapshots stand in a row, at most 8; by default nearly as many as there are
            rows.

    Raises:
        SettingError: a picture does not exist, there are too many for one sheet or a row, or there are no snapshots.
    """
    wanted = chosen(pictures, len(result), kind="pictures", most=MOST_PICTURES)
    row = _across(len(wanted)) if across is None else checked("across", across, InARow)
    if snapshots is None:
        snapshots = 0 < len(result.moments) <= MOST_MOMENTS and len(wanted) <= _IN_A_ROW
    return _history(result, wanted) if snapshots else _contacts(result, wanted, row)


def _contacts(result: Synthesis, chosen: Sequence[int], across: int) -> Figure:
    """The finished pictures in rows."""
    rows = in_rows(chosen, across)
    width, height = _tile(result, len(rows[0]))
    paper = _paper(width, len(rows[0]), len(rows) * (height + _CAPTION + _GAP) - _GAP)
    for number, row in enumerate(rows):
        top = 2 * _MARGIN + number * (height + _CAPTION + _GAP)
        for column, picture in enumerate(row):
            left = _left(column, width)
            paper.picture(left, top, width, height, drawn(result.pixels[picture]))
            _caption(paper, left, top + height, _words(result, picture, width))
    return _titled(paper, result)


def _history(result: Synthesis, chosen: Sequence[int]) -> Figure:
    """A column for each picture, a row for each moment; the last row is the finished picture."""
    moments = [(f"step {moment}", shown) for moment, shown in zip(result.moments, result.snapshots, strict=True)]
    if not moments:
        raise SettingError("this result holds no snapshots; make it with synthesize(…, snapshots=(1, 16, 64))")
    if len(moments) > MOST_MOMENTS or len(chosen) > _IN_A_ROW:
        raise SettingError(
            f"a sheet of snapshots holds {_IN_A_ROW} pictures at {MOST_MOMENTS} moments; got {len(chosen)} at "
            f"{len(moments)}. Draw some at a time: figure(result, pictures=range({_IN_A_ROW}))"
        )
    if result.moments[-1] != len(result.curve):
        moments.append((f"step {len(result.curve)}", result.pixels))
    width, height = _tile(result, len(chosen))
    paper = _paper(width, len(chosen), len(moments) * (height + _MOMENT) + _CAPTION)
    for row, (words, shown) in enumerate(moments):
        top = 2 * _MARGIN + row * (height + _MOMENT)
        paper.write(_MARGIN, top, words, color=QUIET)
        for column, picture in enumerate(chosen):
            paper.picture(_left(column, width), top + LINE + 0.03, width, height, drawn(shown[picture]))
    for column, picture in enumerate(chosen):
        below = 2 * _MARGIN + len(moments) * (height + _MOMENT) - _MOMENT + LINE + 0.03
        _caption(paper, _left(column, width), below, _words(result, picture, width))
    return _titled(paper, result)


def _across(pictures: int) -> int:
    """Nearly as many in a row as there are rows, but no more than are still well seen."""
    return min(_IN_A_ROW, max(3, round(pictures**0.5 + 0.4)), pictures)


def _tile(result: Synthesis, across: int) -> tuple[float, float]:
    """Large tiles where there are few."""
    width = 4.0 if across == 1 else 2.6 if across == 2 else 2.0 if across <= 4 else 1.5
    rows, columns = result.pixels.shape[2:]
    return width, width * min(max(rows / columns, 0.4), 2.5)


def _paper(width: float, across: int, height: float) -> Paper:
    return Paper(_left(across, width) - _GAP + _MARGIN, 3 * _MARGIN + height)


def _left(column: int, width: float) -> float:
    return _MARGIN + column * (width + _GAP)


def _titled(paper: Paper, result: Synthesis) -> Figure:
    title = f"{plain(result.provenance.network, 60)}: {result.provenance.method}, {len(result.curve)} steps"
    paper.write(_MARGIN, _MARGIN, wrapped(title, int(0.85 * (paper.width - 2 * _MARGIN) * LETTERS), 1), weight="bold")
    return paper.figure


def _words(result: Synthesis, picture: int, width: float) -> tuple[str, str]:
    """The question, and how strongly it is answered."""
    question = wrapped(result.objective(picture), int(width * LETTERS), 2)
    if not result.alive[picture]:
        return question, wrapped("no gradient reached it", int(width * LETTERS), 1)
    return question, f"{float(result.scores[picture]):.3g}"


def _caption(paper: Paper, left: float, top: float, words: tuple[str, str]) -> None:
    question, answer = words
    paper.write(left, top + 0.06, question)
    paper.write(left, top + 0.06 + LINE * (question.count("\n") + 1), answer, color=QUIET)
