"""What a notebook shows: of every result its figure with a caption, of a network its layers."""

import base64
import io
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module

import numpy as np
import pytest
import torch
from known import made, net
from PIL import Image
from torch import nn

import innerview as iv
from fingerprint import fingerprint
from innerview import notebook
from innerview.saved import RESULTS
from innerview.show.notebook import LARGEST, bundle
from small_networks import SmallCNN, images, network

HOSTILE = '<script>alert(1)</script>" onerror="alert(2) $\\frac{a}{b}$'


class Page(HTMLParser):
    """The elements of a piece of HTML with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def picture(page: Page) -> Image.Image:
    (image,) = page.all("img")
    kind, _, data = str(image["src"]).partition(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def assert_harmless(page: Page) -> None:
    assert not {tag for tag, _ in page.elements} & {"script", "iframe", "object", "link", "style"}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_shows_its_figure_with_a_caption(kind: str) -> None:
    shown = made(kind)._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/plain"] == repr(made(kind))
    page = Page(shown["text/html"])
    assert_harmless(page)
    seen = np.asarray(picture(page).convert("L"))
    assert np.ptp(seen) > 200
    assert len({tag for tag, _ in page.elements} & {"figure", "figcaption"}) == 2
    assert made(kind).origin in page.words
    assert str(page.all("img")[0]["alt"]).startswith(f"{kind}, {made(kind).origin}: ")
    assert len(page.words.partition(made(kind).origin)[2].strip()) > 30


@pytest.mark.parametrize("kind", RESULTS)
def test_names_from_outside_are_words_and_nothing_else(kind: str) -> None:
    origin = replace(made(kind).provenance, network=HOSTILE)
    page = Page(replace(made(kind), provenance=origin)._repr_mimebundle_()["text/html"])
    assert_harmless(page)
    assert HOSTILE in page.words
    assert HOSTILE in str(page.all("img")[0]["alt"])


def test_a_map_is_read_as_its_method_says() -> None:
    words = Page(made("Attribution")._repr_mimebundle_()["text/html"]).words
    assert "IntegratedGradients of SmallCNN" in words
    assert (iv.IntegratedGradients.__doc__ or "").split(".")[0] in words


def test_the_picture_is_as_wide_as_its_figure_and_never_too_large() -> None:
    page = Page(made("Filters")._repr_mimebundle_()["text/html"])
    width = iv.figure(made("Filters")).get_figwidth()
    assert page.all("img")[0]["width"] == str(round(96 * width))
    assert picture(page).width == pytest.approx(1.25 * 96 * width, abs=2)
    many = replace(made("Attribution"), total=None)
    rows = {"values": many.values[:1].repeat(32, 1, 1, 1), "pictures": many.pictures[:1].repeat(32, 1, 1, 1)}
    seen = picture(Page(replace(many, **rows)._repr_mimebundle_()["text/html"]))
    assert 0.9 * LARGEST < seen.width * seen.height <= 1.01 * LARGEST


def test_what_cannot_be_drawn_is_text_with_the_reason() -> None:
    many = made("Attribution")
    rows = {"values": many.values[:1].repeat(33, 1, 1, 1), "pictures": many.pictures[:1].repeat(33, 1, 1, 1)}
    result = replace(many, total=None, **rows)
    assert result._repr_mimebundle_() == {
        "text/plain": f"{result!r}\nThere is no picture of it here: a sheet holds 1 to 32 images and up to 48 results; "
        "got 33 and 1. Draw some at a time: figure(results, images=range(32))"
    }


def test_what_draws_is_found_by_its_name() -> None:
    assert import_module(notebook.VIEW).bundle is bundle


def test_a_recording_is_shown_too() -> None:
    recording = iv.Recorder(net(), [iv.FilterImages("conv1")]).recording()
    words = Page(recording._repr_mimebundle_()["text/html"]).words
    assert "1 snapshots of SmallCNN, iterations 0" in words


def rows(page: Page) -> list[str]:
    return [tag for tag, _ in page.elements if tag == "tr"][1:]


def test_a_network_shows_its_layers() -> None:
    before = fingerprint(net().module, images(1)) | {"random": "the checker of types picks items at random"}
    shown = net()._repr_mimebundle_()
    assert shown["text/plain"] == repr(net())
    page = Page(shown["text/html"])
    assert_harmless(page)
    assert len(rows(page)) == len(net().layers())
    assert "377 parameters, torch.float32 on cpu, inputs of 3 × 8 × 8" in page.words
    assert "".join(page.words.split()).count("Conv2d4×8×811231") == 1
    assert fingerprint(net().module, images(1)) | {"random": before["random"]} == before
    assert "details" not in dict(page.elements)


def test_many_layers_are_folded() -> None:
    deep = iv.Network(nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()) for _ in range(15))))
    page = Page(deep._repr_mimebundle_()["text/html"])
    assert len(page.all("details")) == 1
    assert "All 45 layers, nested ones included" in page.words
    assert [each["style"] for each in page.all("div") if "style" in each] == ["max-height: 30em; overflow: auto"]


def test_names_of_a_network_are_words_and_nothing_else() -> None:
    module = nn.Sequential()
    module.add_module("<b onclick=alert(1)>", nn.Flatten())
    page = Page(iv.Network(module, name=HOSTILE)._repr_mimebundle_()["text/html"])
    assert_harmless(page)
    assert HOSTILE in page.words
    assert "<b onclick=alert(1)>" in page.words


def test_a_network_that_does_not_run_is_text_with_the_reason() -> None:
    small = iv.Network(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), iv.Preprocess(size=8))
    shown = small._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert shown["text/plain"].startswith(f"{small!r}\nThere is no picture of it here: Sequential does not run on an ")
    assert "input of [1, 3, 8, 8]: " in shown["text/plain"]


IN_IPYTHON = """
import sys
from IPython.{module} import {kind}
import innerview as iv
import torch
shell = {kind}.instance(colors="nocolor")
net = iv.Network(torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Flatten()), iv.Preprocess(size=4))
result = iv.filters(net)

