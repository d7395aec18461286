"""What all contestants are given: the same network, the same image, the same class."""

import copy
from dataclasses import dataclass

import torch
import torchvision
from torch import Tensor, nn

import innerview as iv

SEED = 0
THREADS = 2


@dataclass(frozen=True)
class Scene:
    """A network, an image of random numbers and the class the network finds most probable.

    Others work on `theirs`, a copy with equal weights: what they leave behind (hooks, gradients, weights written
    to and back) cannot slow down or alter the network that innerview and the bare forward pass run on.
    """

    net: iv.Network
    theirs: nn.Module
    image: Tensor
    target: int

    def forward(self) -> Tensor:
        """The bare forward pass."""
        with torch.inference_mode():
            return self.net.module(self.image)


def scene(network: str, size: int) -> Scene:
    """One of torchvision's networks with random weights, in evaluation mode."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(SEED)
    module = torchvision.models.get_model(network, weights=None)
    image = torch.randn(1, 3, size, size)
    _settle(module, torch.randn(4, 3, size, size))
    return staged(module.eval(), image)


def staged(module: nn.Module, image: Tensor) -> Scene:
    """This network, which is in evaluation mode, and this prepared image."""
    with torch.inference_mode():
        target = int(module(image).argmax())
    return Scene(iv.Network(module, iv.Preprocess(size=image.shape[-1])), copy.deepcopy(module), image, target)


@torch.no_grad()
def _settle(module: nn.Module, images: Tensor) -> None:
    """Let batch normalisation measure its means and deviations, or random weights let the signal fade or explode."""
    norms = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # the plain mean over all that was seen, which is this one batch
    if norms:
        module.train()(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
