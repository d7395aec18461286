"""The images named on the command line, one by one; one that is broken does not stop the others."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ImageError
from .terminal import complain

if TYPE_CHECKING:
    from torch import Tensor

    from ..network.network import Network


def prepared(net: "Network", paths: Iterable[Path]) -> Iterator[tuple[Path, "Tensor"]]:
    """Each image that can be read as the network's input; of each other one is said what is wrong with it."""
    for path in paths:
        try:
            yield path, net.prepare(path)
        except ImageError as error:
            complain(str(error))
