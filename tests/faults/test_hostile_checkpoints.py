"""Weights files made by an enemy: nothing in them runs, and every refusal says what to do."""

import ast
import io
import json
import os
import pickle
import re
import resource
import struct
import tarfile
import time
import zipfile
from pathlib import Path
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import innerview
from innerview.errors import CheckpointError, UnsafeCheckpointError
from innerview.network.sources.weights import load_weights, read_weights


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self):
        return os.mkdir, (str(self.sentinel),)


def archive(bomb: Bomb) -> bytes:
    buffer = io.BytesIO()
    torch.save({"state_dict": {"weight": torch.ones(1)}, "bomb": bomb}, buffer)
    return buffer.getvalue()


def legacy(bomb: Bomb) -> bytes:
    buffer = io.BytesIO()
    torch.save({"weight": torch.ones(1), "bomb": bomb}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def tar(bomb: Bomb) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            content = pickle.dumps(bomb)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def nested_zip(bomb: Bomb) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("inner/data.pkl", archive(bomb))
    return buffer.getvalue()


PICKLES = {
    "archive": archive,
    "legacy": legacy,
    "tar": tar,
    "nested zip": nested_zip,
    **{f"pickle {protocol}": lambda bomb, p=protocol: pickle.dumps(bomb, p) for protocol in range(6)},
}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt", ".safetensors"])
@pytest.mark.parametrize("kind", PICKLES)
def test_hidden_code_never_runs(tmp_path: Path, kind: str, suffix: str) -> None:
    sentinel = tmp_path / "sentinel"
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(PICKLES[kind](Bomb(sentinel)))
    with pytest.raises(CheckpointError) as error:
        read_weights(path)
    assert not sentinel.exists()
    assert repr(str(path)) in str(error.value)
    if kind in ("archive", "legacy", "pickle 2", "pickle 4"):
        assert isinstance(error.value, UnsafeCheckpointError)
        assert "if you trust it, convert it once with: import torch;" in str(error.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bare_pickle_of_tensors_can_be_converted(tmp_path: Path) -> None:
    path = tmp_path / "bare.pkl"
    path.write_bytes(pickle.dumps({"a": torch.ones(2)}))
    with pytest.raises(UnsafeCheckpointError) as error:
        read_weights(path)
    assert str(error.value).startswith(f"{str(path)!r} is a Python pickle, which only code can read; if you trust")
    run_conversion(str(error.value))
    assert torch.equal(read_weights(tmp_path / "bare-tensors.safetensors")["a"], torch.ones(2))


def test_the_bomb_is_real(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "sentinel")))
    assert (tmp_path / "sentinel").is_dir()


def test_the_environment_cannot_switch_safety_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    path = tmp_path / "weights.pth"
    path.write_bytes(archive(Bomb(tmp_path / "sentinel")))
    with (
        mock.patch("torch.load", wraps=torch.load) as spy,
        pytest.raises(UnsafeCheckpointError, match=r"holds the Python object posix\.mkdir"),
    ):
        read_weights(path)
    assert not (tmp_path / "sentinel").exists()
    assert spy.call_count == 1
    assert spy.call_args.kwargs["weights_only"] is True


