"""What the commands say: tables and messages, for a person or for the next program."""

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and how it behaves where space is short."""

    title: str
    side: Literal["left", "right"] = "left"
    wraps: bool = False
    style: str = ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Show a table: aligned in a terminal, separated by tabs for another program."""
    if on_terminal():
        _aligned(columns, rows)
        return
    for row in ([column.title for column in columns], *rows):
        tell("\t".join(map(clean, row)))


def on_terminal() -> bool:
    """Whether a person looks at the output, and not a program or a file."""
    return sys.stdout.isatty()


def tell(line: str) -> None:
    """Write one line of output."""
    sys.stdout.write(f"{line}\n")


def complain(sentence: str) -> None:
    """Write one sentence about what went wrong to standard error."""
    sys.stderr.write(f"innerview: {clean(' '.join(sentence.split()))}\n")


def clean(text: str) -> str:
    """The text with what would steer a terminal spelled out: control characters, marks that reverse writing."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def accept_all_characters() -> None:
    """Let characters that the terminal's encoding lacks come out as `?`, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def console() -> "Console":
    """A terminal that takes text as it is: brackets are no markup, `:smile:` is no picture."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def _aligned(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table

    between = int(any(column.wraps for column in columns))
    drawn = Table(box=None, padding=(0, 2, between, 0), pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(
            column.title,
            justify=column.side,
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
            style=column.style,
        )
    for row in rows:
        drawn.add_row(*map(clean, row))
    console().print(drawn)
