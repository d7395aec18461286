"""`innerview tour`: one page, and where it is."""

from pathlib import Path

import factory
import pytest


@pytest.fixture(autouse=True)
def opened(monkeypatch) -> list[str]:
    """What the browser was asked to show."""
    pages: list[str] = []
    monkeypatch.setattr("webbrowser.open", pages.append)
    return pages


def test_the_page_and_what_is_said_of_it(run, photos, small, opened, quick_tour) -> None:
    best = factory.small().predict(photos[0], 1)[0][0]
    ended = run("tour", photos[0], *small)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"one.png: {best.label}, {best.probability:.1%}\nwrote innerview-tour-one.html\n"
    assert "<html" in Path("innerview-tour-one.html").read_text(encoding="utf-8")
    assert opened == []


@pytest.mark.parametrize("options", [["--objective", "logit:ox"], ["--target", "0"]])
def test_the_page_is_about_the_question(run, photos, small, quick_tour, options) -> None:
    assert run("tour", photos[0], *small, *options).code == 0
    assert "The page asks about <strong>ox</strong>." in Path("innerview-tour-one.html").read_text(encoding="utf-8")


def test_without_arguments_it_looks_at_the_sample_photograph(run, photos) -> None:
    ended = run("tour")
    assert ended.code == 0
    assert ended.out.startswith("grace_hopper.jpg: ")
    assert "tiny-resnet" in Path("innerview-tour-grace_hopper.html").read_text(encoding="utf-8")


def test_the_browser_is_opened_on_request(run, photos, small, opened, quick_tour) -> None:
    run("tour", photos[0], *small, "--open", "--out", "a page.html")
    assert opened == [f"{Path.cwd().as_uri()}/a%20page.html"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.png"], "there is no file 'none.png'; check the path"),
        (["one.png", "--objective", "logit:gnu"], None),
        (["one.png", "--objective", "max:conv9"], None),
        (["one.png", "--out", "page.pdf"], "--out is a file that ends in .html or .htm; got 'page.pdf'"),
    ],
)
def test_a_mistake_writes_nothing(run, photos, small, arguments, sentence) -> None:
    ended = run("tour", *arguments, *small)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert sentence is None or ended.err == f"innerview: {sentence}\n"
    assert sorted(path.name for path in Path().iterdir()) == ["one.png", "two.png"]
