"""The tour: complete, inert whatever the labels say, and one file."""

import base64
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import innerview as iv
from innerview.errors import SettingError
from innerview.progress import listening
from innerview.show.drawing.titles import plain, reading, wrapped
from innerview.show.page import report
from innerview.show.page.report import SECTIONS, tour, write_tour
from innerview.show.page.section import TAUGHT
from innerview.show.page.sections import prediction
from innerview.show.page.sections.layers import OVERVIEW, layer_table
from innerview.show.page.sections.prediction import percent
from innerview.show.page.tiles import strongest
from quick import quick_tours
from small_networks import SmallCNN, TinyViT, images, network

HOSTILE = [
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</style>\x00\x1b[31m\u202eline\nbreak \ud800",
]
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "link",
        "small",
        "title",
        "style",
        "body",
        "header",
        "main",
        "nav",
        "section",
        "small",
        "article",
        "footer",
    ),
    *("div", "figure", "img", "figcaption", "p", "h1", "h2", "h3", "span", "strong", "code", "pre", "br", "wbr", "a"),
    *("dl", "dt", "dd", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "footer"),
    *("svg", "path"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "rel", "href", "src", "alt", "class", "id", "style", "scope"),
    *("role", "tabindex", "aria-label", "aria-labelledby", "aria-hidden"),
    *("title", "viewbox", "preserveaspectratio", "d"),
}


class Page(HTMLParser):
    """What a browser would find on the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: dict[str, list[dict[str, str | None]]] = defaultdict(list)
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag].append(dict(attrs))
        if tag not in ("meta", "link", "img", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_tours():
        yield


@pytest.fixture(scope="module")
def net() -> iv.Network:
    return network(SmallCNN(), labels=["ox", "bison", "zebra", "bee", "koala"], name="builtin/small")


@pytest.fixture(scope="module")
def html(net: iv.Network, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("photos") / "a herd.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (160, 200, 3), dtype=np.uint8)).save(file)
    return tour(net, file, all_methods=True)


@pytest.fixture(scope="module")
def of_a_tensor(net: iv.Network) -> str:
    return tour(net, images(1), all_methods=True)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page with one section, for what does not depend on the sections."""
    monkeypatch.setattr(report, "SECTIONS", (prediction.SECTION,))


