"""Small networks whose answers can be worked out by hand, or that are awkward in one way each."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv

Auxiliary = namedtuple("Auxiliary", ["logits", "aux_logits"])
PIXELS = iv.Preprocess(size=8, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class OneConv(nn.Module):
    """Model A: two 3 × 3 filters of ones, biases −50 and −75, and a linear layer of signs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3)
        self.relu1 = nn.ReLU(inplace=True)
        self.fc1 = nn.Linear(8, 4)
        self.relu2 = nn.ReLU()
        with torch.no_grad():
            self.conv1.weight.fill_(1)
            self.conv1.bias.copy_(torch.tensor([-50.0, -75.0]))
            self.fc1.weight.copy_(torch.tensor([1.0, 1, 1, 1, 1, -1, -1, -1]).expand(4, 8))
            self.fc1.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.fc1(self.relu1(self.conv1(x)).flatten(1)))


class MultiLayer(nn.Module):
    """Model B, on a row of three pixels: identity, ones with biases, ReLU, ones with biases."""

    def __init__(self) -> None:
        super().__init__()
        self.linear0, self.linear1 = nn.Linear(3, 3, bias=False), nn.Linear(3, 4)
        self.relu, self.linear2 = nn.ReLU(), nn.Linear(4, 2)
        with torch.no_grad():
            self.linear0.weight.copy_(torch.eye(3))
            self.linear1.weight.fill_(1)
            self.linear1.bias.copy_(torch.tensor([-10.0, 1, 1, 1]))
            self.linear2.weight.fill_(1)
            self.linear2.bias.copy_(torch.tensor([-1.0, 1]))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.relu(self.linear1(self.linear0(x.flatten(1)))))


class SmallCNN(nn.Module):
    """Convolutions, batch normalisation, dropout, an in-place ReLU that is used twice, pooling, one linear layer."""

    def __init__(self, channels: int = 3, classes: int = 5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(6, classes)

    def features(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv1(x)))
        return self.relu(self.conv2(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.features(x).mean((2, 3))))


class Functional(SmallCNN):
    """The same with functional ReLUs and an in-place change of its own input."""

    def features(self, x: Tensor) -> Tensor:
        x -= 0.1
        return functional.relu(self.conv2(functional.relu_(self.norm(self.conv1(x)))))


class Residual(nn.Module):
    """A residual connection added in place; the block is run twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(2):
            y = self.block(x)
            y += x
            x = self.relu(y)
        return self.fc(self.pool(x).flatten(1))


class ChannelsLast(nn.Module):
    """Behind a convolution the channels are the last axis, as in ConvNeXt and Swin."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.mix = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 6))
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x).permute(0, 2, 3, 1)
        return self.fc((maps + self.mix(maps)).mean((1, 2)))


class TinyViT(nn.Module):
    """Patches, a class token, one transformer layer, a head on the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1)
        return self.head(self.block(tokens)[:, 0])


class Tokens(nn.Module):
    """Patches behind some tokens without a place, a pre-norm attention block, a head on the first token or the mean."""

    def __init__(self, prefix: int = 1, *, pooled: bool = False) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.prefix, self.pooled = nn.Parameter(torch.randn(1, prefix, 8)), pooled
        self.norm1, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.prefix.expand(len(x), -1, -1), x], 1)
        return self.after(x, self.norm1(x))

    def after(self, x: Tensor, normed: Tensor) -> Tensor:
        x = self.norm(x + self.attention(normed, normed, normed)[0])
        return self.head(x[:, self.prefix.shape[1] :].mean(1) if self.pooled else x[:, 0])


class With(nn.Module):
    """A convolution, an operation, global average pooling and a linear layer."""

    def __init__(self, operation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.fc, self.operation = nn.Conv2d(3, 4, 3), nn.Linear(4, 5), operation

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.operation(self.conv(x)).mean((2, 3)))


@dataclass
class Scores:
    """An output that is a plain dataclass."""

    features: None
    scores: Tensor


class Wrapping(nn.Module):
    """Gives its class scores inside a container."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.inner, self.kind = SmallCNN(), kind

    def forward(self, x: Tensor) -> object:
        scores = self.inner(x)
        containers = {
            "dict": {"logits": scores, "loss": scores.sum()},
            "tuple": (scores,),
            "named": Auxiliary(scores, scores * 2),
            "dataclass": Scores(None, scores),
        }
        return containers[self.kind]


def network(module: nn.Module, seed: int = 0, **settings: object) -> iv.Network:
    """The module with reproducible random weights and pixels as input; left in training mode on purpose."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
            elif name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.1)
    return iv.Network(module, PIXELS, **settings)


def images(count: int = 2, channels: int = 3, size: int = 8, seed: int = 1) -> Tensor:
    """Reproducible random inputs."""
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(seed))


AWKWARD = {
    "small": SmallCNN,
    "functional": Functional,
    "residual": Residual,
    "vit": TinyViT,
    "last": ChannelsLast,
}
