"""Where a result of a network comes from, written the same way for every result."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from ..results.provenance import Provenance, plain, settings_of
from .network import Network


@runtime_checkable
class Describable(Protocol):
    """A question that can say what it asks of a network; as text it is exact."""

    def describe(self, net: Network) -> str:
        """It in a few words."""
        ...


def provenance(net: Network, method: object, asked: Iterable[str | Describable] = (), /, **settings: Any) -> Provenance:
    """What a result says of its origin.

    Args:
        net: the network that was looked at, as it is now.
        method: what was done: its name, or the dataclass whose type and fields say it.
        asked: the questions, or words where it was none, one for all images or one for each; nothing if none was asked.
        settings: all else that the result depends on, the seed included.
    """
    named = isinstance(method, str)
    asked = tuple(asked)
    return Provenance(
        network=net.title,
        weights=net.digest(),
        objective=tuple(each if isinstance(each, str) else each.describe(net) for each in asked),
        method=method if named else type(method).__name__,
        settings=({} if named else settings_of(method)) | plain(settings),
        asked=tuple(str(each) for each in asked if not isinstance(each, str)),
    )