def formats():
    found = [shell.display_formatter.format(each)[0] for each in (result, net)]
    assert all(each["text/plain"] == repr(shown) for each, shown in zip(found, (result, net))), found
    return [set(each) for each in found]
"""


def ipython(kind: str, module: str, code: str) -> str:
    """What a shell of this kind says while it formats a result and a network."""
    code = IN_IPYTHON.format(kind=kind, module=module) + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_ipython_in_a_terminal_draws_nothing() -> None:
    ipython(
        "TerminalInteractiveShell",
        "terminal.interactiveshell",
        'assert formats() == [{"text/plain"}] * 2; assert "matplotlib" not in sys.modules',
    )


def test_ipython_elsewhere_draws_and_a_fault_while_drawing_is_seen_and_does_not_hide_the_result() -> None:
    said = ipython(
        "InteractiveShell",
        "core.interactiveshell",
        """
assert formats() == [{"text/plain", "text/html"}] * 2
import innerview.show.notebook as view
def broken(*_): raise ZeroDivisionError("in the drawing")
view.figure = view.layer_table = broken
assert formats() == [{"text/plain"}] * 2
""",
    )
    assert said.count("ZeroDivisionError: in the drawing") == 2


def test_printing_a_result_imports_neither_ipython_nor_matplotlib() -> None:
    code = (
        "import sys, torch, innerview as iv; net = iv.Network(torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))); "
        "print(iv.filters(net), net); "
        "assert not {'IPython', 'matplotlib', 'jinja2'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_results_on_the_network_have_no_more_than_they_need() -> None:
    """The picture of a small result is small: it stays in the notebook's file."""
    result = iv.GradCAM()(network(SmallCNN()), images(1))
    assert len(result._repr_mimebundle_()["text/html"]) < 60_000
    assert torch.isfinite(result.values).all()
