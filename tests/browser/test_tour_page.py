"""The tour in a real browser: it opens from a file, asks for nothing, and fits a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from innerview.show.page.report import write_tour
from innerview.show.page.section import TAUGHT
from quick import quick_tours
from small_networks import SmallCNN, network

CHROMIUM = Path("/usr/bin/chromium")
LABELS = [
    "a-class-name-of-one-word-that-is-much-longer-than-any-telephone-is-wide-and-does-not-end-soon",
    '"><img src=x onerror=alert(1)>',
    "</script><script>document.title = 'taken over'</script>",
    "African elephant, Loxodonta africana",
    "ox",
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tour")
    photograph = folder / f"{'a long file name ' * 9}.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (160, 200, 3), dtype=np.uint8)).save(photograph)
    with quick_tours():
        write_tour(network(SmallCNN(), labels=LABELS), photograph, folder / "tour.html")
    return folder / "tour.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), chromium_sandbox=False)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_quietly_and_fits(browser: Any, page_file: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    assert messages == []
    assert {url for url in asked if not url.startswith("data:")} == {page_file.as_uri()}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert page.evaluate("document.querySelectorAll('script, [onerror], iframe, object').length") == 0
    assert "taken over" not in page.title() or "<script>" in page.title()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, page_file: Path, scheme: str) -> None:
    """Contrast of at least 4.5, as WCAG 2.1 asks of body text, for all of the page's text colours."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(page_file.as_uri())
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    colours = {name: page.evaluate(read, f"--{name}") for name in ("ink", "quiet", "accent", "paper", "card", "soft")}
    grounds = [colours.pop(name) for name in ("paper", "card", "soft")]
    assert min(contrast(text, ground) for text in colours.values() for ground in grounds) >= 4.5
    assert (luminance(grounds[0]) > 0.5) == (scheme == "light")
    page.close()


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_methods_stand_side_by_side_on_a_wide_screen_and_below_each_other_on_a_phone(
    browser: Any, page_file: Path
) -> None:
    columns = "new Set([...document.querySelectorAll('#where article')].map(a => a.offsetLeft)).size"
    found = {}
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(page_file.as_uri())
        found[width] = page.evaluate(columns)
        page.close()
    assert found == {390: 1, 1280: 2}


def test_a_method_of_each_kind_is_on_the_page(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    drawn = page.locator("#where .card h3").all_inner_texts()
    refused = page.locator("#where .refused dt").all_inner_texts()
    assert refused == ["Attention rollout"]
    assert drawn == [kind.about.title for kind in TAUGHT if kind.about.title not in refused]
    page.close()
