"""Class names are found as people write them, and mistakes are answered with the candidates."""

from pathlib import Path

import pytest

from innerview.errors import LabelError, SettingError
from innerview.network.labels import Labels, as_labels

ANIMALS = Labels(
    (
        "crane",
        "African elephant, Loxodonta africana",
        "Indian elephant, Elephas maximus",
        "ox",
        "crane",
        "maillot",
        "maillot, tank suit",
    )
)


def sentence(labels: Labels, name: str | int) -> str:
    with pytest.raises(LabelError) as error:
        labels.index(name)
    return str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        1,
        "1",
        "African elephant",
        "african  ELEPHANT ",
        "Loxodonta africana",
        "African elephant, Loxodonta africana",
    ],
)
def test_a_class_is_found_by_index_label_or_synonym(name: str | int) -> None:
    assert ANIMALS.index(name) == 1


def test_a_class_is_called_by_its_first_synonym_unless_another_has_it_too() -> None:
    names = [ANIMALS.name(index) for index in range(len(ANIMALS))]
    assert names == ["crane", "African elephant", "Indian elephant", "ox", "crane", "maillot", "maillot, tank suit"]
    assert Labels((", ox", "bison")).name(0) == ", ox"
    weapons = Labels(("projectile, missile", "missile", "Cardigan, corgi", "cardigan"))
    assert [weapons.name(index) for index in range(4)] == ["projectile", "missile", "Cardigan, corgi", "cardigan"]
    assert [weapons.index(each) for each in ("missile", "projectile", "corgi")] == [1, 0, 2]
    assert sentence(weapons, "Cardigan").startswith("2 classes are called 'Cardigan': ")


def test_a_part_of_a_name_is_not_the_name() -> None:
    assert sentence(ANIMALS, "elephant").startswith("no class is called 'elephant'; the nearest are ")


def test_digits_are_a_name_before_they_are_an_index() -> None:
    assert Labels(("9", "8", "7")).index("9") == 0
    assert Labels(("9", "8", "7")).index("1") == 1


def test_an_ambiguous_name_lists_the_candidates() -> None:
    assert sentence(ANIMALS, "crane") == "2 classes are called 'crane': 0 ('crane'), 4 ('crane'); give the index"
    assert sentence(ANIMALS, "maillot") == (
        "2 classes are called 'maillot': 5 ('maillot'), 6 ('maillot, tank suit'); give the index"
    )


def test_an_unknown_name_lists_the_nearest() -> None:
    assert sentence(Labels(("ox", "African elephant", "bison")), "afrikan elefant") == (
        "no class is called 'afrikan elefant'; the nearest are 1 ('African elephant'), 2 ('bison'), 0 ('ox')"
    )


@pytest.mark.parametrize("index", [7, -1, "7", 10**30])
def test_indices_are_checked(index: str | int) -> None:
    assert sentence(ANIMALS, index) == f"class indices are 0 to 6; got {index}"
    if isinstance(index, int):
        with pytest.raises(LabelError, match="class indices are 0 to 6"):
            ANIMALS.name(index)


def test_names_and_length() -> None:
    assert len(ANIMALS) == 7
    assert ANIMALS.name(3) == "ox"


def test_labels_are_values(unchecked_types: None) -> None:
    assert Labels(["a", "b"]) == Labels(("a", "b"))
    assert hash(Labels(("a",))) == hash(Labels(("a",)))


def test_every_imagenet_name_finds_its_class_or_is_ambiguous(shared_data: Path) -> None:
    labels = Labels(tuple((shared_data / "imagenet_labels.txt").read_text().splitlines()))
    assert len(labels) == 1000
    assert labels.index("African elephant") == 386
    ambiguous = []
    for index, label in enumerate(labels.names):
        try:
            assert labels.index(label) == index
        except LabelError:
            ambiguous.append(label)
    assert set(ambiguous) == {"crane", "maillot", "cardigan"}
    assert sentence(labels, "crane") == "2 classes are called 'crane': 134 ('crane'), 517 ('crane'); give the index"
    assert "386 ('African elephant, Loxodonta africana')" in sentence(labels, "african elefant")


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "marked by a byte order"])
def test_labels_are_a_list_or_a_text_file_with_one_a_line(tmp_path: Path, start: str) -> None:
    (tmp_path / "names.txt").write_text(f"{start}ox\nbison, buffalo\nÄmse\n", encoding="utf-8")
    expected = Labels(("ox", "bison, buffalo", "Ämse"))
    for given in (tmp_path / "names.txt", str(tmp_path / "names.txt"), list(expected.names), expected):
        assert as_labels(given) == expected


def test_no_names_are_no_labels(tmp_path: Path) -> None:
    (tmp_path / "names.txt").touch()
    assert [as_labels(given) for given in (None, [], Labels(()), tmp_path / "names.txt")] == [None] * 4


@pytest.mark.parametrize(
    ("name", "reason"),
    [("absent.txt", "No such file or directory"), (".", "Is a directory"), ("picture", "it is no text in UTF-8")],
)
def test_labels_that_cannot_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(SettingError) as caught:
        as_labels(name)
    assert str(caught.value) == (
        f"labels are a list of names, or a text file with one a line; {name!r} cannot be read: {reason}"
    )