def test_the_page_is_well_formed_and_holds_everything_in_itself(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert set(page.elements) <= ELEMENTS
    assert {name for each in page.elements.values() for attributes in each for name in attributes} <= ATTRIBUTES
    assert "http" not in re.sub(r"data:image/[^\"]+", "", html).replace("http-equiv", "")
    assert all(image["src"].startswith("data:image/") for image in page.elements["img"])  # type: ignore[union-attr]
    assert all(link["href"].startswith("#") for link in page.elements["a"])  # type: ignore[union-attr]
    (policy,) = (each["content"] for each in page.elements["meta"] if "http-equiv" in each)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")  # type: ignore[union-attr]


def test_every_picture_is_described(html: str) -> None:
    described = [image.get("alt") or "" for image in Page(html).elements["img"]]
    assert min(map(len, described)) > 10
    assert any(re.search(r"CAM for .*: strongest (at|in) the", each) for each in described)


def test_headings_are_nested_and_anchors_lead_somewhere(html: str) -> None:
    page = Page(html)
    assert len(page.elements["h1"]) == 1
    names = {each["id"] for each in page.elements["section"]}
    assert names == {section.anchor for section in SECTIONS}
    assert {f"#{name}" for name in names} == {link["href"] for link in page.elements["a"]}


def test_every_method_of_the_catalogue_is_there(html: str) -> None:
    text = Page(html).text
    refused = text.partition("Not for this network")[2]
    for kind in iv.METHODS.values():
        assert kind.about.title in text
        if kind is iv.AttentionRollout:  # the network has no attention
            assert kind.about.title in refused
        else:
            assert kind.about.reference in text
            assert reading(kind)[0] in text


def test_a_page_shows_one_method_of_each_kind_unless_all_are_wanted(net: iv.Network) -> None:
    text = Page(tour(net, images(1))).text
    shown = [kind for kind in iv.METHODS.values() if f"{kind.about.reference} · {kind.about.cost}" in text]
    assert set(shown) <= set(TAUGHT)
    assert len(shown) == len(TAUGHT) - 1  # the network has no attention
    assert f"{len(iv.METHODS) - len(TAUGHT)} more methods: innerview tour --all" in text


def test_the_prediction_is_the_networks(html: str, net: iv.Network, tmp_path: Path) -> None:
    text = Page(html).text
    assert all(label in text for label in ("ox", "bison", "zebra", "bee", "koala"))
    section = html[html.index('<section id="prediction"') : html.index('<section id="layers"')]
    widths = [float(width) for width in re.findall(r'style="width: ([\d.]+)%"', section)]
    assert sum(widths) == pytest.approx(100, abs=0.1)
    assert widths == sorted(widths, reverse=True)


def test_how_it_was_made_is_said(html: str, net: iv.Network) -> None:
    text = Page(html).text
    assert net.digest() in text
    assert f"torch {metadata.version('torch')}" in text
    assert "innerview tour 'a herd.png' --network builtin/small --all" in text
    assert "net = iv.load('builtin/small')" in text


def test_the_maps_on_the_page_are_the_methods_own(net: iv.Network, of_a_tensor: str) -> None:
    """The picture beside the title "CAM" is CAM's heatmap, painted."""
    card = of_a_tensor[of_a_tensor.index("<h3>CAM</h3>") :]
    alone = re.findall(r'src="data:image/png;base64,([^"]+)"', card)[1]
    with Image.open(io.BytesIO(base64.b64decode(alone))) as image:
        pixels = np.asarray(image)
    heatmap = iv.CAM()(net, images(1)).heatmap()[0]
    assert np.array_equal(pixels, report.Scale.of([heatmap], signed=True).paint(heatmap))


def test_a_method_that_cannot_be_applied_is_listed_with_its_reason() -> None:
    vit = network(TinyViT())
    text = Page(tour(vit, images(1), all_methods=True)).text
    assert "Not for this network" in text
    assert "one linear layer over the global average of the last features; TinyViT computes them otherwise" in text
    assert "Grad-CAM ·" in text


def test_a_network_that_computes_nan_is_reported_and_not_drawn() -> None:
    broken = SmallCNN()
    net = network(broken)
    with torch.no_grad():
        broken.fc.weight.fill_(float("nan"))
    html = " ".join(tour(net, images(1)).split())
    assert "It looks at the picture and has <strong>no answer</strong>: its scores are not finite" in html
    assert html.count("not finite</span>") > 2 * len(TAUGHT) - 4
    assert "nothing broken" in html


def test_hostile_labels_names_and_titles_are_inert() -> None:
    everything = " ".join(HOSTILE)
    net = network(SmallCNN(), labels=HOSTILE, name=everything)
    html = tour(net, images(1), title=everything)
    page = Page(html)
    assert page.open == []
    assert set(page.elements) <= ELEMENTS
    assert {key for each in page.elements.values() for attributes in each for key in attributes} <= ATTRIBUTES
    assert all(image["src"].startswith("data:") for image in page.elements["img"])  # type: ignore[union-attr]
    assert all(plain(name) in page.text for name in HOSTILE)
    html.encode("utf-8")


def test_hostile_file_names_are_inert(net: iv.Network, tmp_path: Path) -> None:
    file = tmp_path / '"><img src=x onerror=alert(1)>.png'
    Image.new("RGB", (16, 16), "red").save(file)
    page = Page(tour(net, file))
    assert not any("onerror" in image for image in page.elements["img"])
    assert str(tmp_path) not in page.text


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.integers(1, 60))
def test_plain_text_is_one_printable_line(text: str, length: int) -> None:
    line = plain(text, length)
    assert len(line) <= length
    assert not any(sign in line for sign in "\n\r\t\x00\u2028\u202e")
    line.encode("utf-8")


