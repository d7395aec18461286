"""Every change to a user's module, made so that it is undone, whatever happens.

All computing runs inside `untouched(module)`; hooks are added with `hooked`. Nothing else in innerview
changes a module.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock, RLock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

Hook = Callable[[nn.Module, tuple, Any], Any]

_locks: WeakKeyDictionary[nn.Module, AbstractContextManager] = WeakKeyDictionary()
_locks_guard = Lock()


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Within the block the module computes as a fixed function of its input; after it, it is as it was.

    Evaluation mode, frozen parameters (so no parameter gradient is ever computed), compiled parts run
    eagerly so that they can be observed, and one thread at a time. On the way out, also after an exception
    or Ctrl-C: the mode of every submodule, `requires_grad`, buffers and the global random streams are back.
    """
    with ExitStack() as undo:
        undo.enter_context(_lock_of(module))
        undo.enter_context(_same_randomness(module))
        undo.enter_context(_same_buffers(module))
        undo.enter_context(_evaluating(module))
        undo.enter_context(_frozen(module))
        if _is_compiled(module):
            undo.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def hooked(hooks: dict[nn.Module, Hook]) -> Iterator[None]:
    """Within the block, each module calls its forward hook, after the user's own ones."""
    with ExitStack() as undo:
        for module, hook in hooks.items():
            undo.callback(module.register_forward_hook(hook).remove)
        yield


def _lock_of(module: nn.Module) -> AbstractContextManager:
    with _locks_guard:
        return _locks.setdefault(module, RLock())


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = [each for each in module.modules() if each.training]
    try:
        for each in training:
            each.training = False
        yield
    finally:
        for each in training:
            each.training = True


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    trainable = [each for each in module.parameters() if each.requires_grad]
    try:
        for each in trainable:
            each.requires_grad_(False)
        yield
    finally:
        for each in trainable:
            each.requires_grad_(True)


@contextmanager
def _same_buffers(module: nn.Module) -> Iterator[None]:
    """Buffers hold small things such as running statistics, so keeping copies of them is cheap."""
    kept = [(each, dict(each._buffers)) for each in module.modules() if each._buffers]
    values = [(buffer, buffer.detach().clone(), version(buffer)) for buffer in module.buffers()]
    try:
        yield
    finally:
        for each, buffers in kept:
            each._buffers.clear()
            each._buffers.update(buffers)
        with torch.no_grad():
            for buffer, value, before in values:
                if version(buffer) != before:
                    buffer.copy_(value)


@contextmanager
def _same_randomness(module: nn.Module) -> Iterator[None]:
    devices = {each.device for each in module.parameters() if each.device.type == "cuda"}
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=sorted(devices, key=str)):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def version(tensor: Tensor) -> int:
    """How often a tensor was written to; tensors made in inference mode do not count that and cannot be trained."""
    return 0 if tensor.is_inference() else tensor._version


def _is_compiled(module: nn.Module) -> bool:
    return any(getattr(each, "_compiled_call_impl", None) is not None for each in module.modules()) or any(
        isinstance(each, torch._dynamo.OptimizedModule) for each in module.modules()
    )
