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


def test_without_arguments_it_looks_at_the_cat(run, photos, quick_tour) -> None:
    ended = run("tour")
    assert ended.code == 0
    assert ended.out.startswith("sample:cat: tiger cat, ")
    page = Path("innerview-tour-cat.html").read_text(encoding="utf-8")
    assert "innerview tour sample:cat --network builtin/efficientnet-lite0" in page


@pytest.mark.filterwarnings("default:builtin/efficientnet-lite0 is the default")
def test_without_the_weights_of_the_default_network_another_is_used_and_named(
    run, photos, quick_tour, monkeypatch
) -> None:
    monkeypatch.setattr("innerview.network.sources.own.find_spec", lambda name: None)
    ended = run("tour", photos[0])
    assert ended.code == 0
    assert ended.err.startswith("innerview: builtin/efficientnet-lite0 is the default, and its weights are the package")
    assert ended.err.count("\n") == 1
    assert "tiny-resnet" in Path("innerview-tour-one.html").read_text(encoding="utf-8")


def test_several_images_get_a_page_each_and_an_index(run, photos, small, quick_tour) -> None:
    ended = run("tour", *photos, "none.png", *small)
    assert ended.code == 2
    assert ended.err == "innerview: there is no file 'none.png'; check the path\n"
    pages = ["innerview-tour-one.html", "innerview-tour-two.html"]
    assert ended.out.splitlines()[-3:] == [f"wrote {each}" for each in (*pages, "innerview-tour.html")]
    index = Path("innerview-tour.html").read_text(encoding="utf-8")
    assert all(f'href="{each}"' in index and Path(each).exists() for each in pages)


def test_all_methods_on_request(run, photos, small, quick_tour) -> None:
    run("tour", photos[0], *small, "--all")
    assert "<h3>Score-CAM</h3>" in Path("innerview-tour-one.html").read_text(encoding="utf-8")


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
