"""A training run, or pictures while they are made, as a moving picture."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...errors import SettingError
from ...recording.recording import Recording
from ...synthesis.result import Synthesis
from ..drawing.colours import Picture
from ..sheets import recordings
from . import climbing
from .files import Film, require, write


def animate(result: Recording | Synthesis, path: str | Path, *, probe: int = 0, fps: float = 4) -> None:
    """Write the snapshots as a moving picture: a `.gif`, or an `.mp4` with the extra `video`.

    A picture for each snapshot; the last one stays for two seconds. Of a recording it is what one probe saw, all on
    one scale; of a synthesis all its pictures side by side, each with its objective at that step. The file is either
    written whole or left as it was.

    Args:
        result: a recording, where `recording.at([1, 10, 100])` chooses some snapshots; or a synthesis that was made
            with snapshots.
        path: the file; its ending says the format.
        probe: the number of the recording's probe, from 0.
        fps: pictures in a second.

    Raises:
        SettingError: the ending or a setting is unknown, the library for `.mp4` is missing, or there is no snapshot.
    """
    path = Path(path)
    require(path, fps)
    write(_recorded(result, probe) if isinstance(result, Recording) else _climbed(result, probe), path, fps)


def _recorded(recording: Recording, probe: int) -> Film:
    def drawn(places: Sequence[int]) -> Iterator[Picture]:
        return recordings.frames(recording.at([recording.iterations[place] for place in places]), probe)

    return Film(len(recording), drawn)


def _climbed(result: Synthesis, probe: int) -> Film:
    if probe != 0:
        raise SettingError(f"probes are those of a recording, and this is a synthesis; leave probe={probe} away")
    return Film(len(climbing.moments(result)), partial(climbing.frames, result))
