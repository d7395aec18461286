"""Taking snapshots of a network while it is trained."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from time import perf_counter
from weakref import finalize

import torch
from safetensors import SafetensorError
from torch import distributed, nn

from ..errors import ResultError, SettingError
from ..modules.scope import untouched
from ..network.network import Network
from ..network.provenance import provenance
from ..settings import Whole, checked
from .probes import Probe, described
from .recording import Recording, Snapshot, file_of, open_recording, recorded
from .schedule import Schedule, lecture, schedule


class Recorder:
    """Follows a network through its training: one line in the loop, and the training goes on as if it were not there.

        rec = iv.Recorder(model, [iv.FilterImages("conv1"), iv.Statistics()], out="run/")
        for images, labels in loader:
            ...
            optimizer.step()
            rec.step()
        iv.animate(rec.recording(), "conv1.gif")

    The network is recorded as it is now, before training, and then at the iterations that `at` chooses. Each
    snapshot is a file that is either whole or not there; nothing is kept in memory. Weights, gradients, buffers,
    modes and random streams stay as they are, to the bit. Under torch.distributed the first process records and
    the others do nothing.

    Attributes:
        iteration: how many steps there have been.
        seconds: how long all snapshots took together.

    Args:
        model: the network that is trained, or a `Network` of it; wrappers are looked through.
        probes: what to follow.
        out: a folder for the snapshots; by default a temporary one that goes with the recorder and its recordings.
        at: the iterations to record, or a function that says of an iteration whether to; see `every` and
            `logarithmic`. By default the lecture's 1, 4, 7, 10, 16, 34, 77, 100, then ten in each decade and the
            lecture's later ones, 272, 556, 703, 1407, 2222, 2789 and 9999.
        start: how many iterations the network was trained already. The recording in `out` is continued: what it
            holds of later iterations is removed.

    Raises:
        ResultError: the folder holds a recording and there is no `start`, or it was made with other probes; or a
            snapshot cannot be written.
        LayerError, MethodError, …: a probe does not fit the network.
    """

    def __init__(
        self,
        model: nn.Module | Network,
        probes: Sequence[Probe],
        *,
        out: str | Path | None = None,
        at: Schedule | Iterable[int] = lecture,
        start: int | None = None,
    ) -> None:
        self.iteration = checked("start", start, Whole | None) or 0
        self.seconds = 0.0
        self._net = model if isinstance(model, Network) else Network(model)
        self._probes = tuple(probes)
        self._facts = tuple(map(described, self._probes))
        self._due = schedule(at)
        self._place = _Temporary() if out is None else _Place(Path(out))
        if _is_first_process() and not self._continues(start):
            self._record()

    def step(self, iteration: int | None = None) -> None:
        """Say that one more step of training is done; a snapshot is taken if one is due.

        Args:
            iteration: how many steps there have been, if it is not one more than before. If snapshots were due
                between, one is taken now; the same iteration again is nothing new.
        """
        now = self.iteration + 1 if iteration is None else iteration
        if now < self.iteration:
            raise SettingError(f"iterations do not go back, and the last one was {self.iteration}; got {now}")
        passed = range(self.iteration + 1, now + 1)
        self.iteration = now
        if _is_first_process() and any(map(self._due, passed)):
            self._record()

    def recording(self) -> Recording:
        """What was recorded until now."""
        return replace(open_recording(self._place.folder), _keeper=self._place)

    def _continues(self, start: int | None) -> bool:
        """Whether there is a recording to go on with; what is later than `start` is then gone."""
        folder = self._place.folder
        known = recorded(folder)
        if not known:
            return False
        if start is None:
            raise ResultError(
                f"the folder {folder} holds a recording already; go on with it with start=ITERATION, the number of "
                "steps the network was trained, or choose another folder"
            )
        before = open_recording(folder)
        if before.probes != self._facts or before.network != self._net.name:
            raise ResultError(
                f"a recording goes on with the network and probes it began with; {folder} has {before.network} with "
                f"{_named(before.probes)}, and got {self._net.name} with {_named(self._facts)}. Choose another folder"
            )
        for later in (each for each in known if each > start):
            file_of(folder, later).unlink()
        return known[0] <= start

    def _record(self) -> None:
        begun = perf_counter()
        path = file_of(self._place.folder, self.iteration)
        try:
            self._measured().save(path)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ResultError(f"the snapshot {path} cannot be written ({reason}); make room or change `out`") from error
        finally:
            self.seconds += perf_counter() - begun

    def _measured(self) -> Snapshot:
        net = self._net
        with untouched(net.module), torch.no_grad():
            measured = tuple(
                {name: each.detach().to("cpu", copy=True) for name, each in probe.measure(net).items()}
                for probe in self._probes
            )
        anew = Network(net.module, name=net.name)  # it remembers no digest: some optimizers write unnoticed
        return Snapshot(self.iteration, measured, self._facts, provenance(anew, "Recorder", probes=self._facts))


class _Place:
    """The folder of a recording."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


class _Temporary(_Place):
    """A folder that is removed when nobody needs it any more."""

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="innerview-")))
        finalize(self, rmtree, self.folder, ignore_errors=True)


def _is_first_process() -> bool:
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def _named(probes: Sequence) -> str:
    return ", ".join(" ".join(str(value) for value in probe.values() if isinstance(value, str)) for probe in probes)
