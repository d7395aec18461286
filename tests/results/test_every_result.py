"""What every kind of result promises: it is saved and read back as it was, drawn, and prints as one line."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch
from known import MAKE, attacked, made, net, without_optional_parts
from PIL import Image
from torch import Tensor

import innerview as iv
from innerview.errors import ResultError
from innerview.results import Result, read_as
from innerview.saved import RESULTS
from innerview.show.drawing.paper import rendered
from reading import outside, words


def assert_same(found: Any, expected: Any) -> None:
    """Equal in type, values, precision and, for tensors, NaN."""
    assert type(found) is type(expected) or isinstance(expected, Mapping | int | float)
    if isinstance(expected, Tensor):
        torch.testing.assert_close(found, expected.cpu(), rtol=0, atol=0, equal_nan=True)
    elif is_dataclass(expected):
        for each in fields(expected):
            assert_same(getattr(found, each.name), getattr(expected, each.name))
    elif isinstance(expected, Mapping):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


def test_there_is_one_of_each_kind() -> None:
    assert sorted(MAKE) == sorted(RESULTS)
    assert all(type(made(kind)) is RESULTS[kind] for kind in RESULTS)


@pytest.mark.parametrize("kind", RESULTS)
def test_it_is_read_back_as_it_was(kind: str, tmp_path: Path) -> None:
    made(kind).save(tmp_path / "a.safetensors")
    assert_same(iv.read(tmp_path / "a.safetensors"), made(kind))


@pytest.mark.parametrize("kind", RESULTS)
def test_it_is_drawn_and_its_figure_is_saved(kind: str, tmp_path: Path) -> None:
    drawn = iv.figure(made(kind))
    assert not outside(drawn)
    assert words(drawn)
    iv.save(made(kind), tmp_path / "a.png", dpi=40)
    assert np.ptp(np.asarray(Image.open(tmp_path / "a.png").convert("L"))) > 100


@pytest.mark.parametrize("kind", RESULTS)
def test_what_was_read_from_a_file_is_drawn_the_same(kind: str, tmp_path: Path) -> None:
    iv.save(made(kind), tmp_path / "a.safetensors")
    again = iv.read(tmp_path / "a.safetensors")
    assert np.array_equal(rendered(iv.figure(again), 40), rendered(iv.figure(made(kind)), 40))


@pytest.mark.parametrize("number", range(3))
def test_parts_that_are_not_there_are_not_there_afterwards(number: int, tmp_path: Path) -> None:
    result = without_optional_parts()[number]
    result.save(tmp_path / "a.safetensors")
    assert_same(iv.read(tmp_path / "a.safetensors"), result)


@pytest.mark.parametrize("kind", RESULTS)
def test_it_prints_as_one_line(kind: str) -> None:
    printed = repr(made(kind))
    assert printed.startswith(f"{kind}(")
    assert "\n" not in printed
    assert "tensor" not in printed
    assert len(printed) < 300


@pytest.mark.parametrize("kind", RESULTS)
def test_it_is_a_frozen_dataclass_that_prints_by_the_common_rule(kind: str) -> None:
    assert RESULTS[kind].__repr__ is Result.__repr__
    with pytest.raises(AttributeError):
        made(kind).provenance = None


def test_the_line_says_kind_method_network_question_shape_and_range() -> None:
    values = made("Attribution").values
    assert repr(made("Attribution")) == (
        f"Attribution(IntegratedGradients of SmallCNN, ox, gnu and 1 more: values [3, 3, 8, 8] "
        f"from {values.min():.4g} to {values.max():.4g})"
    )
    with_nan = replace(made("Attribution"), values=torch.tensor([1.0, 2, torch.nan]).view(3, 1, 1, 1))
    assert "values [3, 1, 1, 1] from 1 to 2, not all finite" in repr(with_nan)
    assert repr(made("Activations")).startswith("Activations(activations of SmallCNN: conv2 [2, 6, 4, 4] from ")
    assert repr(made("Activations")).endswith(" and 1 more)")
    assert repr(made("Snapshot")).startswith("Snapshot(Recorder of SmallCNN: kernels [4, 3, 3, 3] from ")
    assert repr(made("Shift")).startswith("Shift(shift of SmallCNN, ox: before, values [3, 1, ")


@pytest.mark.parametrize("kind", RESULTS)
def test_another_kind_is_not_taken_for_it(kind: str, tmp_path: Path) -> None:
    made(kind).save(tmp_path / "a.safetensors")
    other = next(each for each in RESULTS if each != kind)
    with pytest.raises(ResultError) as refused:
        read_as(tmp_path / "a.safetensors", RESULTS[other])
    assert str(refused.value) == f"{tmp_path}/a.safetensors does not hold a saved {other}; it holds a {kind}"


def changed(path: Path, old: str, new: str) -> None:
    """Write the file again with another text in its header."""
    with safetensors.safe_open(path, "pt") as file:
        header = file.metadata()["innerview"]
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert old in header
    safetensors.torch.save_file(tensors, path, {"innerview": header.replace(old, new, 1)})


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"format": 1', '"format": 2', "has format 2 of saved results, and this version reads 1: update it"),
        ('"values": "values"', '"values": "value"', "safetensors has missing or unknown parts: 'value'"),
        ('"values": "values"', '"values": "pictures"', "Float[Tensor, 'batch map map_row map_column'] is expected"),
        ('"signed": true', '"signed": 1', "parts: bool is expected; got 1"),
        ('"reduction": "sum"', '"reduction": "product"', "is expected; got 'product'"),
        ('"signed": true', '"signed": true, "more": 1', "parts: Attribution has no more"),
        ('"objective": [', '"objective": {}, "o": [', "parts: tuple is expected; got {}"),
        ('"fields": {', '"fields": [], "f": {', "safetensors has missing or unknown parts: "),
        ('"weights": "', '"weights": null, "w": "', "parts: str is expected; got None"),
    ],
)  # fmt: skip
def test_a_file_that_was_tampered_with_is_refused(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    made("Attribution").save(tmp_path / "a.safetensors")
    changed(tmp_path / "a.safetensors", old, new)
    with pytest.raises(ResultError) as refused:
        iv.read(tmp_path / "a.safetensors")
    assert sentence in str(refused.value)


def test_a_header_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors", {"innerview": "[" * 100_000})
    with pytest.raises(ResultError, match="is not a result that innerview wrote, or it is damaged"):
        iv.read(tmp_path / "a.safetensors")


def test_a_tensor_that_two_fields_share_is_stored_once(tmp_path: Path) -> None:
    found = made("Activations")
    assert found.grids["conv2"] is found.outputs["conv2"]
    found.save(tmp_path / "a.safetensors")
    with safetensors.safe_open(tmp_path / "a.safetensors", "pt") as file:
        names = list(file.keys())
    assert sorted(names) == ["outputs/conv2", "outputs/fc", "outputs/relu", "pictures"]


def test_what_the_properties_say_is_the_same_afterwards(tmp_path: Path) -> None:
    attacked().save(tmp_path / "a.safetensors")
    again = iv.read(tmp_path / "a.safetensors")
    assert [again.history(image) for image in range(3)] == [attacked().history(image) for image in range(3)]
    assert again.history(0)[0].label == net().predict(attacked().inputs)[0][0].label
