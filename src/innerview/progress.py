"""How far a long computation has come, told to whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable


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
    Nothing is shown when standard error is not a terminal.
    """
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
