"""Attacks that follow the gradient from the answer back to the pixels."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..settings import Amount, Count, Seed
from .method import AttackMethod
from .pixels import Pixels01, direction, input_unit, length
from .point import Point

Norm = Literal["inf", "2"]
Begin = Literal["random", "image"]


@dataclass(frozen=True)
class GradientAscent(AttackMethod):
    """Gradient ascent on the cross-entropy of the present class, without a limit.

    The table of class and confidence after each step shows how little it takes.

        x ← clip(x + η · √n · g / ‖g‖₂, 0, 1),   g = ∇ₓ CE(f(x), y),   n: the number of values of x

    A step changes the pixels by η in the root mean square. The gradient itself is no good length for a step: it differs
    by many powers of ten between a network that is sure of its answer and one that is not.

    Reference: the direction is that of Szegedy et al., "Intriguing properties of neural networks", 2014, section 4.

    Args:
        step: η, in pixels of 0–1; by default a quarter of one of 255 grey levels, with which photographs are
            misjudged within some steps by networks of ImageNet. Digits need ten times as much.
        steps: their number at most.
        stop: whether an image whose class has changed is left as it is.
    """

    step: Amount = 0.25 / 255
    steps: Count = 15
    stop: bool = True

    @property
    def rounds(self) -> int:
        """`steps`."""
        return self.steps

    @property
    def stops(self) -> bool:
        """`stop`."""
        return self.stop

    def moved(self, point: Point, number: int) -> Pixels01:
        """A step along the gradient."""
        step = math.sqrt(point.pixels[0].numel()) * direction(point.gradient())
        return (point.pixels.detach() + self.step * step).clamp(0, 1)


@dataclass(frozen=True)
class PlainAscent(AttackMethod):
    """Gradient steps on the network's input as it is, all of them, wherever they lead: the lecture's attack.

    The table of the class after each step shows how soon it changes, and what it changes to after that.

        z ← z + η · ∇CE(f(z), y),   z = (x − mean) / std the network's input

    That is stochastic gradient descent without momentum on −CE. Nothing is clipped, so pixels may leave 0–1, by little
    while the change is small, and no step is scaled: of a network that is sure of its answer 15 may change nothing.

    Reference: Fleuret, Deep learning course, lecture 9.4, Optimizing inputs.

    Args:
        step: η, the learning rate, for the network's input in its own units.
        steps: their number.
        stop: whether an image whose class has changed is left as it is.
    """

    step: Amount = 0.1
    steps: Count = 15
    stop: bool = False

    @property
    def rounds(self) -> int:
        """`steps`."""
        return self.steps

    @property
    def stops(self) -> bool:
        """`stop`."""
        return self.stop

    def moved(self, point: Point, number: int) -> Pixels01:
        """A step of η · ∂/∂z, which is std · ∂/∂x; in pixels that is std times as long."""
        gradient = point.gradient()
        std = input_unit(point.start.net, gradient)
        return point.pixels.detach() + self.step * std.square() * gradient


@dataclass(frozen=True)
class FGSM(AttackMethod):
    """One step that changes every pixel by the same amount, up or down: the fast gradient sign method.

        x̃ = clip(x + ε · sign ∇ₓ CE(f(x), y), 0, 1)

    On a network that is linear in x it is the best that a change of at most ε can do.

    Reference: Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples", 2015, section 4.

    Args:
        epsilon: ε, in pixels of 0–1.
    """

    epsilon: Amount = 8 / 255

    @property
    def rounds(self) -> int:
        """1."""
        return 1

    def moved(self, point: Point, number: int) -> Pixels01:
        """Every pixel by ε along the sign of the gradient."""
        return (point.pixels.detach() + self.epsilon * point.gradient().sign()).clamp(0, 1)


@dataclass(frozen=True)
class PGD(AttackMethod):
    """The strongest change within a small ball around the image, by steps that are projected back into it.

        x ← Π(x + α · sign ∇ₓ CE(f(x), y))       norm "inf": no pixel changes by more than ε
        x ← Π(x + α · g / ‖g‖₂)                  norm "2": ‖x̃ − x‖₂ ≤ ε

    Π brings x into the ball and then to 0–1, which keeps it in the ball.

    Reference: Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards Deep Learning Models Resistant to Adversarial
    Attacks", 2018, section 2.1.

    Args:
        epsilon: the ball's radius ε, in pixels of 0–1; by default 8/255 for "inf", and for "2" the Euclidean length 1.
        step: α, in the same unit; by default 2.5 · ε / steps, enough to reach the border from anywhere in the ball.
        steps: their number at most.
        norm: "inf" or "2".
        start: "random" begins at a random point of the ball, "image" at the image.
        seed: of the random start, which is the same change for every image.
        stop: whether an image that has reached its goal is left as it is.
    """

    epsilon: Amount | None = None
    step: Amount | None = None
    steps: Count = 20
    norm: Norm = "inf"
    start: Begin = "random"
    seed: Seed = 0
    stop: bool = True

    @property
    def rounds(self) -> int:
        """`steps`."""
        return self.steps

    @property
    def stops(self) -> bool:
        """`stop`."""
        return self.stop

    @property
    def radius(self) -> float:
        """ε."""
        return (8 / 255 if self.norm == "inf" else 1.0) if self.epsilon is None else self.epsilon

    @property
    def width(self) -> float:
        """α."""
        return 2.5 * self.radius / self.steps if self.step is None else self.step

    def moved(self, point: Point, number: int) -> Pixels01:
        """A step along the gradient, projected."""
        if number == 0 and self.start == "random":
            before = point.start.before
            point = point.start.at(self._within(before, before + self._anywhere(before)))
        gradient = point.gradient()
        along = gradient.sign() if self.norm == "inf" else direction(gradient)
        return self._within(point.start.before, point.pixels.detach() + self.width * along)

    def _within(self, before: Pixels01, after: Pixels01) -> Pixels01:
        """Π."""
        change = after - before
        if self.norm == "inf":
            change = change.clamp(-self.radius, self.radius)
        else:
            change = change * (self.radius / length(change).clamp_min(torch.finfo(change.dtype).tiny)).clamp_max(1)
        return (before + change).clamp(0, 1)

    def _anywhere(self, before: Pixels01) -> Float[Tensor, "1 channel row column"]:
        """A point of the ball around zero, uniformly distributed, the same for all images."""
        random = torch.Generator().manual_seed(self.seed)
        shape = (1, *before.shape[1:])
        if self.norm == "inf":
            return ((2 * torch.rand(shape, generator=random) - 1) * self.radius).to(before)
        outwards = direction(torch.randn(shape, generator=random))
        return (outwards * torch.rand(1, generator=random) ** (1 / before[0].numel()) * self.radius).to(before)
