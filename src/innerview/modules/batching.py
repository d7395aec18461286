"""How many images go through a network at once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch

Result = TypeVar("Result")

LARGEST = {"cpu": 32, "mps": 64, "cuda": 256}
REUSED = 2**24
"""Bytes: on a CPU, larger tensors go back to the system after use, and touching new memory takes long."""


def as_many_as_fit(needed: int, largest: int, device: torch.device) -> int:
    """How many images use at most a quarter of the free memory, within reason.

    Each needs `needed` bytes in total; the largest of its tensors has `largest` bytes.
    """
    fits = _free_memory(device) // 4 // max(1, needed)
    most = LARGEST.get(device.type, 32)
    if device.type == "cpu":
        most = min(most, REUSED // max(1, largest))
    return max(1, min(fits, most))


def in_batches(total: int, size: int, run: Callable[[slice], Result]) -> Iterator[tuple[slice, Result]]:
    """`run` on consecutive slices of `total` rows; when memory runs out, halve the slices and go on."""
    start = 0
    while start < total:
        rows = slice(start, min(start + size, total))
        try:
            result = run(rows)
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
            if rows.stop - rows.start == 1:
                error.add_note("One image at a time is already too much: use a smaller network or input.")
                raise
            size = max(1, (rows.stop - rows.start) // 2)
        else:
            yield rows, result
            start = rows.stop
            continue
        _release_memory()  # outside the handler, where the error no longer holds the tensors alive


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _release_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _free_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    memory = Path("/proc/meminfo")
    if memory.exists():
        lines = dict(line.split(":", 1) for line in memory.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return 4 * 2**30  # other systems do not tell in a common way; this is safe on most
