"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from jaxtyping import config

if "OMP_NUM_THREADS" not in os.environ:
    torch.set_num_threads(2)  # sums are split among threads: by default the same numbers on any number of cores


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
