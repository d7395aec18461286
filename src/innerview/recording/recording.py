"""A recording: what was measured at each snapshot, read from disk when it is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import ResultError, SettingError
from ..notebook import ShownInNotebooks
from ..parameters.unit_lines import UnitLines
from ..results import Provenance, Result, read_as
from .statistics import Distribution, distributions


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(Result):
    """What every probe measured after one iteration.

    Attributes:
        iteration: how many steps the network had been trained.
        measured: for each probe its tensors by name.
        probes: what each probe is: its name and settings.
        provenance: the network, with the digest of its weights at this iteration.
    """

    iteration: int
    measured: tuple[Mapping[str, Tensor], ...]
    probes: tuple[Mapping[str, Any], ...]
    provenance: Provenance

    def probe(self, number: int) -> Mapping[str, Any]:
        """What a probe is: its name and settings."""
        return _probe(self.probes, number)

    def lines(self, probe: int = 0) -> UnitLines:
        """What a probe `HiddenUnits` measured."""
        return UnitLines.of(self._of("HiddenUnits", probe), self.provenance)

    def distributions(self, probe: int = 0) -> dict[str, Distribution]:
        """What a probe `Statistics` measured: "weights/LAYER" and "activations/LAYER" to their distributions."""
        return distributions(self._of("Statistics", probe))

    def _of(self, kind: str, probe: int) -> Mapping[str, Tensor]:
        if self.probe(probe)["probe"] != kind:
            raise SettingError(f"probe {probe} is {self.probes[probe]['probe']} and not {kind}; choose another one")
        return self.measured[probe]


@dataclass(frozen=True, eq=False)
class Recording(ShownInNotebooks):
    """The snapshots of a training run, in a folder.

    Each shows the network after so many iterations.

    Attributes:
        folder: where the snapshots are; `recording[34]` reads the one after 34 iterations, and going through it reads
            one at a time.
        iterations: of the snapshots, in order.
        probes: what each probe is: its name and settings.
        network: its name.
    """

    folder: Path
    iterations: tuple[int, ...]
    probes: tuple[Mapping[str, Any], ...]
    network: str
    _keeper: object = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.iterations)

    def __iter__(self) -> Iterator[Snapshot]:
        return (self[iteration] for iteration in self.iterations)

    def __getitem__(self, iteration: int) -> Snapshot:
        if iteration not in self.iterations:
            raise SettingError(f"snapshots were taken at iterations {_listed(self.iterations)}; got {iteration}")
        return read_as(file_of(self.folder, iteration), Snapshot)

    @property
    def origin(self) -> str:
        """In a few words what was recorded."""
        return f"{len(self)} snapshots of {self.network}, iterations {_listed(self.iterations)}"

    def at(self, iterations: Iterable[int]) -> "Recording":
        """The same recording with these of its iterations only: `iv.figure(recording.at([1, 10, 100]))`."""
        chosen = tuple(sorted(set(iterations)))
        missing = [each for each in chosen if each not in self.iterations]
        if missing or not chosen:
            raise SettingError(
                f"snapshots were taken at iterations {_listed(self.iterations)}; got {missing or 'none'}"
            )
        return replace(self, iterations=chosen)

    def probe(self, number: int) -> Mapping[str, Any]:
        """What a probe is: its name and settings."""
        return _probe(self.probes, number)


def open_recording(folder: str | Path) -> Recording:
    """The recording in a folder that a `Recorder` wrote to, finished or not.

    Raises:
        ResultError: there is none, or a file in it is damaged.
    """
    iterations = recorded(Path(folder))
    if not iterations:
        raise ResultError(f"there is no recording in {folder}: no file iteration-*.safetensors; check the folder")
    first = read_as(file_of(Path(folder), iterations[0]), Snapshot)
    return Recording(Path(folder), iterations, first.probes, first.provenance.network)


def file_of(folder: Path, iteration: int) -> Path:
    """Where the snapshot after an iteration is kept."""
    return folder / f"iteration-{iteration:09d}.safetensors"


def recorded(folder: Path) -> tuple[int, ...]:
    """The iterations of the snapshots in a folder, in order."""
    names = (path.stem.removeprefix("iteration-") for path in folder.glob("iteration-*.safetensors"))
    return tuple(sorted(int(name) for name in names if name.isdecimal()))


def _probe(probes: tuple[Mapping[str, Any], ...], number: int) -> Mapping[str, Any]:
    if not 0 <= number < len(probes):
        raise SettingError(f"the probes are numbered 0 to {len(probes) - 1}; got {number}")
    return probes[number]


def _listed(iterations: tuple[int, ...]) -> str:
    few = [*iterations[:8], "…", iterations[-1]] if len(iterations) > 9 else iterations
    return ", ".join(map(str, few))
