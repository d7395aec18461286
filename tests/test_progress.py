"""What is heard of a long computation, and what its bar shows."""

import io
from functools import partial
from types import SimpleNamespace

import pytest
import rich.console

from innerview.progress import listening, progress_bar, steps


def unwanted() -> str:
    raise AssertionError


def test_a_listener_hears_the_task_how_far_it_is_and_its_words() -> None:
    heard = []
    with listening(lambda *news: heard.append(news)), steps("climbing", 4) as advance:
        advance(1, lambda: "objective 1.5")
        advance(2)
        advance(1, lambda: "objective 3")
    assert heard == [
        ("climbing", 0, 4, ""),
        ("climbing", 1, 4, "objective 1.5"),
        ("climbing", 3, 4, ""),
        ("climbing", 4, 4, "objective 3"),
    ]


def test_words_are_made_only_if_somebody_listens() -> None:
    with steps("climbing", 1) as advance:
        advance(1, unwanted)


def test_inner_tasks_are_silent_and_their_words_are_not_made() -> None:
    heard = []
    with listening(lambda *news: heard.append(news)), steps("looking", 1) as outer:
        with steps("climbing", 5) as inner:
            inner(5, unwanted)
        outer(1, lambda: "climbed")
    assert heard == [("looking", 0, 1, ""), ("looking", 1, 1, "climbed")]


def test_nobody_listens_afterwards_even_if_the_block_fails() -> None:
    heard = []
    with pytest.raises(KeyboardInterrupt), listening(lambda *news: heard.append(news)):
        raise KeyboardInterrupt
    with steps("climbing", 1) as advance:
        advance(1, unwanted)
    assert heard == []


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a person sees on standard error, with all that was drawn over again."""
    shown = io.StringIO()
    seen = partial(rich.console.Console, file=shown, force_terminal=True, width=120)
    monkeypatch.setattr("rich.console.Console", lambda stderr: seen(color_system=None))
    return shown


def test_the_bar_shows_the_task_and_the_words(screen: io.StringIO) -> None:
    with progress_bar(), steps("climbing", 4) as advance:
        for score in (1.25, 2.5, 3.75):
            advance(1, lambda score=score: f"[red]objective {score:.3g}[/red]")
    text = screen.getvalue()
    assert "climbing" in text
    assert " 75%" in text
    assert "[red]objective 3.75[/red]" in text


def test_a_bar_that_is_full_is_taken_away(screen: io.StringIO) -> None:
    with progress_bar():
        for task in ("climbing", "attacking"):
            with steps(task, 2) as advance:
                advance(1, lambda: "half of it")
                advance(1)
            before = screen.getvalue()
    assert "climbing" not in screen.getvalue()[len(before) :]


def test_without_a_person_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(), steps("climbing", 1) as advance:
        advance(1, unwanted)
    assert capsys.readouterr().err == ""


class Notebook:
    """What a notebook keeps in one place, with all that stood there before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
        monkeypatch.setattr("IPython.display.DisplayHandle", lambda: self)
        self.display = self.update

    def update(self, content: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(content["text/html"])


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    return Notebook(monkeypatch)


def test_a_notebook_shows_a_bar_without_widgets_and_erases_it(notebook, monkeypatch) -> None:
    times = iter((0.0, 0.0, 2.0, 4.0, 6.0, 8.0))
    monkeypatch.setattr("innerview.progress.monotonic", lambda: next(times))
    with progress_bar(), steps("climbing", 4) as advance:
        advance(1, lambda: "objective 1.5")
        advance(2)
        advance(1)
    bar = '<progress value="{}" max="4" aria-label="climbing"></progress>'
    assert notebook.shown == [
        "",
        f"climbing {bar.format(0)} 0%",
        f"climbing {bar.format(1)} 25% · 6 s left · objective 1.5",
        f"climbing {bar.format(3)} 75% · 1 s left",
        "",
        "",
    ]


def test_a_bar_in_a_notebook_is_not_drawn_more_often_than_is_seen(notebook, monkeypatch) -> None:
    monkeypatch.setattr("innerview.progress.monotonic", lambda: 0.0)
    with progress_bar(), steps("climbing", 1000) as advance:
        for _ in range(999):
            advance(1)
    assert len(notebook.shown) == 3


def test_a_bar_in_a_notebook_is_escaped_and_goes_when_the_work_fails(notebook) -> None:
    with pytest.raises(KeyboardInterrupt), progress_bar(), steps("<b>", 4):
        raise KeyboardInterrupt
    assert notebook.shown[1].startswith("&lt;b&gt; <progress")
    assert notebook.shown[-1] == ""
    with steps("climbing", 1) as advance:
        advance(1, unwanted)


def test_a_terminal_shows_its_own_bar_also_under_ipython(screen, monkeypatch) -> None:
    monkeypatch.setattr("IPython.get_ipython", SimpleNamespace)
    with progress_bar(), steps("climbing", 2) as advance:
        advance(1)
    assert "climbing" in screen.getvalue()
