"""Every change to a user's module, made so that it is undone, whatever happens.

All computing runs inside `untouched(module)`, in `differentiating()` where there is a way back; hooks are added with
`hooked`. Nothing else in innerview changes a module.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from operator import is_
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
    or Ctrl-C: the mode of every submodule, `requires_grad`, buffers, what modules keep in dictionaries and the global
    random streams are back.
    """
    with ExitStack() as undo:
        undo.enter_context(_lock_of(module))
        modules = list({id(each): each for _, each in members(module)}.values())
        parameters = [each for owner in modules for each in owner._parameters.values() if each is not None]
        undo.enter_context(_same_randomness(parameters))
        undo.enter_context(_same_buffers(modules))
        undo.enter_context(_same_memory(modules))
        undo.enter_context(_evaluating(modules))
        undo.enter_context(_frozen(parameters))
        if any(map(_is_compiled, modules)):
            undo.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def differentiating() -> Iterator[None]:
    """Within the block the way back is recorded, in whatever mode the caller is."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def hooked(hooks: dict[nn.Module, Hook]) -> Iterator[None]:
    """Within the block, each module calls its forward hook, after the user's own ones."""
    with ExitStack() as undo:
        for module, hook in hooks.items():
            undo.callback(module.register_forward_hook(hook).remove)
        yield


def members(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """The module and all inside it, each under every name it has within its parent.

    `named_modules` does the same in twenty times the time, and this is asked before every look.
    """
    found = [("", module)]

    def visit(parent: nn.Module) -> None:
        for name, each in parent._modules.items():
            if each is not None:
                found.append((name, each))
                if each._modules:
                    visit(each)

    visit(module)
    return found


def _lock_of(module: nn.Module) -> AbstractContextManager:
    with _locks_guard:
        return _locks.setdefault(module, RLock())


@contextmanager
def _evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    training = [each for each in modules if each.training]
    try:
        for each in training:
            each.training = False
        yield
    finally:
        for each in training:
            each.training = True


@contextmanager
def _frozen(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    trainable = [each for each in parameters if each.requires_grad]
    try:
        for each in trainable:
            each.requires_grad_(False)
        yield
    finally:
        for each in trainable:
            each.requires_grad_(True)


@contextmanager
def _same_buffers(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Buffers hold small things such as running statistics, so keeping copies of them is cheap."""
    kept = [(each, dict(each._buffers)) for each in modules if each._buffers]
    buffers = {id(buffer): buffer for _, own in kept for buffer in own.values() if buffer is not None}
    alike: dict[tuple[torch.dtype, torch.device], list[Tensor]] = defaultdict(list)
    for buffer in buffers.values():
        alike[buffer.dtype, buffer.device].append(buffer)
    copies = [(group, _joined(group)) for group in alike.values()]
    try:
        yield
    finally:
        for each, own in kept:
            each._buffers.clear()
            each._buffers.update(own)
        with torch.no_grad():
            for group, copy in copies:
                if not torch.equal(_joined(group), copy):
                    for buffer, value in zip(group, copy.split([each.numel() for each in group]), strict=True):
                        if not torch.equal(buffer.reshape(-1), value):
                            buffer.copy_(value.view(buffer.shape))


@contextmanager
def _same_memory(modules: Sequence[nn.Module]) -> Iterator[None]:
    """What modules remember while they evaluate would outlive its cause.

    LeViT keeps its attention biases in a dictionary, and Swin of transformers smaller windows for small inputs.
    """
    kept = [(vars(each), vars(each).copy()) for each in modules]
    inside = [
        (held, held.copy())
        for _, own in kept
        for name, held in own.items()
        if type(held) is dict and not name.startswith("_")
    ]
    try:
        yield
    finally:
        for now, own in kept:
            if not all(map(is_, now.values(), own.values())):
                now.update({name: value for name, value in own.items() if not name.startswith("_")})
        for held, before in inside:
            held.clear()
            held.update(before)


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    """All their values in one new vector: one copy and one comparison instead of hundreds."""
    with torch.no_grad():
        return torch.cat([each if each.dim() == 1 else each.reshape(-1) for each in tensors])


@contextmanager
def _same_randomness(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    devices = {each.device for each in parameters if each.is_cuda}
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
    return getattr(module, "_compiled_call_impl", None) is not None or isinstance(module, torch._dynamo.OptimizedModule)
