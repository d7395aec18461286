"""Networks of the kinds that users write themselves: each is ordinary but for one thing."""

import warnings
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from torchvision.models import GoogLeNet
from torchvision.models.googlenet import Inception


def plain() -> nn.Module:
    """The control: a convolutional network as in a textbook."""
    layers = {
        "conv1": nn.Conv2d(3, 8, 3, padding=1),
        "norm1": nn.BatchNorm2d(8),
        "relu1": nn.ReLU(),
        "pool": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(8, 12, 3, stride=2, padding=1),
        "relu2": nn.ReLU(),
        "average": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
        "head": nn.Linear(12, 5),
    }
    return nn.Sequential(OrderedDict(layers))


class _Own(nn.Module):
    """A stem, something in the middle, a head on the average."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.body = nn.Conv2d(width, 12, 3, stride=2, padding=1)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.middle(self.stem(x)).mean((2, 3)))

    def middle(self, x: Tensor) -> Tensor:
        return self.body(x.relu()).relu()


class Clamped(_Own):
    """A ReLU spelled `clamp(min=0)`."""

    def middle(self, x: Tensor) -> Tensor:
        return self.body(x.clamp(min=0)).clamp(min=0)


class Checkpointed(_Own):
    """Its middle is computed again on the way back."""

    def middle(self, x: Tensor) -> Tensor:
        return checkpoint(super().middle, x, use_reentrant=False)


class Scripted(_Own):
    """A TorchScript module inside an ordinary one."""

    def __init__(self) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # that TorchScript is on its way out
            self.body = torch.jit.script(self.body)


class Transposed(_Own):
    """A transposed convolution on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.ConvTranspose2d(8, 12, 3, stride=2, padding=1)


class OneNumber(_Own):
    """A ReLU on a single number of each image."""

    def __init__(self) -> None:
        super().__init__()
        self.brightness = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.middle(self.stem(x)).mean((2, 3))
        return self.head(pooled + self.brightness(pooled)[:, 0].relu()[:, None])


class OtherPools(_Own):
    """Pools in one and in three dimensions."""

    def __init__(self) -> None:
        super().__init__(width=16)
        self.body = nn.Conv2d(8, 12, 3, stride=2, padding=1)

    def middle(self, x: Tensor) -> Tensor:
        largest = functional.max_pool3d(x.relu()[:, None], (2, 1, 1))[:, 0]  # over pairs of channels
        x = self.body(largest).relu()
        return functional.avg_pool1d(x.flatten(2), 4)[..., None]


class Convolved(_Own):
    """The class scores are the average of class maps: a convolution before the pooling, no linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(12, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.middle(self.stem(x))).mean((2, 3))


class Inceptive(_Own):
    """An Inception block, behind GoogLeNet's change of the input's channels."""

    transform_input = True
    _transform_input = GoogLeNet._transform_input

    def __init__(self) -> None:
        super().__init__()
        self.block = Inception(8, 4, 4, 8, 2, 4, 4)
        self.head = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self._transform_input(x))

    def middle(self, x: Tensor) -> Tensor:
        return self.block(x)


class ImageToImage(_Own):
    """It gives an image, no class scores."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.interpolate(self.middle(self.stem(x)), x.shape[2:]))


def lazy() -> nn.Module:
    """Its parameters have no shape before it has seen an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that such modules are new
        return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(5))


def quantised() -> nn.Module:
    """Its linear layers compute in eight bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(plain().eval(), {nn.Linear})
