"""EfficientNet-Lite0: the architecture of the default network."""

from math import ceil

from torch import Tensor, nn
from torch.nn import functional

_EPS = 1e-3

STAGES = (
    (16, 1, 3, 1, 1),
    (24, 2, 3, 2, 6),
    (40, 2, 5, 2, 6),
    (80, 3, 3, 2, 6),
    (112, 3, 5, 1, 6),
    (192, 4, 5, 2, 6),
    (320, 1, 3, 1, 6),
)
"""Of each stage the channels, the blocks, the side of the kernels, the stride of its first block, the expansion."""


class SameConv2d(nn.Conv2d):
    """A convolution that gives ⌈rows / stride⌉ rows: where the padding is odd, one more below and on the right.

    That is TensorFlow's "same" padding, which the weights were trained with.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Maps at 1 / stride of the resolution."""
        down, across = map(self._missing, input.shape[2:])
        around = (across // 2, across - across // 2, down // 2, down - down // 2)
        return super().forward(functional.pad(input, around))

    def _missing(self, length: int) -> int:
        stride, kernel = self.stride[0], self.kernel_size[0]
        return max(0, (ceil(length / stride) - 1) * stride + kernel - length)


class ConvNorm(nn.Sequential):
    """A convolution and batch normalisation, with a ReLU6 behind them or without."""

    def __init__(  # noqa: PLR0913 - what a convolution is told
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, relu: bool = True
    ) -> None:
        super().__init__()
        if stride == 1:
            self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
        else:
            self.conv = SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_EPS)
        if relu:
            self.relu = nn.ReLU6()


class InvertedResidual(nn.Module):
    """Wide inside, narrow outside: a 1 × 1 convolution expands, a depthwise one looks around, a 1 × 1 one projects.

    What comes in is added where it has the shape of what goes out.

    Reference: Sandler, Howard, Zhu, Zhmoginov and Chen 2018, MobileNetV2.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = inputs * expansion
        if expansion > 1:
            self.expand = ConvNorm(inputs, inside)
        self.depthwise = ConvNorm(inside, inside, kernel, stride, groups=inside)
        self.project = ConvNorm(inside, outputs, relu=False)
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Maps of shape ``[batch, outputs, row / stride, column / stride]``."""
        inside = self.expand(x) if self.expands else x
        y = self.project(self.depthwise(inside))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """A network for 224×224 colour images that ends in global average pooling: small, plain and good.

    ==============================  =================================================  =====================
    layer                           what it is                                         output
    ==============================  =================================================  =====================
    ``stem``                        3×3 convolution, stride 2                          32 maps of 112×112
    ``blocks.0``                    one block                                          16 maps of 112×112
    ``blocks.1``                    two blocks, the first strided                      24 maps of 56×56
    ``blocks.2``                    two blocks of 5×5 kernels, the first strided       40 maps of 28×28
    ``blocks.3``                    three blocks, the first strided                    80 maps of 14×14
    ``blocks.4``                    three blocks of 5×5 kernels                        112 maps of 14×14
    ``blocks.5``                    four blocks of 5×5 kernels, the first strided      192 maps of 7×7
    ``blocks.6``                    one block                                          320 maps of 7×7
    ``head``                        1×1 convolution                                    1,280 maps of 7×7
    ``pool``                        mean over all positions                            1,280 numbers
    ``fc``                          linear                                             one logit per class
    ==============================  =================================================  =====================

    It has no squeeze-and-excitation and rectifies with ReLU6, so that it runs on small devices; and a class logit is a
    weighted mean of the last maps, which is what class activation maps need.

    Reference: Tan and Le 2019, EfficientNet; Liu 2020, Higher accuracy on vision models with EfficientNet-Lite.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = ConvNorm(3, 32, 3, 2)
        self.blocks, channels = nn.Sequential(), 32
        for outputs, count, kernel, stride, expansion in STAGES:
            stage = nn.Sequential()
            for block in range(count):
                stage.append(InvertedResidual(channels, outputs, kernel, stride if block == 0 else 1, expansion))
                channels = outputs
            self.blocks.append(stage)
        self.head = ConvNorm(channels, 1280)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[batch, class]`` of normalised images ``[batch, 3, row, column]``."""
        maps = self.head(self.blocks(self.stem(x)))
        return self.fc(self.flatten(self.pool(maps)))
