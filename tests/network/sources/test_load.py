"""A name becomes a network with the weights, preprocessing and labels that belong to it."""

import io
import tarfile
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from innerview.errors import CheckpointError, DownloadError, LoadError, SettingError
from innerview.network.preprocess import Preprocess
from innerview.network.sources import zoo
from innerview.network.sources.load import load

NOT_FETCHED = 'pass a local file with weights="file.safetensors", on the command line --weights FILE'


def sentence(kind: type[Exception], name: str, **settings: object) -> str:
    with pytest.raises(kind) as error:
        load(name, **settings)
    assert type(error.value) is kind
    return str(error.value)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No connection, and nothing fetched before. The libraries are loaded, which is not part of the wait."""
    for library in ("timm", "transformers.models.auto.configuration_auto"):
        with suppress(ImportError):
            import_module(library)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


# ------------------------------------------------------------------------------------------------ builtin


@pytest.mark.parametrize(("name", "channels", "classes"), [("lenet", 1, 10), ("tiny-resnet", 3, 70)])
def test_a_builtin_network_comes_with_everything(name: str, channels: int, classes: int) -> None:
    net = load(f"builtin/{name}")
    assert net.name == f"builtin/{name}"
    assert net.preprocess.channels == channels
    assert len(net.labels) == classes
    assert not net.module.training
    assert {parameter.dtype for parameter in net.module.parameters()} == {torch.float32}
    assert load(name).digest() == net.digest() != load(name, weights="random").digest()


def test_a_builtin_network_with_other_classes_has_no_labels() -> None:
    net = load("lenet", weights="random", options={"classes": 4})
    assert net.labels is None
    assert net.module.fc3.out_features == 4


def test_weights_from_a_file_replace_the_builtin_ones(tmp_path: Path) -> None:
    state = {name: value + 1 for name, value in load("lenet").module.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    net = load("lenet", weights=tmp_path / "w.safetensors")
    assert torch.equal(net.module.fc3.bias, state["fc3.bias"])


def test_preprocess_replaces_the_sources_own() -> None:
    own = Preprocess(28, mean=(0.5,), std=(0.5,), interpolation="lanczos")
    assert load("lenet", preprocess=own).preprocess is own


def test_a_function_changes_a_part_of_the_preprocessing() -> None:
    own = load("tiny-resnet").preprocess
    net = load("tiny-resnet", preprocess=lambda known: replace(known, size=96))
    assert net.preprocess == replace(own, size=96)
    assert net.source.preprocess == net.preprocess


def test_labels_replace_those_that_come_with_the_name(tmp_path: Path) -> None:
    digits = [f"digit {number}" for number in range(10)]
    (tmp_path / "digits.txt").write_text("\n".join(digits))
    assert load("lenet", labels=digits).label(3) == load("lenet", labels=tmp_path / "digits.txt").label(3) == "digit 3"
    assert load("lenet", labels=()).labels is None


def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second = load("lenet", weights="random"), load("lenet", weights="random")
    assert first.digest() == second.digest()
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------------------------------------- mistakes


def test_an_unknown_name_lists_the_nearest() -> None:
    assert sentence(LoadError, "torchvision/resnte50").startswith(
        "no network is called 'torchvision/resnte50'; the nearest are torchvision/resnet50"
    )
    assert sentence(LoadError, "builtin/tiny-resnte").startswith(
        "no network is called 'builtin/tiny-resnte'; the nearest are builtin/tiny-resnet"
    )
    assert sentence(LoadError, "xyzzy/q") == (
        "no network is called 'xyzzy/q'; a name is builtin/NAME, torchvision/NAME, timm/NAME, hf/ORG/NAME or "
        "file.py:function"
    )


@pytest.mark.parametrize("name", ["", "/", "timm/", "hf/"])
def test_half_a_name_is_unknown(name: str) -> None:
    assert f"no network is called {name!r}" in sentence(LoadError, name)


@pytest.mark.parametrize("name", ["torchvision/resnet18", "timm/resnet18", "builtin/lenet"])
def test_an_unknown_option_is_named(name: str) -> None:
    assert sentence(LoadError, name, weights="random", options={"colour": 1}) == (
        f"{name} does not take the option 'colour'; the options given are colour"
    )


def test_a_device_that_does_not_exist_is_refused() -> None:
    assert sentence(SettingError, "lenet", device="gpu").startswith("device 'gpu' does not exist here; use cpu")
    if not torch.cuda.is_available():
        assert sentence(SettingError, "lenet", device="cuda").startswith("device 'cuda' does not exist here;")
    assert load("lenet", device="cpu").device == torch.device("cpu")


def test_a_weights_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / "w.safetensors")
    assert "1 unexpected (a)" in sentence(CheckpointError, "lenet", weights=tmp_path / "w.safetensors")


@pytest.mark.parametrize("library", ["timm", "transformers"])
def test_a_missing_library_is_named_with_its_installation(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, library, None)
    source = {"timm": "timm", "transformers": "hf"}[library]
    assert sentence(LoadError, f"{source}/a/b") == (
        f'{source}/a/b needs the library {library}; install it with: pip install "innerview[{source}]"'
    )


# ------------------------------------------------------------------------------------------- torchvision


def test_torchvision_brings_its_transforms_and_categories() -> None:
    net = load("torchvision/resnet18", weights="random")
    assert net.preprocess == Preprocess(224, resize=256)
    assert net.labels.index("African elephant") == 386
    assert load("resnet18", weights="random").name == "torchvision/resnet18"


def test_torchvision_with_other_classes_has_no_labels() -> None:
    assert load("torchvision/alexnet", weights="random", options={"num_classes": 7}).labels is None


def test_torchvision_weights_from_a_file(tmp_path: Path) -> None:
    saved = load("torchvision/squeezenet1_1", weights="random").module.state_dict()
    torch.save({"state_dict": {f"module.{name}": value + 1 for name, value in saved.items()}}, tmp_path / "w.pth")
    net = load("torchvision/squeezenet1_1", weights=tmp_path / "w.pth")
    assert torch.equal(net.module.classifier[1].bias, saved["classifier.1.bias"] + 1)
    assert len(net.labels) == 1000


def test_torchvision_downloads_once_checks_the_hash_and_reads_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    asked: list[tuple] = []

    def fetch(url: str, target: str, digest: str, progress: bool) -> None:
        asked.append((url, digest))
        torch.save(load("torchvision/squeezenet1_1", weights="random").module.state_dict(), target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    first, second = load("torchvision/squeezenet1_1"), load("torchvision/squeezenet1_1")
    assert first.digest() == second.digest()
    assert [(url.rpartition("/")[2], digest) for url, digest in asked] == [("squeezenet1_1-b8a52dc0.pth", "b8a52dc0")]


def test_the_networks_with_their_own_scaling_apply_it() -> None:
    assert load("torchvision/googlenet", weights="random").module.transform_input is True
    options = {"transform_input": False}
    assert load("torchvision/googlenet", weights="random", options=options).module.transform_input is False


def test_without_a_connection_torchvision_says_what_to_do(offline: None) -> None:
    start = time.perf_counter()
    text = sentence(DownloadError, "torchvision/squeezenet1_1")
    assert time.perf_counter() - start < 5
    assert text.startswith("torchvision/squeezenet1_1 needs its pretrained weights, which could not be fetched ([")
    assert text.endswith(f"; {NOT_FETCHED}")


# -------------------------------------------------------------------------------------------------- timm


def test_timm_brings_its_data_configuration_and_imagenets_labels() -> None:
    net = load("timm/resnet18.a1_in1k", weights="random")
    assert net.preprocess == Preprocess((224, 224), resize=235, interpolation="bicubic")
    assert net.labels.index("African elephant") == 386


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "mobilenetv2_100", "convnext_atto"])
def test_timm_preprocessing_equals_timms_own(name: str) -> None:
    timm = pytest.importorskip("timm")
    net = load(f"timm/{name}", weights="random")
    theirs = timm.data.create_transform(**timm.data.resolve_model_data_config(net.module))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 240, 3), dtype=np.uint8))
    torch.testing.assert_close(net.preprocess(picture), theirs(picture), rtol=0, atol=1e-5)


def test_timm_options_reach_the_preprocessing() -> None:
    options = {"img_size": 64, "in_chans": 1, "num_classes": 5}
    net = load("timm/vit_tiny_patch16_224", weights="random", options=options)
    assert net.preprocess.rows_columns == (64, 64)
    assert net.preprocess.channels == 1
    assert net.labels is None
    assert net.logits(Image.new("L", (80, 70))).shape == (1, 5)


def test_a_bare_name_with_a_tag_is_timms() -> None:
    assert load("resnet18.a1_in1k", weights="random").name == "timm/resnet18.a1_in1k"


def test_an_unknown_timm_tag_lists_the_known() -> None:
    assert "timm/resnet18.a1_in1k" in sentence(LoadError, "timm/resnet18.a9_in1k")


def test_a_timm_model_without_weights_says_so() -> None:
    assert sentence(LoadError, "timm/botnet50ts_256") == (
        'timm/botnet50ts_256 has no pretrained weights; pass weights="file.safetensors" or "random"'
    )


def test_without_a_connection_timm_says_what_to_do(offline: None) -> None:
    start = time.perf_counter()
    assert sentence(DownloadError, "timm/resnet18") == (
        "timm/resnet18 needs its pretrained weights, which could not be fetched (no connection to the model hub); "
        + NOT_FETCHED
    )
    assert time.perf_counter() - start < 5


def test_timm_weights_fetched_before_need_no_connection(
    offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = load("timm/mobilenetv3_small_050", weights="random")
    state = {name: value + 1 for name, value in random.module.state_dict().items()}
    save_file(state, tmp_path / "model.safetensors")
    monkeypatch.setattr(zoo.hub, "cached", lambda repository, file: str(tmp_path / file))
    net = load("timm/mobilenetv3_small_050")
    assert torch.equal(net.module.classifier.bias, state["classifier.bias"])


# ---------------------------------------------------------------------------------------------------- hf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        id2label={0: "cat", 1: "dog", 2: "ox"},
    )
    with torch.random.fork_rng(devices=[]):
        transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "vit")
    size = {"height": 32, "width": 32}
    transformers.ViTImageProcessor(size=size).save_pretrained(tmp_path / "vit")
    return tmp_path / "vit"


def test_a_local_hf_folder_brings_weights_processor_and_labels(folder: Path) -> None:
    net = load(f"hf/{folder}")
    assert net.labels.names == ("cat", "dog", "ox")
    assert net.preprocess == Preprocess((32, 32), mean=(0.5,) * 3, std=(0.5,) * 3, fit="squash")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    assert net.logits(picture).shape == (1, 3)
    assert load(f"hf/{folder}").digest() == net.digest() != load(f"hf/{folder}", weights="random").digest()


def test_hf_weights_from_a_file(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    state = {name: value + 1 for name, value in load_file(folder / "model.safetensors").items()}
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    net = load(f"hf/{folder}", weights=tmp_path / "w.pth")
    assert torch.equal(net.module.classifier.bias, state["classifier.bias"])
    assert net.digest() != load(f"hf/{folder}").digest()
    del state["classifier.bias"]
    torch.save(state, tmp_path / "w.pth")
    assert "no weights for 1 parts of a classifier (classifier.bias)" in sentence(
        CheckpointError, f"hf/{folder}", weights=tmp_path / "w.pth"
    )


def test_hf_options_are_entries_of_the_configuration(folder: Path) -> None:
    net = load(f"hf/{folder}", weights="random", options={"num_hidden_layers": 2})
    assert len([name for name, _ in net.module.named_modules() if name.endswith("layernorm_before")]) == 2
    assert sentence(LoadError, f"hf/{folder}", options={"colour": 1}) == (
        f"hf/{folder} does not take the option 'colour'; its configuration has no such entry"
    )


def test_an_hf_network_without_a_trained_head_is_refused(folder: Path) -> None:
    from safetensors.torch import load_file

    state = {name: value for name, value in load_file(folder / "model.safetensors").items() if "classifier" not in name}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    assert sentence(CheckpointError, f"hf/{folder}") == (
        f"hf/{folder} has no weights for 2 parts of a classifier (classifier.bias, classifier.weight); "
        "choose a network that was trained to classify"
    )


def test_an_hf_folder_without_a_processor_needs_preprocess(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    assert f"hf/{folder} cannot be loaded: " in sentence(LoadError, f"hf/{folder}")
    assert load(f"hf/{folder}", preprocess=Preprocess(32)).preprocess == Preprocess(32)


def test_an_hf_pickle_is_not_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert f"hf/{folder} cannot be loaded: " in sentence(LoadError, f"hf/{folder}")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ViTImageProcessorPil", {"size": {"height": 32, "width": 48}}),
        ("ViTImageProcessorPil", {"size": {"height": 32, "width": 32}, "do_normalize": False}),
        ("DeiTImageProcessorPil", {"size": {"height": 36, "width": 36}, "crop_size": {"height": 32, "width": 32}}),
        ("ViTImageProcessorPil", {"size": {"height": 32, "width": 32}, "resample": 0}),
        ("BitImageProcessorPil", {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}),
        ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 32}, "crop_pct": 0.875}),
        ("ConvNextImageProcessorPil", {"size": {"shortest_edge": 384}}),
        ("EfficientNetImageProcessorPil", {"size": {"height": 32, "width": 32}}),
        (
            "EfficientNetImageProcessorPil",
            {"size": {"height": 32, "width": 32}, "rescale_factor": 1 / 127.5, "rescale_offset": True},
        ),
    ],
)
def test_preprocessing_equals_the_hf_processors(name: str, settings: dict) -> None:
    processor = getattr(pytest.importorskip("transformers"), name)(**settings)
    from innerview.network.sources.hub import _of_processor
    from innerview.network.sources.wish import Wish

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (72, 64, 3), dtype=np.uint8))
    theirs = processor(picture, return_tensors="pt")["pixel_values"][0]
    ours = _of_processor(processor.to_dict(), Wish("hf", "x"))(picture)
    torch.testing.assert_close(ours, theirs.float(), rtol=0, atol=1e-4)


def test_a_processor_that_cannot_be_followed_is_refused() -> None:
    processor = pytest.importorskip("transformers").MobileViTImageProcessorPil()
    from innerview.network.sources.hub import _of_processor
    from innerview.network.sources.wish import Wish

    with pytest.raises(LoadError) as error:
        _of_processor(processor.to_dict(), Wish("hf", "org/net"))
    assert str(error.value) == (
        "hf/org/net prepares pictures in a way that is not known here (do_flip_channel_order); "
        "pass preprocess=Preprocess(…)"
    )


def test_without_a_connection_hf_says_what_to_do(offline: None) -> None:
    start = time.perf_counter()
    assert sentence(DownloadError, "hf/nobody/nothing-at-all") == (
        "hf/nobody/nothing-at-all needs its pretrained weights, which could not be fetched (no connection to the "
        "model hub); pass a local copy of the repository as hf/PATH/TO/FOLDER"
    )
    assert time.perf_counter() - start < 5


# ---------------------------------------------------------------------------------------------- own file


OWN = """
from __future__ import annotations
from dataclasses import dataclass
from torch import nn
import innerview_test_neighbour
from innerview.network.network import Network
from innerview.network.preprocess import Preprocess

