"""Everything about a module and the process that a look inside must leave as it was."""

import hashlib
import random
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

HOOKS = [name for name in nn.Module().__dict__ if "hooks" in name]


def fingerprint(module: nn.Module, images: Tensor) -> dict[str, Any]:
    """Compare two of these with ==."""
    state = [*module.named_parameters(), *module.named_buffers()]
    return {
        "modules": [(name, id(each), type(each), sorted(each.__dict__)) for name, each in module.named_modules()],
        "modes": [each.training for each in module.modules()],
        "hooks": [[list(getattr(each, kind)) for kind in HOOKS] for each in module.modules()],
        "tensors": [(name, id(each), each.data_ptr(), each._version, _digest(each)) for name, each in state],
        "requires_grad": [each.requires_grad for _, each in state],
        "grads": [(id(each.grad), None if each.grad is None else _digest(each.grad)) for _, each in state],
        "state_dict": list(module.state_dict()),
        "input": (images._version, images.requires_grad, id(images.grad), _digest(images)),
        "random": (
            _digest(torch.get_rng_state()),
            random.getstate(),
            _digest(torch.tensor(np.random.rand(0))),
        ),
        "numpy": [each.tobytes() if isinstance(each, np.ndarray) else each for each in np.random.get_state()],
        "modes_of_torch": (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
        ),
        "threads": torch.get_num_threads(),
        "warnings": list(map(str, warnings.filters)),
    }


def _digest(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()
