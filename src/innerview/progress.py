"""How far a long computation has come, told to whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from time import monotonic
from typing import Protocol, runtime_checkable

from .notebook import shell

BETWEEN = 0.1
"""Seconds from one drawing of a bar in a notebook to the next."""
_NOTHING = {"text/html": "", "text/plain": ""}


@runtime_checkable
class Listener(Protocol):
    """What hears of progress: `listener("occlusion", 40, 169, "")`, once with `done` 0, last with `done == total`."""

    def __call__(self, task: str, done: int, total: int, words: str) -> None:
        """Hear that `done` of `total` steps of `task` are behind us, and in a few words what they came to."""


@runtime_checkable
class Advance(Protocol):
    """What tells of progress: `advance(8)`, or with a few words `advance(8, lambda: f"objective {score:.3g}")`."""

    def __call__(self, count: int, words: Callable[[], str] | None = None) -> None:
        """Tell that `count` more steps are done; the words are made only if somebody listens.

        To make them often means to wait for the device, which without a listener goes on by itself.
        """


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within the block, `listener` hears of the progress of every long computation of this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def steps(task: str, total: int) -> Iterator[Advance]:
    """A function to call with the number of steps just done; outer tasks are heard, inner ones are silent."""
    listener = _listener.get()
    done = 0

    def advance(count: int, words: Callable[[], str] | None = None) -> None:
        nonlocal done
        done += count
        if listener is not None:
            listener(task, done, total, words() if words else "")

    token = _listener.set(None)
    try:
        advance(0)
        yield advance
    finally:
        _listener.reset(token)


@contextmanager
def progress_bar() -> Iterator[None]:
    """Within the block, long computations show a bar with an estimate of the time left, if a person looks.

    Beside it stands what the computation says of itself, such as the objective of the pictures that are being made.
    The bar goes when the computation ends. Nothing is shown when standard error is neither a terminal nor a notebook.
    """
    with _in_notebook() if hasattr(shell(), "kernel") else _in_terminal():
        yield


@contextmanager
def _in_terminal() -> Iterator[None]:
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    said = TextColumn("{task.fields[words]}", markup=False)
    with Progress(*Progress.get_default_columns(), said, console=console, transient=True) as bar:
        tasks = {}

        def show(task: str, done: int, total: int, words: str) -> None:
            if task not in tasks or done == 0:
                tasks[task] = bar.add_task(task, total=total, words=words)
            bar.update(tasks[task], completed=done, visible=done < total, words=words)

        with listening(show):
            yield


@contextmanager
def _in_notebook() -> Iterator[None]:
    bar = _NotebookBar()
    try:
        with listening(bar):
            yield
    finally:
        bar.erase()


class _NotebookBar:
    """A bar of plain HTML that is drawn over and over: it takes no widgets and no scripts."""

    def __init__(self) -> None:
        from IPython.display import DisplayHandle

        self._place = DisplayHandle()
        self._place.display(_NOTHING, raw=True)
        self._begun = self._drawn = monotonic()

    def __call__(self, task: str, done: int, total: int, words: str) -> None:
        now = monotonic()
        if done == 0:
            self._begun = now
        if done >= total:
            self.erase()
        elif done == 0 or now - self._drawn >= BETWEEN:
            self._drawn = now
            html = _bar(task, done, total, now - self._begun, words)
            self._place.update({"text/html": html, "text/plain": f"{task} {done}/{total}"}, raw=True)

    def erase(self) -> None:
        """Leave nothing in its place."""
        self._place.update(_NOTHING, raw=True)


def _bar(task: str, done: int, total: int, seconds: float, words: str) -> str:
    left = f"{seconds * (total - done) / done:.0f} s left" if done else ""
    beside = " · ".join(escape(each) for each in (f"{done / total:.0%}", left, words) if each)
    return f'{escape(task)} <progress value="{done}" max="{total}" aria-label="{escape(task)}"></progress> {beside}'
