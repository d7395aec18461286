"""The page for those who have just trained a network runs as it is printed, and what it says is so."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jaxtyping import config
from PIL import Image

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """The script that runs it."""
    spec = spec_from_file_location("just_trained", DOCS / "just_trained.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ran(page: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where its files are, and its names; as a reader runs it, without the checker of types."""
    folder = tmp_path_factory.mktemp("page")
    config.update("jaxtyping_disable", True)
    try:
        return folder, page.run(folder)
    finally:
        config.update("jaxtyping_disable", False)


def test_every_file_that_it_names_is_written(ran) -> None:
    folder, _ = ran
    named = {"where", "kernels", "inside", "wanted", "fooled", "maps", "statistics", "digit"}
    named |= {"innerview-explain-digit", "innerview-attack-digit", "innerview-synthesize"}
    assert {path.stem for path in folder.glob("*.png")} == named
    assert {path.name for path in folder.glob("*.html")} == {"tour.html", "innerview-tour-digit.html"}
    assert (folder / "kernels.gif").stat().st_size > 1000


def test_the_network_reads_digits(ran) -> None:
    """95 %: a linear model reaches 91 % of these digits, which other people wrote."""
    assert ran[1]["right"].float().mean() > 0.95


def test_every_picture_that_it_makes_is_of_its_class(ran) -> None:
    _, names = ran
    net, wanted = names["net"], names["wanted"]
    assert (wanted.scores > 0).all()
    assert net.logits(net.preprocess.normalise(wanted.pixels)).argmax(1).tolist() == list(range(10))


def test_the_same_training_was_recorded(ran) -> None:
    """The recorder changes nothing, so that both networks are the same."""
    _, names = ran
    pairs = zip(names["model"].parameters(), names["again"].parameters(), strict=True)
    assert all(one.equal(other) for one, other in pairs)


def test_its_pictures_are_there_and_small(page: ModuleType) -> None:
    for name in page.PICTURES.values():
        assert f"images/{name}" in page.PAGE.read_text("utf-8")
        assert (page.IMAGES / name).stat().st_size < 150_000
        with Image.open(page.IMAGES / name) as image:
            assert image.width > 400
