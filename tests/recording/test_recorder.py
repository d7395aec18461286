"""Recording a training run: what is recorded is what was there, and the run does not notice."""

import errno
import gc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, distributed, nn
from training_run import FIXED, Training

import innerview as iv
from fingerprint import fingerprint
from innerview.errors import LayerError, ResultError, SettingError
from innerview.parameters.hidden_units import hidden_units
from innerview.recording.probes import ActivationMaps, FilterImages, HiddenUnits
from innerview.recording.recorder import Recorder
from innerview.recording.recording import Recording, open_recording
from innerview.recording.statistics import Statistics
from small_networks import OneConv


def probes() -> list:
    return [FilterImages("conv1"), ActivationMaps("conv2", FIXED), Statistics(FIXED)]


def everything(training: Training) -> list[Tensor]:
    """Weights, buffers and the optimizer's memory."""
    momenta = [each["momentum_buffer"] for each in training.optimizer.state.values()]
    return [*training.module.state_dict().values(), *momenta, torch.get_rng_state()]


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
def test_training_is_the_same_to_the_bit(early: bool) -> None:
    """Also when a step is reported between the gradients and their use."""
    alone = Training()
    alone.run(5, lambda: None)
    watched = Training()
    watched.run(5, Recorder(watched.module, probes(), at=range(9)).step, early=early)
    assert all(torch.equal(one, other) for one, other in zip(everything(alone), everything(watched), strict=True))


@pytest.mark.usefixtures("unchecked_types")
def test_a_snapshot_leaves_everything_as_it_was() -> None:
    training = Training()
    recorder = Recorder(training.module, probes(), at=range(9))
    training.run(1, recorder.step)
    before = fingerprint(training.module, FIXED)
    recorder.step()
    assert fingerprint(training.module, FIXED) == before


def test_snapshots_hold_the_live_weights_of_their_iteration() -> None:
    training = Training()
    recorder = Recorder(training.module, probes(), at=[2, 3, 7])
    live = {0: training.module.conv1.weight.detach().clone()}

    def step() -> None:
        recorder.step()
        live[recorder.iteration] = training.module.conv1.weight.detach().clone()

    training.run(8, step)
    recording = recorder.recording()
    assert recording.iterations == (0, 2, 3, 7)
    assert [snapshot.iteration for snapshot in recording] == [0, 2, 3, 7]
    for snapshot in recording:
        assert torch.equal(snapshot.measured[0]["kernels"], live[snapshot.iteration])
    assert recording[7].provenance.weights != recording[3].provenance.weights
    assert recorder.iteration == 8
    assert recorder.seconds > 0


def test_the_digest_is_that_of_the_weights_however_they_were_written() -> None:
    module = OneConv()
    recorder = Recorder(module, [FilterImages("conv1")], at=range(9))
    module.fc1.weight.data.mul_(2)
    recorder.step()
    assert recorder.recording()[1].provenance.weights == iv.Network(module).digest()
    assert recorder.recording()[0].provenance.weights != iv.Network(module).digest()


def test_maps_are_those_of_a_hook_by_hand_in_evaluation_mode() -> None:
    training = Training()
    training.run(2, lambda: None)
    recording = Recorder(training.module, [ActivationMaps("conv2", FIXED, channels=4)]).recording()
    seen = []
    training.module.eval()
    training.module.conv2.register_forward_hook(lambda *given: seen.append(given[2].clone()))
    training.module(FIXED)
    assert torch.equal(recording[0].measured[0]["maps"], seen[0][:, :4])


def test_hidden_units_are_the_lines_at_that_iteration() -> None:
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    points, classes = torch.randn(5, 2), [0, 1, 0, 1, 0]
    recorder = Recorder(module, [HiddenUnits(points, classes, resolution=6)], at=[1])
    before = hidden_units(module, points, classes, resolution=6)
    with torch.no_grad():
        module[0].weight.mul_(-1)
    recorder.step()
    then, now = (recorder.recording()[iteration].lines() for iteration in (0, 1))
    assert torch.equal(then.segments(), before.segments())
    assert torch.equal(then.regions, before.regions)
    assert then.extent == before.extent
    assert torch.equal(now.weights, -before.weights)
    assert now.provenance.weights == iv.Network(module).digest()


