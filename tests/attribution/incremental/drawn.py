"""Networks of blocks drawn at random."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
    "strided": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4)),
    "skipping": lambda: nn.Conv2d(4, 4, 1, stride=3),
    "dilated": lambda: nn.Conv2d(4, 4, 3, padding=2, dilation=2),
    "oblong": lambda: nn.Conv2d(4, 4, (1, 5), padding=(1, 2)),
    "shrinking": lambda: nn.Conv2d(4, 4, 3),
    "grouped": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.ReLU(inplace=True)),
    "depthwise": lambda: nn.Sequential(nn.Conv2d(4, 4, 5, padding=2, groups=4), nn.ReLU6(inplace=True)),
    "norm": lambda: nn.Sequential(nn.BatchNorm2d(4), nn.GELU()),
    "norm without weights": lambda: nn.BatchNorm2d(4, affine=False),
    "max": lambda: nn.MaxPool2d(3, 2, 1),
    "max, ceil": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "average": lambda: nn.AvgPool2d(3, 2, 1),
    "average of what is there": lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    "larger": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
    "larger and smooth": lambda: nn.Upsample(scale_factor=1.5, mode="bilinear", align_corners=False),
    "bicubic": lambda: nn.Upsample(scale_factor=1.5, mode="bicubic"),
    "bicubic, aligned": lambda: nn.Upsample(scale_factor=3, mode="bicubic", align_corners=True),
    "aligned": lambda: nn.UpsamplingBilinear2d(size=(9, 11)),
    "adaptive": lambda: nn.AdaptiveAvgPool2d((5, 4)),
    "adaptive, as large": lambda: nn.AdaptiveAvgPool2d((None, None)),
    "adaptive, as many rows": lambda: nn.AdaptiveAvgPool2d((None, 4)),
    "adaptive maximum, as large": lambda: nn.AdaptiveMaxPool2d((None, None)),
    "reflected": lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
    "group norm": lambda: nn.GroupNorm(2, 4),
    "residual": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)),
    "residual, pointwise": lambda: nn.Conv2d(4, 4, 1),
    "dense": lambda: nn.Conv2d(4, 2, 3, padding=1),
}
MAPPED: dict[str, Callable[[Tensor], Tensor]] = {
    "every other position": lambda y: y[:, :, 1::2, ::3],
    "the end": lambda y: y[:, :, 3:],
    "cropped": lambda y: functional.pad(y, (-1, 2, -2, 0)),
    "channels moved about": lambda y: y.flip(1).roll(1, 1)[:, [2, 0, 1, 3]],
    "over the channels": lambda y: y * (y.mean(1, keepdim=True) + y.amax(1, keepdim=True)).sigmoid() - y.softmax(1),
    "maximum and where it was": lambda y: y + sum(y.max(1, keepdim=True)) / 9,
    "hard": lambda y: functional.hardswish(y, inplace=True),
    "padded": lambda y: functional.pad(y, (2, 0, 1, 1), value=0.3),
    "gated by a number": lambda y: torch.sigmoid(y * 0.5 + 0.1).clamp_min(0.2),
}
NAMES = [*LAYERS, *MAPPED]


class Drawn(nn.Module):
    """Blocks drawn at random, then global pooling or flattening and a linear layer."""

    def __init__(self, blocks: list[str], flatten: bool) -> None:
        super().__init__()
        self.blocks, self.flatten = blocks, flatten
        self.layers = nn.ModuleList(LAYERS.get(name, nn.Identity)() for name in blocks)
        self.head = nn.LazyLinear(5)

    def forward(self, x: Tensor) -> Tensor:
        for name, layer in zip(self.blocks, self.layers, strict=True):
            y = MAPPED[name](x) if name in MAPPED else layer(x)
            if name.startswith("residual"):
                y = functional.relu(y + x, inplace=True)
            elif name.startswith("dense"):
                y = torch.cat([x, y], 1)[:, 2:]
            x = y
        return self.head(x.flatten(1) if self.flatten else x.mean((2, 3)))


GROWING = {"larger": 2, "larger and smooth": 1.5, "bicubic": 1.5, "bicubic, aligned": 3}
"""How many times as many rows and columns come out."""
