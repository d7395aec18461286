"""Tours that do not take long."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from innerview.show.page.sections import fragile, looked_for


@contextmanager
def quick_tours() -> Iterator[None]:
    """Few steps and few points: what the sections show is tested by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looked_for, "MOST", 2)
        patch.setattr(fragile, "POINTS", 8)
        yield
