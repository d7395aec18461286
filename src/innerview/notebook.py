"""What shows itself as the last line of a notebook's cell."""

import sys
from importlib import import_module
from typing import Any

VIEW = "innerview.show.notebook"
"""The module whose `bundle` draws it.

What is shown lies far below what draws, so that the latter is only named, and imported when a notebook asks. As with
the public names, nothing is registered, and no import waits for what draws.
"""


class ShownInNotebooks:
    """Extend it, and `show/notebook.py` says what a notebook shows of you."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Text, and HTML where somebody can see it: IPython in a terminal asks for both, too."""
        return import_module(VIEW).bundle(self) if _is_seen() else {"text/plain": repr(self)}


def shell() -> Any:
    """The IPython that runs this, or None; it is not imported for that."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _is_seen() -> bool:
    running = shell()
    return running is None or "text/html" in running.display_formatter.active_types
