"""innerview: one instrument to look inside a vision network.

Each public name is imported when it is first used, so that `innerview --help` need not wait for PyTorch, nor a
gradient for matplotlib. The names are those in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