@pytest.mark.parametrize(("width", "lines"), [(10, 1), (10, 2), (24, 2)])
def test_wrapped_text_keeps_to_its_lines(width: int, lines: int) -> None:
    text = wrapped("hippopotamus, hippo, river horse, Hippopotamus amphibius", width, lines).split("\n")
    assert len(text) == lines
    assert max(map(len, text)) <= width
    assert text[-1].endswith("…")


def test_captions_stop_before_the_equation() -> None:
    shows, hint = reading(iv.Gradient)
    assert shows == "Which pixels would change the score most if they were changed a little."
    assert hint == "Bright where a small change counts, whatever its direction; noisy by nature."
    assert "=" not in "".join(reading(iv.SmoothGrad))


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.9934, "99.3 %"), (0.00043, "0.04 %"), (1e-9, "< 0.01 %"), (0.0, "0.00 %"), (float("nan"), "not finite")],
)
def test_probabilities_in_words(probability: float, text: str) -> None:
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("row", "column", "words"), [(0, 0, "at the upper left"), (4, 4, "in the middle"), (8, 4, "at the bottom")]
)
def test_where_a_map_is_strongest_in_words(row: int, column: int, words: str) -> None:
    heatmap = torch.zeros(9, 9)
    heatmap[row, column], heatmap[4, 0] = 1.0, -3.0
    assert strongest(heatmap, signed=True) == words


def test_a_small_network_is_shown_whole_and_a_large_one_by_its_stages() -> None:
    small = layer_table(network(SmallCNN()).layers())
    assert len(small.overview) == small.total
    assert small.everything == []
    deep = torch.nn.Sequential(
        *(torch.nn.Sequential(*(torch.nn.ReLU() for _ in range(4))) for _ in range(9)),
        SmallCNN(),
    )
    large = layer_table(network(deep).layers())
    assert len(large.overview) == 10 <= OVERVIEW
    assert len(large.everything) == large.total == 9 * 5 + 7
    assert sum(row.cam for row in large.everything) == 1


def test_progress_is_told_for_each_part(net: iv.Network) -> None:
    heard: list[tuple[str, int, int, str]] = []
    with listening(lambda *step: heard.append(step)):
        tour(net, images(1))
    parts = len(TAUGHT) + len(SECTIONS) - 1 + 1  # the methods are parts of one section, another one has two
    task = "looking at the image"
    assert heard[:2] == [(task, 0, parts, ""), (task, 0, parts, "the answer")]
    assert [done for _, done, _, words in heard if not words] == list(range(parts + 1))
    assert {"SmoothGrad", "Occlusion", "pictures of what it looks for"} < {words for *_, words in heard}


@pytest.mark.usefixtures("short")
def test_a_page_is_written_whole_or_not_at_all(
    net: iv.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tour.html"
    write_tour(net, images(1), path)
    before = path.read_bytes()
    assert before.startswith(b"<!doctype html>")
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        write_tour(net, images(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_visit_gives_the_same_page(net: iv.Network, of_a_tensor: str) -> None:
    assert tour(net, images(1), all_methods=True) == of_a_tensor


@pytest.mark.parametrize(
    ("source", "top", "sentence"),
    [
        (images(2), 5, "a tour looks at one image; got 2. Make one page for each"),
        (images(1), 0, "top is a whole number, at least 1; got 0"),
    ],
)
def test_what_a_tour_cannot_do_is_refused(net: iv.Network, source: torch.Tensor, top: int, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        tour(net, source, top=top)
    assert str(caught.value) == sentence


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "source",
    [
        np.zeros((20, 30, 3), np.uint8),
        np.zeros((1, 20, 30, 3), np.uint8),
        torch.zeros(3, 20, 30, dtype=torch.uint8),
        [Image.new("L", (20, 30))],
    ],
)
def test_a_tour_takes_what_prepare_takes(net: iv.Network, source: object) -> None:
    assert "What does it see?" in tour(net, source)
