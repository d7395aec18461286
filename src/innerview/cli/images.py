"""The images named on the command line, one by one; one that is broken does not stop the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import innerview as iv

from ..errors import ImageError
from .endings import NothingUsableError, ending
from .terminal import complain

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Usable:
    """The images that can be read.

    Attributes:
        paths: their files.
        inputs: them as the network's input.
        code: the exit code of the command: whether there are others.
    """

    paths: tuple[Path, ...]
    inputs: tuple["Tensor", ...]
    code: int


def usable(net: "iv.Network", paths: Sequence[Path]) -> Usable:
    """The images that can be read; of each other one is said what is wrong with it.

    Raises:
        NothingUsableError: there is none.
    """
    found = list(readable(net, paths))
    if not found:
        raise NothingUsableError
    files, inputs = zip(*found, strict=True)
    return Usable(files, inputs, ending(len(files), len(paths)))


def readable(net: "iv.Network", paths: Iterable[Path]) -> Iterator[tuple[Path, "Tensor"]]:
    """The same one after another, for as many as there may be."""
    for path in paths:
        try:
            yield path, net.prepare(path)
        except ImageError as error:
            complain(str(error))