@dataclass(frozen=True)
class Largest:
    """A probe of one's own."""

    layer: str
    weights: tuple[float, ...] = (1.0,)

    def measure(self, net: iv.Network) -> Mapping[str, Tensor]:
        return {"largest": net.module.get_submodule(self.layer).weight.max()}


def test_a_probe_of_ones_own() -> None:
    module = OneConv()
    recording = Recorder(module, [Largest("fc1")]).recording()
    assert recording[0].measured[0]["largest"] == 1
    assert not recording[0].measured[0]["largest"].requires_grad
    assert recording.probes == ({"probe": "Largest", "layer": "fc1", "weights": [1.0]},)


def test_tensors_among_the_settings_are_known_by_their_digest() -> None:
    facts = [Recorder(OneConv(), [HiddenStub(x)]).recording().probes[0]["of"] for x in (torch.zeros(2), torch.ones(2))]
    assert [each["shape"] for each in facts] == [[2], [2]]
    assert facts[0]["digest"] == hashlib.blake2b(bytes(8), digest_size=8).hexdigest() != facts[1]["digest"]


@dataclass(frozen=True, eq=False)
class HiddenStub:
    of: Tensor

    def measure(self, net: iv.Network) -> Mapping[str, Tensor]:
        return {}


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile])
def test_wrappers_are_looked_through(wrap) -> None:
    module = OneConv()
    recording = Recorder(wrap(module), [FilterImages("conv1")]).recording()
    assert torch.equal(recording[0].measured[0]["kernels"], module.conv1.weight)
    assert recording.network == "OneConv"


def test_an_iteration_can_be_named_and_what_was_due_between_is_made_up_for() -> None:
    recorder = Recorder(OneConv(), [FilterImages("conv1")], at=[2, 3, 8])
    for iteration in (1, 1, 4, 4, 7, 9):
        recorder.step(iteration)
    assert recorder.recording().iterations == (0, 4, 9)
    with pytest.raises(SettingError, match="iterations do not go back, and the last one was 9; got 8"):
        recorder.step(8)
    assert recorder.iteration == 9