@dataclass
class Settings:
    width: int = 2

def build(width: int = 2) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width) if width < 0 else nn.Linear(12, width))

def network():
    return Network(build(), Preprocess(2), ["a", "b"], output=lambda x: x * 0)

def read(tokens):
    return tokens

def complete():
    return Network(build(), Preprocess(2), name="mine", grid=read, untrained=True)

def fails():
    raise ZeroDivisionError("mine")

def nothing():
    pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models.py").write_text(OWN)
    (tmp_path / "innerview_test_neighbour.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models.py"


def test_a_function_in_an_own_file_builds_the_network(own: Path) -> None:
    import sys

    path = list(sys.path)
    net = load("models.py:build", options={"width": 5})
    assert net.name == "models.py:build"
    assert net.preprocess == Preprocess(224)
    assert net.module[1].out_features == 5
    assert load(f"{own}:build", weights="random").digest() == load("models.py:build", weights="random").digest()
    assert sys.path == path


def test_a_network_from_an_own_file_keeps_what_it_brings(own: Path) -> None:
    net = load("models.py:network")
    assert net.labels.names == ("a", "b")
    assert net.preprocess == Preprocess(2)
    assert net.logits(torch.ones(1, 3, 2, 2)).abs().sum() == 0


def test_a_network_from_an_own_file_keeps_its_name_its_grid_and_that_it_is_untrained(own: Path) -> None:
    net = load("models.py:complete")
    assert (net.name, net.title, net.untrained) == ("mine", "mine, random weights", True)
    assert net.grid.__name__ == "read"
    assert load("models.py:network").title == "models.py:network"


def test_an_own_network_takes_weights_from_a_file(own: Path) -> None:
    save_file({"1.weight": torch.ones(2, 12), "1.bias": torch.ones(2)}, own.parent / "w.safetensors")
    net = load("models.py:build", weights="w.safetensors")
    assert torch.equal(net.module[1].bias, torch.ones(2))


@pytest.mark.parametrize(("weights", "untrained"), [(None, True), ("random", True), ("w.safetensors", False)])
def test_weights_from_a_file_are_not_untrained(own: Path, weights: str | None, untrained: bool) -> None:
    save_file({"1.weight": torch.ones(2, 12), "1.bias": torch.ones(2)}, own.parent / "w.safetensors")
    assert load("models.py:complete", weights=weights).untrained is untrained
    assert load("models.py:network", weights=weights).untrained is (weights == "random")


def test_the_errors_of_an_own_function_are_its_own(own: Path) -> None:
    assert sentence(ZeroDivisionError, "models.py:fails") == "mine"


def test_mistakes_with_an_own_file_are_explained(own: Path) -> None:
    assert sentence(LoadError, "absent.py:build") == "there is no file 'absent.py' to take 'build' from; check the path"
    assert sentence(LoadError, "models.py:biuld").startswith(
        "there is no function 'biuld' in 'models.py'; did you mean build"
    )
    assert sentence(LoadError, "models.py:nothing") == (
        "models.py:nothing must return an nn.Module or an innerview Network; got NoneType"
    )
    assert sentence(LoadError, "models.py:build", options={"wdth": 1}) == (
        "models.py:build takes the options (width: 'int' = 2) -> 'nn.Module'; got an unexpected keyword argument 'wdth'"
    )


# --------------------------------------------------------------------------------------------- real data


def test_mobilenet_recognises_the_photographs(shared_data: Path) -> None:
    net = load(
        "timm/mobilenetv2_100",
        weights=shared_data / "mobilenetv2_imagenet.safetensors",
        options={"pad_type": "same"},
        preprocess=Preprocess(224, mean=(0.5,) * 3, std=(0.5,) * 3),
    )
    synsets = (shared_data / "imagenet_synsets.txt").read_text().split()
    photographs = sorted((shared_data / "photos").iterdir())
    truth = [synsets.index(path.name.partition("_")[0]) for path in photographs]
    found = net.logits(photographs).argmax(1).tolist()
    assert len(truth) == 31
    assert np.mean(np.equal(truth, found)) >= 0.8
    assert net.labels.name(truth[-1]).startswith("daisy")


RESNET20 = """
import torch.nn.functional as F
from torch import nn

class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.extra = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        half = self.extra // 2
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(y + shortcut)

def layer(inputs, outputs, stride):
    return nn.Sequential(Block(inputs, outputs, stride), Block(outputs, outputs, 1), Block(outputs, outputs, 1))

class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = layer(16, 16, 1), layer(16, 32, 2), layer(32, 64, 2)
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))
"""


def test_resnet20_recognises_cifar(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "resnet20.py").write_text(RESNET20)
    net = load(
        f"{tmp_path / 'resnet20.py'}:ResNet20",
        weights=shared_data / "cifar_resnet20.safetensors",
        preprocess=Preprocess(32),
    )
    with tarfile.open(shared_data / "cifar10-test-2000.tar.xz") as file:
        members = [member for member in file.getmembers() if member.isfile()]
        folders = sorted({Path(member.name).parent.name for member in members})
        truth = [folders.index(Path(member.name).parent.name) for member in members[::10]]
        pictures = [Image.open(io.BytesIO(file.extractfile(member).read())) for member in members[::10]]
    accuracy = np.mean(np.equal(truth, net.logits(pictures).argmax(1).tolist()))
    assert len(truth) == 200
    assert 0.77 <= accuracy <= 0.9