class Net(nn.Module):
    """A module of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)


def run_conversion(sentence: str) -> None:
    exec(sentence.partition("convert it once with: ")[2], {})


def test_a_pickled_module_is_named_and_its_conversion_works(tmp_path: Path) -> None:
    path = tmp_path / "whole.pt"
    net = nn.Sequential(nn.Linear(2, 3))
    torch.save(net, path)
    with pytest.raises(UnsafeCheckpointError) as error:
        read_weights(path)
    assert str(error.value).startswith(
        f"{str(path)!r} holds the Python object torch.nn.modules.container.Sequential, as a pickled module or "
        "training state does, and reading that would run code from the file; if you trust it, convert it once "
        f"with: import torch; from safetensors.torch import save_file; x = torch.load({str(path)!r}, 'cpu', "
        "weights_only=False); "
    )
    run_conversion(str(error.value))
    assert torch.equal(load_file(tmp_path / "whole-tensors.safetensors")["0.weight"], net[0].weight)


def test_a_training_state_with_foreign_objects_can_be_converted(tmp_path: Path) -> None:
    path = tmp_path / "state.ckpt"
    torch.save({"state_dict": {"a": torch.ones(2, 3).T}, "where": Path("x")}, path)
    with pytest.raises(UnsafeCheckpointError) as error:
        read_weights(path)
    run_conversion(str(error.value))
    assert torch.equal(read_weights(tmp_path / "state-tensors.safetensors")["a"], torch.ones(3, 2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_program_is_named_and_its_conversion_works(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    net = Net()
    torch.jit.trace(net, torch.zeros(1, 2)).save(str(path))
    with pytest.raises(UnsafeCheckpointError) as error:
        read_weights(path)
    assert str(error.value).startswith(f"{str(path)!r} is a TorchScript program, not a file of weights; if you")
    run_conversion(str(error.value))
    load_weights(net, tmp_path / "script-tensors.safetensors")


def test_an_exported_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "program.pt2"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("program/archive_format", "pt2")
    with pytest.raises(UnsafeCheckpointError, match="is an exported program, not a file of weights; if you trust"):
        read_weights(path)


def safetensors(header: dict | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(start: int, end: int, shape: tuple[int, ...] = (2,), dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


GOOD = safetensors({"a": entry(0, 8)}, bytes(8))
BAD = {
    "0 bytes": b"",
    "7 bytes": b"1234567",
    "a header of 2^63 bytes": safetensors({"a": entry(0, 8)}, bytes(8), 2**63),
    "a header of 150 MB": safetensors({"a": entry(0, 8)}, bytes(8), 150_000_000),
    "no JSON": safetensors(b"{not json at all}"),
    "overlap": safetensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
    "a hole": safetensors({"a": entry(0, 8), "b": entry(12, 20)}, bytes(20)),
    "out of bounds": safetensors({"a": entry(0, 80, (20,))}, bytes(8)),
    "another dtype": safetensors({"a": entry(0, 8, dtype="F64")}, bytes(8)),
    "another shape": safetensors({"a": entry(0, 8, (3,))}, bytes(8)),
    "an unknown dtype": safetensors({"a": entry(0, 8, dtype="F99")}, bytes(8)),
    "a negative offset": safetensors({"a": entry(-8, 0)}, bytes(8)),
    "trailing bytes": GOOD + b"more",
    "truncated": GOOD[:-3],
}


def test_the_good_file_beside_the_bad_ones_is_good(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(GOOD)
    assert torch.equal(read_weights(tmp_path / "a.safetensors")["a"], torch.zeros(2))


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_broken_safetensors_are_refused_quickly(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(BAD[kind])
    memory, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(CheckpointError) as error:
        read_weights(path)
    assert time.perf_counter() - start < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 50 * 1024
    assert repr(str(path)) in str(error.value)


def test_a_broken_file_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(BAD["no JSON"])
    with pytest.raises(CheckpointError) as error:
        read_weights(path)
    assert re.fullmatch(
        rf"{re.escape(repr(str(path)))} is a broken safetensors file \(.+\); copy or download it again",
        str(error.value),
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_checkpoint_is_broken(tmp_path: Path, share: float, zipped: bool) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(1000)}, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CheckpointError, match="is a broken checkpoint"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"<html>404</html>" * 10, bytes(range(7, 200)), b"\x89HDF\r\n\x1a\n" * 9])
def test_other_files_are_no_weights(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        read_weights(path)
    assert str(error.value) == (
        f"{str(path)!r} is neither a safetensors file nor a PyTorch checkpoint; pass the weights as .safetensors "
        "or .pth"
    )


def test_a_dictionary_that_holds_itself_ends(tmp_path: Path) -> None:
    endless: dict = {}
    endless["model"] = endless
    torch.save(endless, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="holds named tensors"):
        read_weights(tmp_path / "weights.pth")


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="is no regular file"):
        read_weights(tmp_path / "weights.pth")


PACKAGE = Path(innerview.__file__).parent
DANGEROUS = {
    "pickle.load",
    "pickle.loads",
    "joblib.load",
    "torch.hub.load",
    "torch.hub.load_state_dict_from_url",
    "torch.jit.load",
    "os.system",
    "eval",
    "exec",
}


def faults_of(source: str) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if is_dangerous(call)]


def is_dangerous(call: ast.Call) -> bool:
    settings = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    unpickles = ast.unparse(call.func) == "torch.load" and settings.get("weights_only") != "True"
    return unpickles or ast.unparse(call.func) in DANGEROUS or settings.get("allow_pickle") == "True"


@pytest.mark.parametrize("source", ["torch.load(f)", "torch.load(f, weights_only=False)", "pickle.load(f)",
                                    "np.load(f, allow_pickle=True)", "torch.hub.load('a', 'b')"])  # fmt: skip
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert faults_of(source)


def test_the_package_never_unpickles() -> None:
    files = list(PACKAGE.rglob("*.py"))
    assert len(files) > 10
    assert {str(path): faults_of(path.read_text()) for path in files if faults_of(path.read_text())} == {}
