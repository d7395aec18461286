"""How many images go through a network at once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from ..errors import SettingError

if TYPE_CHECKING:
    from .network import Network

Result = TypeVar("Result")

LARGEST = {"cpu": 32, "mps": 64, "cuda": 256}


def batch_size(net: "Network", images: Tensor, *, graph: bool, wanted: int | None = None) -> int:
    """The number of images like these in one pass: `wanted`, or what uses at most a quarter of free memory.

    With `graph`, all activations are kept for the way back, and their gradients beside them.
    """
    if wanted is not None:
        if wanted < 1:
            raise SettingError(f"batch_size is a number of images, at least 1; got {wanted}")
        return wanted
    values = sum(torch.Size(layer.output_shape).numel() for layer in net.layers(images)) + images[0].numel()
    needed = values * images.element_size() * (2 if graph else 1)
    fits = _free_memory(images.device) // 4 // max(1, needed)
    return max(1, min(fits, LARGEST.get(images.device.type, 32)))


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