def test_only_the_first_process_records(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    for rank in (1, 0):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        recorder = Recorder(OneConv(), [FilterImages("conv1")], out=tmp_path / str(rank), at=range(9))
        recorder.step()
        assert recorder.iteration == 1
    assert not (tmp_path / "1").exists()
    assert open_recording(tmp_path / "0").iterations == (0, 1)


def test_without_a_folder_the_snapshots_go_with_the_last_who_holds_them() -> None:
    recording = Recorder(OneConv(), [FilterImages("conv1")]).recording()
    gc.collect()
    assert len(list(recording)) == 1
    folder = recording.folder
    del recording
    gc.collect()
    assert not folder.exists()


def run_until(last: int, folder, **settings) -> tuple[Training, Recorder]:
    training = Training()
    recorder = Recorder(training.module, probes(), out=folder, at=range(0, 99, 2), **settings)
    training.run(last, recorder.step)
    return training, recorder


def test_a_run_that_was_killed_goes_on_where_its_checkpoint_is(tmp_path) -> None:
    training, _ = run_until(7, tmp_path)
    recorder = Recorder(training.module, probes(), out=tmp_path, at=range(0, 99, 2), start=4)
    assert recorder.iteration == 4
    assert recorder.recording().iterations == (0, 2, 4)
    training.run(3, recorder.step)
    assert recorder.recording().iterations == (0, 2, 4, 6)
    now = iv.Network(training.module)
    training.run(1, recorder.step)
    assert open_recording(tmp_path)[8].provenance.weights == now.digest()


def test_a_recording_that_begins_later_starts_there(tmp_path) -> None:
    _, recorder = run_until(3, tmp_path, start=5)
    assert recorder.recording().iterations == (5, 6, 8)
    again = Recorder(Training().module, probes(), out=tmp_path, start=1)
    assert again.recording().iterations == (1,)


def test_a_recording_is_not_written_over(tmp_path) -> None:
    run_until(0, tmp_path)
    with pytest.raises(ResultError) as caught:
        run_until(0, tmp_path)
    assert str(caught.value) == (
        f"the folder {tmp_path} holds a recording already; go on with it with start=ITERATION, the number of steps the "
        "network was trained, or choose another folder"
    )
    with pytest.raises(ResultError) as caught:
        Recorder(OneConv(), [FilterImages("conv1")], out=tmp_path, start=0)
    assert str(caught.value) == (
        f"a recording goes on with the network and probes it began with; {tmp_path} has SmallCNN with FilterImages "
        "conv1, ActivationMaps conv2, Statistics, and got OneConv with FilterImages conv1. Choose another folder"
    )
    assert open_recording(tmp_path).iterations == (0,)


@pytest.mark.usefixtures("unchecked_types")
def test_a_full_disk_is_an_error_that_names_the_file_and_the_module_is_as_it_was(monkeypatch, tmp_path) -> None:
    training = Training()
    recorder = Recorder(training.module, probes(), out=tmp_path, at=range(9))
    training.run(1, recorder.step)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    before = fingerprint(training.module, FIXED)
    with pytest.raises(ResultError) as caught:
        recorder.step()
    assert str(caught.value) == (
        f"the snapshot {tmp_path}/iteration-000000002.safetensors cannot be written (No space left on device); make "
        "room or change `out`"
    )
    assert fingerprint(training.module, FIXED) == before
    monkeypatch.undo()
    recorder.step()
    assert recorder.recording().iterations == (0, 1, 3)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.usefixtures("unchecked_types")
def test_a_probe_that_fails_leaves_the_module_as_it_was() -> None:
    training = Training()
    training.run(1, lambda: None)
    before = fingerprint(training.module, FIXED)
    with pytest.raises(LayerError) as caught:
        Recorder(training.module, [ActivationMaps("conv2", FIXED), FilterImages("fcc")])
    assert str(caught.value) == "no layer 'fcc' in SmallCNN; did you mean 'fc'?"
    assert fingerprint(training.module, FIXED) == before


def test_start_is_not_negative() -> None:
    with pytest.raises(SettingError, match="start is a whole number, at least 0, or None; got -1"):
        Recorder(OneConv(), [], start=-1)


@pytest.fixture
def recording(tmp_path) -> Recording:
    return run_until(4, tmp_path)[1].recording()


def test_a_recording_is_chosen_from(recording) -> None:
    assert len(recording) == 3
    assert recording.at([4, 0]).iterations == (0, 4)
    for wrong in (lambda: recording.at([1]), lambda: recording[1], lambda: recording.at([])):
        with pytest.raises(SettingError, match=r"snapshots were taken at iterations 0, 2, 4; got (\[1\]|1|none)"):
            wrong()


def test_probes_are_asked_for_by_number_and_kind(recording) -> None:
    with pytest.raises(SettingError, match="the probes are numbered 0 to 2; got 3"):
        recording.probe(3)
    with pytest.raises(SettingError, match="probe 0 is FilterImages and not HiddenUnits; choose another one"):
        recording[0].lines()
    with pytest.raises(SettingError, match="probe 1 is ActivationMaps and not Statistics; choose another one"):
        recording[0].distributions(1)


def test_other_folders_and_damaged_files_are_refused(recording, tmp_path) -> None:
    with pytest.raises(ResultError) as caught:
        open_recording(tmp_path / "none")
    assert str(caught.value) == (
        f"there is no recording in {tmp_path}/none: no file iteration-*.safetensors; check the folder"
    )
    path = tmp_path / "iteration-000000002.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ResultError, match=r"iteration-000000002\.safetensors is not a result that innerview wrote"):
        list(recording)
