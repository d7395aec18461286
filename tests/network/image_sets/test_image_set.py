"""Populations of images: the same order, ids and digest wherever they lie, and nothing lost for a bad file."""

import os
import pickle
import shutil
import tarfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import FakeData, ImageFolder

import innerview as iv
from innerview.network.image_sets.files import is_image

NAMES = ["ox/b.png", "bison/z.JPG", "bison/a.webp", "ox/deep/er.bmp", "ox/é.gif"]
ORDERED = ["bison/a.webp", "bison/z.JPG", "ox/b.png", "ox/deep/er.bmp", "ox/é.gif"]


def picture(number: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images of two classes, and what is none."""
    root = tmp_path / "animals"
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture(number).save(root / name)
    (root / "notes.txt").write_text("nothing")
    (root / "ox" / ".hidden.png").write_bytes(b"nothing")
    return root


@pytest.fixture
def archive(folder: Path) -> Path:
    """The same in an archive, in another order."""
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as tar:
        for name in [*NAMES, "notes.txt"]:
            tar.add(folder / name, f"./{name}")
    return path


def ids(images: iv.ImageSet) -> list[str]:
    return [images.id(place) for place in range(len(images))]


def pixels(images: iv.ImageSet) -> list[np.ndarray]:
    return [np.asarray(image) for image in images]


def test_a_folder_is_read_in_the_order_of_its_names_with_its_folders_as_classes(folder: Path) -> None:
    images = iv.image_set(folder)
    assert ids(images) == ORDERED
    assert images.classes == ("bison", "ox")
    assert [images.label(place) for place in range(5)] == ["bison", "bison", "ox", "ox", "ox"]
    assert images.manifest["bytes"].to_pylist() == [(folder / name).stat().st_size for name in ORDERED]
    assert images.manifest["time"].to_pylist() == [(folder / name).stat().st_mtime_ns for name in ORDERED]
    with Image.open(folder / "ox/b.png") as expected:
        assert np.array_equal(np.asarray(images.read(2)), np.asarray(expected))
    assert repr(images) == "ImageSet('animals': 5 images of 2 classes)"


def test_an_archive_is_the_folder_that_it_unpacks_to(folder: Path, archive: Path) -> None:
    unpacked, packed = iv.image_set(folder), iv.image_set(archive)
    assert ids(packed) == ids(unpacked)
    assert packed.digest() == unpacked.digest()
    assert packed.classes == unpacked.classes
    for one, other in zip(pixels(packed), pixels(unpacked), strict=True):
        assert np.array_equal(one, other)


def test_several_archives_are_one_set(folder: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "1.tar", tmp_path / "2.tar"]
    for path, names in zip(paths, (NAMES[:2], NAMES[2:]), strict=True):
        with tarfile.open(path, "w") as tar:
            for name in names:
                tar.add(folder / name, name)
    assert iv.image_set(paths).digest() == iv.image_set(folder).digest()


def test_of_a_name_that_an_archive_holds_twice_the_last_counts(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(folder / NAMES[0], "x.png")
        tar.add(folder / NAMES[1], "x.png")
    (only,) = iv.image_set(tmp_path / "a.tar")
    with Image.open(folder / NAMES[1]) as last:
        assert np.array_equal(np.asarray(only), np.asarray(last))


def test_a_list_of_paths_may_have_labels_in_its_order(folder: Path) -> None:
    paths = [folder / name for name in NAMES]
    images = iv.image_set(paths, labels=["1", "2", "3", "4", "5"])
    assert ids(images) == sorted(map(str, paths))
    by_id = dict(zip(ids(images), (images.label(place) for place in range(5)), strict=True))
    assert [by_id[str(path)] for path in paths] == ["1", "2", "3", "4", "5"]


def test_labels_come_from_a_csv_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("path,label\nox/b.png,horned\nbison/z.JPG,woolly\n")
    images = iv.image_set(folder, labels=file)
    assert images.classes == ("horned", "woolly")
    assert [images.label(place) for place in range(5)] == [None, "woolly", "horned", None, None]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\nox/none.png,a\n", "labels are of images of the set; there is none called 'ox/none.png': check"),
        ("file,class\nox/b.png,a\n", r"a CSV file of labels has the columns 'path' \(or 'id'\) and 'label'; .* has fi"),
    ],
)
def test_labels_that_do_not_fit_are_refused(folder: Path, tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(iv.LabelError, match=sentence):
        iv.image_set(folder, labels=tmp_path / "labels.csv")
    with pytest.raises(iv.LabelError, match="labels are one for each image; got 1 for 5 images"):
        iv.image_set(folder, labels=["ox"])


def test_links_are_followed_within_the_root_only(folder: Path, tmp_path: Path) -> None:
    picture(9).save(tmp_path / "outside.png")
    (folder / "ox" / "inside.png").symlink_to(folder / "ox" / "b.png")
    (folder / "ox" / "outside.png").symlink_to(tmp_path / "outside.png")
    (folder / "ox" / "loop").symlink_to(folder)
    images = iv.image_set(folder)
    assert ids(images) == [*ORDERED[:4], "ox/inside.png", ORDERED[4]]
    assert images.left_out == {"ox/outside.png": "a link that leads out of the folder"}


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_is_spelled_out(folder: Path) -> None:
    name = os.fsdecode(b"ox/\xff.png")
    try:
        shutil.copy(folder / "ox/b.png", folder / name)
    except OSError:
        pytest.skip("this file system takes only text")
    images = iv.image_set(folder)
    place = ids(images).index("ox/\\xff.png")
    assert images.read(place).size == (12, 9)


def test_a_file_that_was_changed_or_removed_is_an_error_when_it_is_read(folder: Path, archive: Path) -> None:
    images, packed = iv.image_set(folder), iv.image_set(archive)
    picture(7).resize((30, 30)).save(folder / ORDERED[1])
    (folder / ORDERED[0]).unlink()
    (folder / ORDERED[2]).write_bytes(b"")
    os.utime(archive, ns=(1, 1))
    kinds = []
    for place in range(3):
        with pytest.raises(iv.ImageError) as refused:
            images.read(place)
        kinds.append(refused.value.kind)
    assert kinds == ["missing", "changed", "changed"]
    assert images.read(3).size == (12, 9)
    with pytest.raises(iv.ImageError, match="was changed since the image set was made; make the set anew"):
        packed.read(0)


def test_a_bad_file_is_listed_and_is_an_error_only_when_it_is_read(folder: Path, tmp_path: Path) -> None:
    (folder / "ox" / "bad.jpg").write_bytes(b"no picture")
    images = iv.image_set(folder)
    assert len(images) == 6
    with pytest.raises(iv.ImageError, match=r"bad\.jpg' is not a JPEG"):
        images.read(ids(images).index("ox/bad.jpg"))
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.add(folder / "ox" / "bad.jpg", "bad.jpg")
    with pytest.raises(iv.ImageError, match=r"bad\.tar/bad\.jpg' is not a JPEG"):
        iv.image_set(tmp_path / "bad.tar").read(0)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda root: root / "none", "there is no folder or archive '.*none'; check the path"),
        (lambda root: root / "empty", "an image set holds at least one image; there is none in 'empty'"),
        (lambda root: root / "broken.tar", r"broken.tar' is no tar archive that can be read"),
        (lambda root: root / "a.tar.gz", r"archives of images are not compressed, .*; got 'a.tar.gz'"),
        (lambda root: [root / "a.png", root / "a.png"], "each image of a set has an id of its own; .* has two called"),
        (lambda root: 3, "an image set is made of a folder, .*; got int"),
    ],
)
def test_what_is_no_population_is_refused(tmp_path: Path, made, sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.tar").write_bytes(b"x" * 2000)
    (tmp_path / "a.tar.gz").write_bytes(b"x")
    with pytest.raises(iv.ImageError, match=sentence):
        iv.image_set(made(tmp_path))


def test_datasets_of_torchvision_are_taken_as_they_are(folder: Path) -> None:
    dataset = ImageFolder(folder)
    images = iv.image_set(dataset)
    assert len(images) == 5
    assert images.name == "ImageFolder"
    assert images.classes == ("bison", "ox")
    assert [images.label(place) for place in range(5)] == ["bison", "bison", "ox", "ox", "ox"]
    assert np.array_equal(np.asarray(images.read(3)), np.asarray(dataset[3][0]))
    part = iv.image_set(Subset(dataset, [4, 0]))
    assert [part.label(place) for place in range(2)] == ["ox", "bison"]
    unlabelled = iv.image_set(FakeData(12, image_size=(3, 8, 8)))
    assert (ids(unlabelled)[-1], unlabelled.label(3)) == ("11", None)


def test_rows_of_named_columns_are_taken_as_they_are() -> None:
    class Rows(list):
        features: ClassVar = {"image": None, "label": type("ClassLabel", (), {"names": ["ox", "bison"]})()}

        def __getitem__(self, key):
            return [row["label"] for row in self] if key == "label" else super().__getitem__(key)

    images = iv.image_set(Rows({"image": picture(number), "label": number % 2} for number in range(3)))
    assert [images.label(place) for place in range(3)] == ["ox", "bison", "ox"]
    assert np.array_equal(np.asarray(images.read(2)), np.asarray(picture(2)))


def test_prepared_tensors_stay_as_they_are() -> None:
    x = torch.randn(4, 3, 8, 8)
    assert torch.equal(iv.image_set(TensorDataset(x, torch.arange(4))).read(2), x[2])
    assert torch.equal(iv.image_set(list(x)).read(2), x[2])


def test_an_item_that_raises_or_is_no_picture_is_an_image_error() -> None:
    class Bad(list):
        def __getitem__(self, key):
            if key == 1:
                raise ValueError("no such page")
            return "text"

    images = iv.image_set(Bad([0, 1]))
    with pytest.raises(iv.ImageError, match=r"item 1 of the dataset cannot be read \(ValueError\('no such page'\)\)"):
        images.read(1)
    with pytest.raises(iv.ImageError, match=r"a dataset gives a picture, .*; item 0 is str with str"):
        images.read(0)


def test_the_digits_are_those_that_lenet_knows() -> None:
    images = iv.image_set("digits")
    assert (len(images), images.classes) == (1797, tuple("0123456789"))
    net = iv.load("builtin/lenet")
    some = range(0, 1797, 40)
    found = net.predict([images.read(place) for place in some], top=1)
    assert sum(each[0].label == images.label(place) for each, place in zip(found, some, strict=True)) > 0.8 * len(some)


def test_shards_are_consecutive_and_a_set_goes_to_other_processes(folder: Path, archive: Path) -> None:
    images = iv.image_set(folder)
    assert images.shards(2) == [range(2), range(2, 4), range(4, 5)]
    assert iv.image_set(images) is images
    for each in (images, iv.image_set(archive), iv.image_set("digits")):
        again = pickle.loads(pickle.dumps(each))
        assert again.digest() == each.digest()
        assert np.array_equal(np.asarray(again.read(1)), np.asarray(each.read(1)))


def test_the_digest_depends_on_names_sizes_and_labels(folder: Path) -> None:
    before = iv.image_set(folder).digest()
    os.utime(folder / ORDERED[0], ns=(1, 1))
    assert iv.image_set(folder).digest() == before
    relabelled = iv.image_set(folder, labels=dict.fromkeys(ORDERED, "ox")).digest()
    (folder / ORDERED[0]).rename(folder / "bison/b.webp")
    renamed = iv.image_set(folder).digest()
    picture(3).resize((40, 40)).save(folder / "bison/b.webp")
    assert len({before, relabelled, renamed, iv.image_set(folder).digest()}) == 4


def test_a_place_outside_the_set_is_an_error(folder: Path) -> None:
    with pytest.raises(iv.ImageError, match="the images of 'animals' are 0 to 4; got 5"):
        iv.image_set(folder).read(5)


@pytest.mark.parametrize(("name", "image"), [("a.JPEG", True), ("b/.a.png", False), ("a.txt", False), ("x/b", False)])
def test_images_are_told_by_their_ending(name: str, image: bool) -> None:
    assert is_image(name) is image
