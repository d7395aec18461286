"""Which modules can be looked at, and the wrappers that are looked through."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..errors import NetworkError


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside what compiles or distributes it; `NetworkError` says why it cannot be looked at."""
    if not isinstance(module, nn.Module):
        raise NetworkError(f"a network is a torch.nn.Module; got {type(module).__name__}")
    if isinstance(module, torch._dynamo.OptimizedModule):
        return unwrapped(module._orig_mod)
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return unwrapped(module.module)
    for path, each in module.named_modules():
        if hidden := _hidden(each):
            raise NetworkError(f"{path or type(module).__name__!r} is {hidden}")
    return module


def _hidden(module: nn.Module) -> str | None:
    """What a module is that cannot be looked at, and what to do about it; None if it can."""
    if isinstance(module, torch.jit.ScriptModule):
        return (
            "a TorchScript module, which hides its layers and cannot be looked at; use the nn.Module it was made from"
        )
    own = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    if any(map(is_lazy, own)):
        return (
            "a lazy module, which has no values before its first input; show it an image before, as in "
            "module(torch.zeros(1, 3, 224, 224))"
        )
    if any(value.is_meta for value in own):
        return "a module on the meta device, which holds no values; load its weights first"
    if any(value.is_quantized for value in own) or _is_packed(module):
        return "a quantised module, which has no gradients; use the floating-point module it was made from"
    return None


def _is_packed(module: nn.Module) -> bool:
    """Whether its weights are quantised and packed away, so that no parameter tells."""
    origin = type(module).__module__
    return origin.startswith("torch.ao.nn.") and "quantized" in origin.split(".")
