"""The architectures of the embedded networks, small enough to be read in one sitting."""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions whose result is added to the input: ``relu(x + F(x))``.

    Where the block changes the resolution or the number of channels, average pooling and a 1×1
    convolution bring the input to the new shape first; elsewhere the shortcut is the identity. Pooling
    lets every pixel through to the gradient, where a strided 1×1 convolution would skip most of them.

    Reference for the pooled shortcut: He, Zhang, Zhang, Zhang, Xie and Li 2019, Bag of tricks for image
    classification with convolutional neural networks, figure 2c (ResNet-D).
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = _shortcut(inputs, outputs, stride)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Maps of shape ``[batch, outputs, row / stride, column / stride]``."""
        residual = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        return self.relu2(self.shortcut(x) + residual)


class Stem(nn.Module):
    """The first look at the image: one strided convolution, normalised and rectified."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, outputs, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Maps at half the resolution of the image."""
        return self.relu(self.norm(self.conv(x)))


class TinyResNet(nn.Module):
    """A residual network for 64×64 colour images that ends in global average pooling.

    ==========  =======================================  ==================
    layer       what it is                               output
    ==========  =======================================  ==================
    ``stem``    3×3 convolution, stride 2                32 maps of 32×32
    ``layer1``  one residual block                       32 maps of 32×32
    ``layer2``  two residual blocks, the first strided   64 maps of 16×16
    ``layer3``  two residual blocks, the first strided   160 maps of 8×8
    ``pool``    mean over all positions                  160 numbers
    ``fc``      linear                                   one logit per class
    ==========  =======================================  ==================

    A class logit is a weighted mean of the last maps, which is what class activation maps need.
    Any input of at least 8×8 pixels is accepted; it was trained to see 64×64.

    Reference: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition.
    """

    def __init__(self, classes: int = 70) -> None:
        super().__init__()
        self.stem = Stem(32)
        self.layer1 = nn.Sequential(ResidualBlock(32, 32))
        self.layer2 = nn.Sequential(ResidualBlock(32, 64, stride=2), ResidualBlock(64, 64))
        self.layer3 = nn.Sequential(ResidualBlock(64, 160, stride=2), ResidualBlock(160, 160))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(160, classes)
        _initialize(self)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[batch, class]`` of normalised images ``[batch, 3, row, column]``."""
        maps = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return self.fc(self.flatten(self.pool(maps)))


class LeNet(nn.Module):
    """LeNet-5 for 28×28 digits, with the rectifiers and max-pooling of today's textbooks.

    ===================  ============================  =================
    layer                what it is                    output
    ===================  ============================  =================
    ``conv1``            5×5 convolution, padding 2    6 maps of 28×28
    ``pool1``            maximum of 2×2                6 maps of 14×14
    ``conv2``            5×5 convolution               16 maps of 10×10
    ``pool2``            maximum of 2×2                16 maps of 5×5
    ``fc1``, ``fc2``     linear                        120, 84 numbers
    ``fc3``              linear                        ten logits
    ===================  ============================  =================

    A rectifier (``relu1`` to ``relu4``) follows each layer with weights except the last one.

    Reference: LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document
    recognition, section II.B.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(120, 84)
        self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[batch, class]`` of normalised images ``[batch, 1, 28, 28]``."""
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        return self.fc3(self.relu4(self.fc2(self.relu3(self.fc1(x)))))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(
        nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity(),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _initialize(net: nn.Module) -> None:
    """Scale the weights for rectifiers, and let each residual branch start at zero."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, ResidualBlock):
            nn.init.zeros_(module.norm2.weight)
