"""The ways to write a ReLU in PyTorch; a capped one stops at 6."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

aten = torch.ops.aten

RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU": nn.ReLU(),
    "F.relu": functional.relu,
    "torch.relu": torch.relu,
    "torch.relu, by name": lambda t: torch.relu(input=t),
    "Tensor.relu": Tensor.relu,
    "clamp(min=0)": lambda t: t.clamp(min=0),
    "torch.clamp(0)": lambda t: torch.clamp(t, 0),
    "clamp_min(0)": lambda t: t.clamp_min(0),
    "clip(0.0)": lambda t: t.clip(0.0),
    "F.threshold": lambda t: functional.threshold(t, 0, 0),
    "nn.Threshold": nn.Threshold(0, 0),
    "torch.threshold": lambda t: torch.threshold(t, 0, 0),
    "aten.relu": aten.relu,
    "aten.relu.default": aten.relu.default,
    "aten.clamp.default": lambda t: aten.clamp.default(t, 0),
    "aten.clamp_min.default": lambda t: aten.clamp_min.default(t, 0),
}
IN_PLACE_RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU(inplace)": nn.ReLU(inplace=True),
    "F.relu(inplace)": lambda t: functional.relu(t, inplace=True),
    "F.relu_": functional.relu_,
    "torch.relu_": torch.relu_,
    "Tensor.relu_": Tensor.relu_,
    "clamp_(min=0)": lambda t: t.clamp_(min=0),
    "torch.clamp_": lambda t: torch.clamp_(t, 0),
    "clamp_min_(0)": lambda t: t.clamp_min_(0),
    "clip_(0)": lambda t: t.clip_(0),
    "F.threshold_": lambda t: functional.threshold_(t, 0, 0),
    "nn.Threshold(inplace)": nn.Threshold(0, 0, inplace=True),
    "aten.relu_.default": aten.relu_.default,
}
CAPPED: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU6": nn.ReLU6(),
    "F.relu6": functional.relu6,
    "nn.Hardtanh": nn.Hardtanh(0, 6),
    "F.hardtanh": lambda t: functional.hardtanh(t, 0.0, 6.0),
    "clamp": lambda t: t.clamp(0, 6),
    "torch.clip": lambda t: torch.clip(t, min=0, max=6),
    "aten.hardtanh.default": lambda t: aten.hardtanh.default(t, 0, 6),
    "aten.relu6.default": aten.relu6.default,
}
IN_PLACE_CAPPED: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU6(inplace)": nn.ReLU6(inplace=True),
    "F.relu6(inplace)": lambda t: functional.relu6(t, inplace=True),
    "nn.Hardtanh(inplace)": nn.Hardtanh(0, 6, inplace=True),
    "F.hardtanh_": lambda t: functional.hardtanh_(t, 0.0, 6.0),
    "clamp_": lambda t: t.clamp_(0, 6),
}
UNCAPPED = RELUS | IN_PLACE_RELUS
SPELLINGS = UNCAPPED | CAPPED | IN_PLACE_CAPPED
IN_PLACE = IN_PLACE_RELUS | IN_PLACE_CAPPED
