"""Results on disk: whole or not at all, and never mistaken for something else."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

import innerview as iv
from innerview.files import replacing
from small_networks import SmallCNN, images, network


def result() -> iv.Attribution:
    return iv.SmoothGrad(of=iv.GradCAM(layer="conv2"), samples=2)(network(SmallCNN()), images(), iv.Logit(1))


def test_provenance_says_how_to_compute_it_again() -> None:
    origin = result().provenance
    assert origin.network == "SmallCNN"
    assert origin.weights == network(SmallCNN()).digest()
    assert origin.objective == ("class 1",)
    assert origin.method == "SmoothGrad"
    assert origin.settings["of"] == {"name": "GradCAM", "layer": "conv2", "relu": True}
    assert origin.settings["seed"] == 0
    assert origin.versions["torch"] == torch.__version__.partition("+")[0]


@pytest.mark.parametrize("content", [b"", b"not a result", b"\x80\x04K\x01.", b"\xff" * 64])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "why.safetensors"
    path.write_bytes(content)
    with pytest.raises(iv.InnerviewError, match=r"why\.safetensors is not a result that innerview wrote"):
        iv.read(path)


def test_a_truncated_result_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "why.safetensors"
    result().save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(iv.InnerviewError, match="or it is damaged"):
        iv.read(path)


def test_plain_weights_and_incomplete_results_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(iv.InnerviewError, match="does not hold a saved result that innerview knows"):
        iv.read(path)
    header = json.dumps({"kind": "Attribution", "format": 1, "fields": {}})
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"innerview": header})
    with pytest.raises(iv.InnerviewError, match=r"the Attribution in .* has missing or unknown parts: 'values'"):
        iv.read(path)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("old")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail_half_way()
    assert path.read_text() == "old"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def test_a_map_with_nan_is_not_finite() -> None:
    net = network(SmallCNN())
    assert iv.Gradient()(net, images(), iv.Logit(1)).finite
    with torch.no_grad():
        net.module.fc.weight[1, 0] = torch.nan
    assert not iv.Gradient()(net, images(), iv.Logit(1)).finite
