"""The sample photographs are there by their names, wherever a path may stand."""

import pytest
from PIL import Image

import innerview as iv
from innerview.network import samples
from innerview.network.images import read_image
from innerview.network.samples import located


@pytest.mark.parametrize("name", iv.SAMPLES)
def test_each_sample_is_a_photograph(name: str) -> None:
    picture = read_image(f"sample:{name}")
    assert min(picture.size) >= 224
    with Image.open(located(f"sample:{name}")) as image:
        assert picture.size == image.size


def test_the_cats_compete_and_the_coffee_is_found() -> None:
    """The probabilities were computed with another implementation of the network, timm's, on the same photographs."""
    net = iv.load()
    cat, coffee = net.predict(["sample:cat", "sample:coffee"], top=3)
    assert [each.label for each in cat] == ["tiger cat", "Egyptian cat", "tabby"]
    assert [round(each.probability, 2) for each in cat] == pytest.approx([0.39, 0.36, 0.17], abs=0.011)
    assert (coffee[0].label, round(coffee[0].probability, 2)) == ("espresso", pytest.approx(0.95, abs=0.011))


def test_an_unknown_sample_is_answered_with_those_there_are() -> None:
    with pytest.raises(iv.ImageError) as refused:
        iv.load("builtin/lenet").prepare("sample:dog")
    assert str(refused.value) == (
        "the sample photographs are sample:cat, sample:coffee, sample:flower, sample:palace, sample:motorcycle, "
        "sample:cameraman, sample:officer; got 'sample:dog'"
    )
    assert refused.value.kind == "missing"


def test_a_sample_whose_package_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(iv.ImageError, match="'sample:cat' comes with the package skimage, which is not installed here"):
        read_image("sample:cat")
