"""Networks in use, networks that fail, and machines without memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn


def lived_in(module: nn.Module) -> nn.Module:
    """A module as a training loop has it: some gradients, some frozen parameters, mixed modes, user's hooks."""
    parameters = list(module.parameters())
    parameters[0].grad = torch.ones_like(parameters[0])
    parameters[1].requires_grad_(False)
    module.train()
    next(module.children()).eval()
    module.register_forward_hook(lambda *_: None)
    return module


@contextmanager
def failing(module: nn.Module, error: BaseException) -> Iterator[None]:
    """The last layer raises."""

    def fail(*_: object) -> None:
        raise error

    *_, last = module.modules()
    handle = last.register_forward_hook(fail)
    try:
        yield
    finally:
        handle.remove()


def room_for(count: int, module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, more than so many images at once are more than fit into memory."""
    forward = module.forward

    def small_memory(batch: Tensor) -> Tensor:
        if len(batch) > count:
            raise torch.OutOfMemoryError("no room")
        return forward(batch)

    monkeypatch.setattr(module, "forward", small_memory)
