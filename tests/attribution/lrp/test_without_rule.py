"""What LRP refuses, and what it says."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.attribution.lrp.lrp import LRP
from innerview.errors import MethodError
from small_networks import With, images, network


class Swish(torch.autograd.Function):
    """Somebody's own operation."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient


def sigmoid_of_a_part(x: Tensor) -> Tensor:
    x[:, :2].sigmoid_()
    return x


REFUSED = {
    "Sigmoid": torch.sigmoid,
    "Softmax": lambda x: x.softmax(1),
    "Gelu": functional.gelu,
    "Silu": nn.SiLU(inplace=True),
    "Mul": lambda x: x * x.amax((2, 3), keepdim=True),
    "Reciprocal": torch.reciprocal,
    "Div": lambda x: x / x.amax(),
    "NativeGroupNorm": nn.GroupNorm(2, 4),
    "Convolution": lambda x: functional.conv2d(x, x[:1, :, :2, :2].repeat(4, 1, 1, 1)),
    "Clamp": lambda x: x.clamp(min=0.1),
    "NativeBatchNorm": nn.BatchNorm2d(4, track_running_stats=False),
    "ScaledDotProduct": lambda x: functional.scaled_dot_product_attention(x, x, x),
    "Exp": lambda x: x.exp_(),
    "Swish": Swish.apply,
    "Pow": lambda x: x**2,
}


SEVERAL = {"Mul", "Div", "Convolution", "ScaledDotProduct"}


@pytest.mark.parametrize("operation", [*REFUSED, "part"])
def test_what_has_no_rule_is_refused_by_its_name(operation: str) -> None:
    net = network(With(REFUSED.get(operation, sigmoid_of_a_part)))
    name = "Sigmoid" if operation == "part" else operation
    several = " of several values that depend on the image" if name in SEVERAL else ""
    with pytest.raises(MethodError, match=rf"^LRP has no rule for '{name}\w*'{several}, which With computes[.] It has"):
        LRP()(net, images(), iv.Logit(1))


def test_the_refusal_says_what_there_are_rules_for() -> None:
    with pytest.raises(MethodError) as caught:
        LRP()(network(With(functional.gelu)), images(), iv.Logit(1))
    assert str(caught.value) == (
        "LRP has no rule for 'Gelu', which With computes. It has rules for convolutions (also transposed) and linear "
        "layers of torch.nn with weights that do not depend on the image, ReLU, leaky ReLU and ELU, batch "
        "normalisation in evaluation, layer normalisation, average and maximum pooling, resizing, sums, products with "
        "constants, and values that are only moved. Use IntegratedGradients or GradientTimesInput"
    )


MENTIONED: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed convolutions": nn.ConvTranspose2d(4, 4, 2),
    "resizing": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "ELU": nn.ELU(),
    "leaky ReLU": nn.LeakyReLU(),
    "layer normalisation": nn.LayerNorm([4, 6, 6]),
    "average pooling": nn.AdaptiveAvgPool2d(2),
    "maximum pooling": nn.AdaptiveMaxPool2d(2),
    "products with constants": lambda x: 0.5 * x / 3,
    "moved": lambda x: x.roll(1, 2).flip(3),
}


@pytest.mark.parametrize("operation", MENTIONED)
def test_what_the_refusal_mentions_is_not_refused(operation: str) -> None:
    assert LRP()(network(With(MENTIONED[operation])), images(), iv.Logit(1)).values.any()
