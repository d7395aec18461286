"""What relevance adds up to, in networks with biases, normalisations and padding."""

import copy
from itertools import product

import pytest
import torch
import torchvision
from torch import Tensor, nn

import innerview as iv
from innerview.attribution.lrp.lrp import LRP, RULES
from small_networks import PIXELS, images, network

EXACT = 1e-12


def double(module: nn.Module) -> iv.Network:
    return iv.Network(network(module).module.double().eval(), PIXELS)


def test_of_a_batch_normalised_network_nothing_is_lost_but_the_bias_of_the_linear_layer() -> None:
    """Neither in the biases and shifts of the convolutions, nor in the sums of residual connections."""
    module = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5)
    net, x = double(module), images(2, size=32).double()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.uniform_(each.bias, -1, 1, generator=torch.Generator().manual_seed(3))
    result = LRP(epsilon=EXACT)(net, x, iv.Logit(1))
    torch.testing.assert_close(result.total, net.logits(x)[:, 1])
    torch.testing.assert_close(result.gap, -module.fc.bias[1].detach().expand(2), rtol=0, atol=1e-8)


@pytest.mark.parametrize("rule", RULES)
def test_padding_before_a_convolution_is_padding_in_it(rule: str) -> None:
    """There is nothing to be relevant in what was padded, at the pixels and inside."""
    inside = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2, 1, groups=4), nn.ReLU())
    net = double(nn.Sequential(*inside, nn.Flatten(), nn.Linear(64, 5)))
    first, second = (copy.deepcopy(net.module[place]) for place in (0, 2))
    first.padding = second.padding = (0, 0)
    pad = nn.ZeroPad2d(1)
    before = nn.Sequential(pad, first, nn.ReLU(), pad, second, nn.ReLU(), *net.module[4:])
    x = images().double()
    found = LRP(rule)(iv.Network(before, PIXELS), x, iv.Logit(1)).values
    torch.testing.assert_close(found, LRP(rule)(net, x, iv.Logit(1)).values)


def test_what_only_a_bias_raises_is_shared_by_all_that_it_reads() -> None:
    """One pixel is above zero; of the units behind it, nothing but their bias raises those that do not see it."""
    first, second = nn.Conv2d(3, 3, 1, groups=3), nn.Conv2d(3, 3, 3, padding=1, groups=3)
    net = double(nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(192, 5, bias=False)))
    for layer, bias in ((first, 0.0), (second, 1.0)):
        layer.weight.data.abs_(), layer.bias.data.fill_(bias)
    x = torch.zeros(2, 3, 8, 8).double()
    x[0, :, 2, 3] = x[1, :, 7, 0] = 1.0
    result = LRP(epsilon=EXACT)(net, x, iv.Logit(1))
    torch.testing.assert_close(result.gap, torch.zeros(2).double(), rtol=0, atol=1e-8)
    torch.testing.assert_close(result.values, by_hand(net, x))


def by_hand(net: iv.Network, x: Tensor) -> Tensor:
    """The relevance of each unit, given to the pixel around it that is above zero, or else to all that there are."""
    units = net.module[:4](x).detach()
    relevance = (units.flatten(1) * net.module[5].weight[1].detach()).view_as(units)
    found = torch.zeros_like(x)
    for image, channel, row, column in relevance.nonzero().tolist():
        around = [*product(*(range(max(0, at - 1), min(8, at + 2)) for at in (row, column)))]
        seen = [place for place in around if x[image, channel, *place] > 0] or around
        for place in seen:
            found[image, channel, *place] += relevance[image, channel, row, column] / len(seen)
    return found
