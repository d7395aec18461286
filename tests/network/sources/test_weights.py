"""Weights files of every kind reach the module, or leave it exactly as it was."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from innerview.errors import CheckpointError
from innerview.network.sources.weights import load_weights, read_weights


def small_net(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Conv2d(4, 2, 1)))


def state(seed: int = 1) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in small_net(seed).state_dict().items()}


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def sentence(module: nn.Module, path: Path) -> str:
    before, versions = (
        {name: value.clone() for name, value in module.state_dict().items()},
        [each._version for each in module.state_dict().values()],
    )
    with pytest.raises(CheckpointError) as error:
        load_weights(module, path)
    assert equal(module.state_dict(), before)
    assert [each._version for each in module.state_dict().values()] == versions
    return str(error.value)


@pytest.mark.parametrize("name", ["w.safetensors", "w.bin", "w"])
def test_safetensors_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    save_file(state(), tmp_path / name)
    assert equal(read_weights(tmp_path / name), state())


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.ckpt", "w.bin", "w.safetensors"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_is_told_by_its_content(tmp_path: Path, name: str, zipped: bool) -> None:
    torch.save(state(), tmp_path / name, _use_new_zipfile_serialization=zipped)
    assert equal(read_weights(tmp_path / name), state())


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "net", "network", "params", "ema"])
def test_tensors_under_the_usual_keys_are_found(tmp_path: Path, key: str) -> None:
    torch.save({"epoch": 3, "step": torch.tensor(7), "args": {"lr": 0.1}, key: state()}, tmp_path / "w.pth")
    assert equal(read_weights(tmp_path / "w.pth"), state())


def test_keys_may_be_nested_and_an_empty_one_is_passed_over(tmp_path: Path) -> None:
    torch.save({"params": {"lr": 0.1}, "model": {"state_dict": state()}}, tmp_path / "w.pth")
    assert equal(read_weights(tmp_path / "w.pth"), state())


def test_what_is_no_tensor_is_left_out(tmp_path: Path) -> None:
    torch.save({**state(), "epoch": 3, "name": "x", 5: torch.ones(1)}, tmp_path / "w.pth")
    assert equal(read_weights(tmp_path / "w.pth"), state())


@pytest.mark.parametrize(("content", "held"), [([1, 2], "a list"), ({"epoch": 1}, "none"), (torch.ones(2), "a Tensor")])
def test_a_file_without_named_tensors_is_refused(tmp_path: Path, content: object, held: str) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(CheckpointError) as error:
        read_weights(tmp_path / "w.pth")
    assert str(error.value) == (
        f"a weights file holds named tensors, {str(tmp_path / 'w.pth')!r} holds {held}; save module.state_dict()"
    )


def test_values_are_copied_into_the_parameters_that_are_there(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "w.safetensors")
    net = small_net()
    net.conv.weight.requires_grad_(False)
    identities = [id(each) for each in net.parameters()]
    load_weights(net, tmp_path / "w.safetensors")
    assert equal(dict(net.state_dict()), state())
    assert [id(each) for each in net.parameters()] == identities
    assert not net.conv.weight.requires_grad
    assert net.fc.weight.requires_grad


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "model.", "net.", "backbone.", "module._orig_mod.", "_orig_mod.module.", "model.model."],
)
def test_a_prefix_that_all_names_share_is_dropped(tmp_path: Path, prefix: str) -> None:
    save_file({prefix + name: value for name, value in state().items()}, tmp_path / "w.safetensors")
    net = small_net()
    load_weights(net, tmp_path / "w.safetensors")
    assert equal(dict(net.state_dict()), state())


def test_a_prefix_that_the_network_has_itself_is_kept(tmp_path: Path) -> None:
    wrapped = nn.Sequential(OrderedDict(model=small_net(1)))
    save_file(wrapped.state_dict(), tmp_path / "w.safetensors")
    net = nn.Sequential(OrderedDict(model=small_net()))
    load_weights(net, tmp_path / "w.safetensors")
    assert equal(dict(net.state_dict()), dict(wrapped.state_dict()))


def test_a_prefix_that_only_some_names_have_is_kept(tmp_path: Path) -> None:
    mixed = {f"model.{name}": value for name, value in state().items()} | {"loss.weight": torch.ones(1)}
    save_file(mixed, tmp_path / "w.safetensors")
    assert "9 unexpected (loss.weight, model.conv.bias, " in sentence(small_net(), tmp_path / "w.safetensors")


def test_half_precision_becomes_the_precision_of_the_network(tmp_path: Path) -> None:
    half = {name: value.half() if value.is_floating_point() else value for name, value in state().items()}
    save_file(half, tmp_path / "w.safetensors")
    net = small_net()
    load_weights(net, tmp_path / "w.safetensors")
    assert net.conv.weight.dtype == torch.float32
    assert torch.equal(net.conv.weight, state()["conv.weight"].half().float())


def test_the_batch_counter_may_be_absent_on_either_side(tmp_path: Path) -> None:
    counter = "norm.num_batches_tracked"
    save_file({name: value for name, value in state().items() if name != counter}, tmp_path / "a.safetensors")
    net = small_net()
    load_weights(net, tmp_path / "a.safetensors")
    assert torch.equal(net.fc.weight, state()["fc.weight"])
    save_file({**state(), "fc.num_batches_tracked": torch.tensor(3)}, tmp_path / "b.safetensors")
    load_weights(net, tmp_path / "b.safetensors")


def test_what_does_not_fit_is_listed_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    wrong = state()
    del wrong["conv.bias"], wrong["norm.weight"]
    save_file({**wrong, "extra": torch.ones(1), "fc.weight": torch.ones(5, 4, 1, 1)}, path)
    assert sentence(small_net(), path) == (
        f"the weights in {str(path)!r} do not fit the network, which is unchanged: 2 missing (conv.bias, "
        "norm.weight); 1 unexpected (extra); 1 of another shape (fc.weight [5, 4, 1, 1] instead of [2, 4, 1, 1]); "
        "use the architecture and options that they were trained with"
    )


def test_long_lists_are_cut_after_five(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({**state(), **{f"extra{index}": torch.ones(1) for index in range(7)}}, path)
    assert "7 unexpected (extra0, extra1, extra2, extra3, extra4, …);" in sentence(small_net(), path)


def test_integers_are_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({**state(), "fc.bias": torch.ones(2, dtype=torch.int8)}, path)
    assert "1 of another shape (fc.bias [2] int8 instead of [2])" in sentence(small_net(), path)


@pytest.mark.parametrize("tag", ["cuda:0", "cuda:7"])
def test_weights_saved_on_a_gpu_load_on_the_cpu(tmp_path: Path, tag: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(state(), path, _use_new_zipfile_serialization=False)
    content = path.read_bytes().replace(b"X\x03\x00\x00\x00cpu", b"X" + len(tag).to_bytes(4, "little") + tag.encode())
    assert tag.encode() in content
    path.write_bytes(content)
    assert equal(read_weights(path), state())


def test_densenet_files_with_the_names_of_older_releases_fit(tmp_path: Path) -> None:
    from torchvision.models import DenseNet

    def net(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return DenseNet(growth_rate=4, block_config=(1, 1, 1, 1), num_init_features=8, num_classes=3)

    saved = net(1).state_dict()
    old = {name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value for name, value in saved.items()}
    assert old.keys() != saved.keys()
    save_file(old, tmp_path / "w.safetensors")
    loaded = net(2)
    load_weights(loaded, tmp_path / "w.safetensors")
    assert equal(dict(loaded.state_dict()), dict(saved))


def test_vision_transformer_files_with_the_names_of_older_releases_fit(tmp_path: Path) -> None:
    from torchvision.models import VisionTransformer

    def net(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return VisionTransformer(32, 16, 1, 2, 8, 16, num_classes=3)

    saved = net(1).state_dict()
    old = {
        name.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): value
        for name, value in saved.items()
    }
    assert old.keys() != saved.keys()
    save_file(old, tmp_path / "w.safetensors")
    loaded = net(2)
    load_weights(loaded, tmp_path / "w.safetensors")
    assert equal(dict(loaded.state_dict()), dict(saved))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert sentence(small_net(), tmp_path / "w.pth") == (
        f"there is no weights file {str(tmp_path / 'w.pth')!r}; check the path"
    )
    assert sentence(small_net(), tmp_path) == f"weights come from one file; {str(tmp_path)!r} is no regular file"


def test_a_git_lfs_pointer_says_how_to_get_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert sentence(small_net(), path) == f"{str(path)!r} only points to weights in Git LFS; run: git lfs pull"
