"""How far a long computation has come, told to whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable


@runtime_checkable
class Listener(Protocol):
    """What hears of progress: `listener("occlusion", 40, 169)`, once with `done` 0, last with `done == total`."""

    def __call__(self, task: str, done: int, total: int) -> None:
        """Hear that `done` of `total` steps of `task` are behind us."""


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
def steps(task: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of steps just done; outer tasks are heard, inner ones are silent."""
    listener = _listener.get()
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if listener is not None:
            listener(task, done, total)

    token = _listener.set(None)
    try:
        advance(0)
        yield advance
    finally:
        _listener.reset(token)


@contextmanager
def progress_bar() -> Iterator[None]:
    """Within the block, long computations show a bar with an estimate of the time left, if a person looks.

    Nothing is shown when standard error is not a terminal.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with Progress(console=console, transient=True) as bar:
        tasks = {}

        def show(task: str, done: int, total: int) -> None:
            if task not in tasks or done == 0:
                tasks[task] = bar.add_task(task, total=total)
            bar.update(tasks[task], completed=done, visible=done < total)

        with listening(show):
            yield
