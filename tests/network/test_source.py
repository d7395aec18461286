"""A source gives the same network again, in another process too, or the reason why it is another one."""

import copy
import json
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import innerview as iv
from innerview.errors import CheckpointError, LoadError, NetworkError, SettingError
from innerview.network.labels import Labels
from innerview.network.source import Source
from small_networks import SmallCNN, TinyViT, images, network

OWN = """
from torch import nn
from innerview import Network, Preprocess

def build(width=4, batch=(1, 2)):
    assert isinstance(batch, tuple)
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5))

def network():
    return Network(build(), Preprocess(8), ["a", "b", "c", "d", "e"], output=lambda scores: 2 * scores)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of one's own, weights for it, and labels; it is the current one."""
    (tmp_path / "models.py").write_text(OWN)
    (tmp_path / "names.txt").write_text("ox\nbison\ncat\ndog\nemu\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        torch.save(iv.load("models.py:build", options={"width": 6}).module.state_dict(), tmp_path / "w.pth")
    return tmp_path


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """Another process, which begins with nothing of this one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def loaded(own: Path) -> iv.Network:
    """With everything that `iv.load` can be told."""
    return iv.load(
        "models.py:build",
        weights="w.pth",
        options={"width": 6, "batch": (3, 4)},
        preprocess=lambda known: replace(known, size=(8, 10), mean=(0.5, 0.4, 0.3)),
        labels="names.txt",
        device="cpu",
    )


def of_source(source: Source, x: Tensor) -> tuple[Tensor, str, iv.Preprocess, str]:
    net = iv.load(source)
    return net.logits(x), net.name, net.preprocess, net.label(1)


def of_network(net: iv.Network, x: Tensor) -> Tensor:
    return net.logits(x)


# ------------------------------------------------------------------------------------------- the same network


def test_a_source_says_all_that_was_said_and_found(own: Path) -> None:
    net = loaded(own)
    assert net.source == Source(
        name=f"{own}/models.py:build",
        weights=f"{own}/w.pth",
        sha256=sha256((own / "w.pth").read_bytes()).hexdigest(),
        options={"width": 6, "batch": (3, 4)},
        preprocess=iv.Preprocess((8, 10), mean=(0.5, 0.4, 0.3)),
        labels=Labels(("ox", "bison", "cat", "dog", "emu")),
        called="models.py:build",
        digest=net.digest(),
    )


def test_another_process_loads_the_same_network(own: Path, elsewhere: ProcessPoolExecutor) -> None:
    net, x = loaded(own), images()
    done = elsewhere.submit(of_source, net.source, x).result()
    assert torch.equal(done[0], net.logits(x))
    assert done[1:] == ("models.py:build", net.preprocess, "bison")


def test_another_process_takes_the_network_with_its_weights(elsewhere: ProcessPoolExecutor) -> None:
    net, x = network(SmallCNN()), images()
    assert torch.equal(elsewhere.submit(of_network, net, x).result(), net.logits(x))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lenet", {}),
        ("lenet", {"weights": "random", "options": {"classes": 4}}),
        ("models.py:network", {}),
        ("models.py:network", {"labels": ()}),
        ("models.py:build", {"weights": "w.pth", "options": {"width": 6}}),
    ],
)
def test_a_network_and_the_one_of_its_source_are_alike(own: Path, name: str, settings: dict) -> None:
    net = iv.load(name, **settings)
    source = Source.from_dict(json.loads(json.dumps(net.source.as_dict())))
    assert source == net.source
    again = iv.load(source)
    x = net.blank() + 0.3
    assert torch.equal(again.logits(x), net.logits(x))
    assert (again.title, again.preprocess, again.labels) == (net.title, net.preprocess, net.labels)
    assert again.source == net.source


def test_a_source_of_the_current_folder_holds_in_another(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = loaded(own)
    (own / "deeper").mkdir()
    monkeypatch.chdir(own / "deeper")
    assert iv.load(net.source).digest() == net.digest()


def test_what_is_set_after_loading_is_in_the_source(own: Path) -> None:
    net = iv.load("models.py:network")
    net.preprocess, net.labels, net.name = iv.Preprocess(12), None, "mine"
    again = iv.load(net.source)
    assert (again.preprocess, again.labels, again.name) == (iv.Preprocess(12), None, "mine")


def test_a_folder_of_the_hub_s_layout_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    ViTForImageClassification(ViTConfig(**sizes, image_size=8, patch_size=4)).save_pretrained(tmp_path / "vit")
    ViTImageProcessor(size={"height": 8, "width": 8}).save_pretrained(tmp_path / "vit")
    monkeypatch.chdir(tmp_path)
    net = iv.load("hf/vit")
    monkeypatch.chdir("/")
    assert (net.source.name, net.source.called) == (f"hf/{tmp_path}/vit", "hf/vit")
    assert iv.load(net.source).digest() == net.digest()


# ----------------------------------------------------------------------------------------- another network


def refusal(kind: type[Exception], ask) -> str:
    with pytest.raises(kind) as caught:
        ask()
    assert type(caught.value) is kind
    return str(caught.value)


def test_another_weights_file_is_refused_by_its_sum(own: Path) -> None:
    source = loaded(own).source
    (own / "w.pth").write_bytes((own / "w.pth").read_bytes() + b" ")
    found = sha256((own / "w.pth").read_bytes()).hexdigest()
    assert refusal(CheckpointError, lambda: iv.load(source)) == (
        f"a source names its weights file by its SHA-256, {source.sha256}; that of '{own}/w.pth' is {found}: it has "
        "changed or is another file. Bring the old one back, or load the new one by its name"
    )


def test_a_weights_file_may_lie_elsewhere(own: Path) -> None:
    source = loaded(own).source
    (own / "w.pth").rename(own / "there.pth")
    assert refusal(CheckpointError, lambda: iv.load(source)) == (
        f"a source needs its weights file; '{own}/w.pth' cannot be read: No such file or directory. Where it lies "
        'elsewhere, say so: dataclasses.replace(source, weights="there.safetensors")'
    )
    assert iv.load(replace(source, weights=str(own / "there.pth"))).digest() == source.digest


def test_weights_that_changed_after_loading_are_refused(own: Path) -> None:
    net = loaded(own)
    before = net.digest()
    with torch.no_grad():
        net.module[0].bias += 1
    source = net.source
    assert refusal(LoadError, lambda: iv.load(source)) == (
        f"a source loads the same weights again, with the digest {net.digest()}; {own}/models.py:build has {before} "
        "here: the weights were changed after it was loaded, or come from another release. Save those of the first "
        'with torch.save(net.module.state_dict(), "weights.pth"), and name that file: weights="weights.pth"'
    )
    torch.save(net.module.state_dict(), "weights.pth")
    saved = iv.load("models.py:build", weights="weights.pth", options={"width": 6}).source
    assert iv.load(saved).digest() == net.digest()


@pytest.mark.parametrize("changed", ["output", "grid"])
def test_what_no_name_says_is_refused(own: Path, changed: str) -> None:
    net = iv.load("models.py:network")
    setattr(net, changed, lambda tensor: tensor)
    assert refusal(NetworkError, lambda: net.source) == (
        "a source says what iv.load does by itself; output or grid of models.py:network was set after it was loaded. "
        "Return the Network from a function of a file, and load that: iv.load('file.py:function')"
    )


@pytest.mark.usefixtures("unchecked_types")
def test_a_network_made_by_hand_has_no_source() -> None:
    assert network(SmallCNN()).source is None
    assert refusal(LoadError, lambda: iv.load(network(SmallCNN()).source)) == (
        "a network is loaded by its name or its source; got None. A Network that was made by hand has no source: "
        "return it from a function of a file, and load that: iv.load('file.py:function')"
    )


def test_a_source_and_more_is_refused() -> None:
    source = Source("builtin/lenet")
    assert iv.load(source, device="cpu").name == "builtin/lenet"
    assert refusal(SettingError, lambda: iv.load(source, weights="random", labels=["a"])) == (
        "a source says all but the device; got weights and labels, too. Change the source: "
        "dataclasses.replace(source, weights=…)"
    )


# --------------------------------------------------------------------------------------------------- JSON

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=5,
)


@given(options=st.dictionaries(st.text(), plain), name=st.text(), called=st.none() | st.text())
def test_a_source_survives_json(options: dict, name: str, called: str | None) -> None:
    source = Source(name, "random", None, options, iv.Preprocess((8, 9), resize=12), Labels(("ä", "b")), called, "0")
    assert Source.from_dict(json.loads(json.dumps(source.as_dict()))) == source


def test_options_that_are_objects_are_not_written() -> None:
    assert refusal(SettingError, Source("timm/vit", options={"act": nn.GELU}).as_dict) == (
        "a source is written with options that are numbers, texts, True, False, None, or tuples, lists and "
        "dictionaries of these; act is <class 'torch.nn.modules.activation.GELU'>. Give it in a function of a file: "
        "iv.load('file.py:function')"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda written: written.pop("weights"),
        lambda written: written.update(surprise=1),
        lambda written: written.update(name=3),
        lambda written: written.update(options={"width": "print('run')"}),
        lambda written: written.update(options=[]),
        lambda written: written.update(preprocess={"size": 8}),
        lambda written: written.update(labels="abc"),
    ],
)
def test_what_is_no_source_is_refused(change) -> None:
    written = Source("lenet", preprocess=iv.Preprocess(8), labels=Labels(("a",))).as_dict()
    change(written)
    assert refusal(LoadError, lambda: Source.from_dict(written)).startswith(
        "a source is what Source.as_dict gives; this is none: "
    )


# ------------------------------------------------------------------------------------- pickled and copied


def look_at(net: iv.Network) -> None:
    net.digest(), net.layers(), net.predict(images())
    for method in (iv.GradCAM(), iv.Gradient(), iv.Occlusion(window=4), iv.SmoothGrad(samples=2)):
        method(net, images(), 1)
    iv.activations(net, images())


@pytest.mark.parametrize("kind", [SmallCNN, TinyViT])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
@pytest.mark.parametrize("inside", [False, True], ids=["outside", "in sharing"])
def test_a_network_that_was_looked_at_is_copied_and_pickled(kind, duplicate, inside: bool) -> None:
    net = network(kind(), labels=["ox", "bison", "cat", "dog", "emu"])
    if inside:
        with iv.sharing(net, images()) as x:
            iv.GradCAM()(net, x, 1)
            look_at(net)
            copied = duplicate(net)
    else:
        look_at(net)
        copied = duplicate(net)
    assert torch.equal(copied.logits(images()), net.logits(images()))
    assert (copied.digest(), copied.layers(), copied.labels) == (net.digest(), net.layers(), net.labels)
    with torch.no_grad():
        next(copied.module.parameters()).add_(1)
    assert copied.digest() != net.digest()
    assert not torch.equal(copied.logits(images()), net.logits(images()))


def test_a_copy_has_the_same_source(own: Path) -> None:
    net = iv.load("models.py:network")
    assert copy.deepcopy(net).source == net.source


def test_a_source_is_small(own: Path) -> None:
    net = loaded(own)
    assert pickle.loads(pickle.dumps(net.source)) == net.source
    assert len(pickle.dumps(net.source)) < 2000
