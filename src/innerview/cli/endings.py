"""How a run ends: what the exit code says."""

FINE, MISTAKE, INTERRUPTED, NO_READER = 0, 2, 130, 141


class NothingUsableError(Exception):
    """None of the files that were named can be used; what is wrong with each has been said."""


def ending(used: int, named: int) -> int:
    """The exit code after so many of the files that were named could be used."""
    return FINE if used == named else MISTAKE
