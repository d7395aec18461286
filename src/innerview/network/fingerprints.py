"""What tells one network from another, and one weights file from another."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from ..errors import CheckpointError


def digest_of(module: nn.Module) -> str:
    """Of the names, types, shapes and values of all parameters and buffers, 16 hexadecimal digits."""
    state = dict(module.named_parameters()) | dict(module.named_buffers())
    found = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(state.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def sha256(path: str | Path) -> str:
    """The SHA-256 of a weights file, in hexadecimal digits; `CheckpointError` if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"a source needs its weights file; {str(path)!r} cannot be read: {error.strerror}. Where it lies "
            'elsewhere, say so: dataclasses.replace(source, weights="there.safetensors")'
        ) from error
