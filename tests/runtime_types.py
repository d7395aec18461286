"""The checker of types and tensor shapes while the tests run; an int is fine where a float is expected."""

from collections.abc import Callable

from beartype import BeartypeConf, beartype

_checking = beartype(conf=BeartypeConf(is_pep484_tower=True))
_made: dict[tuple, Callable] = {}


def check(function: Callable) -> Callable:
    """With checks of its arguments' types.

    jaxtyping asks with a stand-in for each function of ours: its name and signature, and nothing inside. A function
    within another one is defined anew at every call of that, and to write its checks takes a hundred times as long
    as to run them; they are written once for stand-ins that are alike.
    """
    optional = len(function.__defaults__ or ()), *(function.__kwdefaults__ or ())
    alike = function.__module__, function.__qualname__, function.__code__, optional, *function.__annotations__.items()
    if alike not in _made:
        _made[alike] = _checking(function)
    return _made[alike]
