"""Pages for several images: each is that of a tour, and the index leads to it."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import innerview as iv
from innerview.show.page.report import tour
from innerview.show.page.several import write_tours
from quick import quick_tours
from small_networks import SmallCNN, network


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_tours():
        yield


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two of them have the same name, one a name that has to be quoted."""
    random = np.random.default_rng(0)
    paths = [tmp_path / "a" / "cat.png", tmp_path / "b" / "cat.png", tmp_path / "a" / 'a "ca&t" #1.png']
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return paths


def test_each_image_has_its_page_and_its_place_in_the_index(paths: list[Path], tmp_path: Path) -> None:
    net = network(SmallCNN(), labels=["ox", "bison", "zebra", "bee", "koala"])
    pages = write_tours(net, paths, tmp_path / "tour.html", top=2)
    assert [page.name for page in pages] == ["tour-cat.html", "tour-cat-2.html", 'tour-a "ca&t" #1.html']
    index = (tmp_path / "tour.html").read_text(encoding="utf-8")
    links = [unquote(each) for each in re.findall(r'<a href="([^"]+)"><img', index)]
    assert [tmp_path / each for each in links] == pages
    assert re.findall(r"<h3><a[^>]+>(\w+)</a>", index) == [net.predict(path, 1)[0][0].label for path in paths]
    assert pages[1].read_text(encoding="utf-8") == tour(net, paths[1], top=2)


def test_an_index_needs_an_image(tmp_path: Path) -> None:
    with pytest.raises(iv.SettingError, match="an index needs at least one image; got none"):
        write_tours(network(SmallCNN()), [], tmp_path / "tour.html")
    assert list(tmp_path.iterdir()) == []
