"""What all tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from jaxtyping import config, install_import_hook

# Here and not with an option of pytest's, which does not reach the processes of pytest-xdist.
install_import_hook("innerview", "runtime_types.check")

settings.register_profile("same", derandomize=True)  # a change fails for what it changed, not for a new draw
settings.register_profile("new", derandomize=False)
settings.load_profile("same")

if "OMP_NUM_THREADS" not in os.environ:
    torch.set_num_threads(1)  # the same sums on any number of cores, and the tests run side by side


def pytest_xdist_auto_num_workers() -> int:
    """A process for each processor; more than a few spend the time they save on loading the libraries, each its own."""
    return min(os.cpu_count() or 1, 4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The checker of types takes longest: what begins first is not waited for at the end."""
    items.sort(key=lambda item: item.get_closest_marker("quality") is None)


def pytest_collection_finish() -> None:
    """The libraries stay, so nobody has to look through their half a million objects for garbage."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end they go as usual; some libraries count what is left."""
    gc.unfreeze()


@pytest.fixture
def unchecked_types() -> Iterator[None]:
    """Without the checker of types, as a user runs it: our own errors are seen."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real networks and photographs, which is not part of the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder} is absent")
    return folder
