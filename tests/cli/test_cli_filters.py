"""`innerview filters`."""

from pathlib import Path

import factory
import pytest
import torch
from factory import FACTORY
from PIL import Image

import innerview as iv
from innerview.cli.ranges import chosen
from innerview.errors import SettingError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_kernels_of_the_first_layer_by_default(run, small) -> None:
    ended = run("filters", *small)
    assert (ended.code, ended.out) == (0, "wrote innerview-filters-conv1.png\n")
    with Image.open("innerview-filters-conv1.png") as picture:
        assert min(picture.size) > 100


def test_the_raw_weights(run, small) -> None:
    assert (
        run("filters", "--layer", "conv2", *small, "--outputs", "2-3", "--inputs", "2", "--out", "k.safetensors").code
        == 0
    )
    saved = iv.read("k.safetensors")
    expected = iv.filters(factory.small(), "conv2", outputs=[2, 3], inputs=2)
    assert torch.equal(saved.kernels, expected.kernels)
    assert (saved.outputs, saved.inputs) == ((2, 3), (0, 1))


def test_the_weights_of_all_layers(run, small) -> None:
    assert run("filters", "--distribution", *small).out == "wrote innerview-filters-weights.png\n"
    assert run("filters", "--distribution", "--out", "w.safetensors", *small).code == 0
    assert iv.read("w.safetensors").layers == iv.weight_distributions(factory.small()).layers


def test_mistakes_end_with_one_sentence(run, small) -> None:
    ended = run("filters", "--layer", "conv9", *small)
    assert ended.code == 2
    assert ended.err.startswith("innerview: no layer 'conv9' in ")
    assert run("filters", "--out", "k.txt", *small).err == (
        "innerview: --out is a file that ends in .png or .webp or .svg or .pdf or .safetensors; got 'k.txt'\n"
    )
    assert run("filters", f"{FACTORY}:small").code == 2
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("text", "numbers"), [(None, None), ("20", 20), ("3-5", [3, 4, 5]), ("3, 5,8", [3, 5, 8]), ("0-1,7", [0, 1, 7])]
)
def test_numbers_of_channels(text: str | None, numbers: object) -> None:
    assert chosen(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "1,,2", "1.5"])
def test_what_is_no_number_of_channels(text: str) -> None:
    with pytest.raises(
        SettingError, match=r"^channels are given as a number of them, 20, a range, 32-63, or a list, 3,5,8; got"
    ):
        chosen(text)
