"""What the recipes share: seeded training that can be interrupted, and the delivery of its result."""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from rich.progress import Progress
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.files import replacing


@dataclass(frozen=True)
class Images:
    """Images in memory: bytes ``[image, channel, row, column]`` and one class index for each."""

    pixels: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, for pixels in 0–1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        """The network's input for pixels in 0–1."""
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std


@dataclass(frozen=True)
class Views:
    """Images as the network sees them while it learns: never twice the same."""

    images: Images
    vary: Callable[[Tensor, int, torch.Generator], Tensor]
    """Random views of pixels in 0–1: takes them, the side to return in pixels, the source of randomness."""
    normalise: Normalisation

    def of(self, batch: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """One new view of each image in the batch of indices."""
        views = self.normalise(self.vary(self.images.pixels[batch].float() / 255, size, generator))
        return views.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Plan:
    """How long, how fast and on which image sizes to train.

    The learning rate rises, stays, falls to half from epoch ``halving`` on, and to zero in the last
    ``cooldown`` epochs. What changes late is counted from the end, so a run may be prolonged before
    that and is then the very run that was planned longer from the start.
    """

    epochs: int
    seed: int
    warmup: int = 2
    halving: int | None = None
    cooldown: int = 12
    batch: int = 128
    rate: float = 0.1
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    averaging: float = 0.998
    size: int = 28
    """Side of the training images at the start, in pixels."""
    growth: tuple[tuple[int, int], ...] = ()
    """Later sizes in order, each with the epoch at which it starts; a negative one counts from the end."""

    def rate_at(self, epoch: float) -> float:
        """The learning rate after so many (parts of) epochs."""
        rising, falling = (epoch + 0.01) / self.warmup, (self.epochs - epoch) / self.cooldown
        halving = max(0.5, (2 * self.halving - epoch) / self.halving) if self.halving else 1.0
        return self.rate * min(1.0, rising, halving, falling)

    def size_at(self, epoch: int) -> int:
        """The side of the training images in this epoch, in pixels."""
        grown = [size for size, start in self.growth if epoch >= start % self.epochs]
        return grown[-1] if grown else self.size

    def continues(self, other: "Plan", epoch: int) -> bool:
        """Whether so many epochs under the other plan are the beginning of this one."""
        return self == replace(other, epochs=self.epochs) and self._past(epoch) == other._past(epoch)

    def _past(self, epochs: int) -> list[tuple[float, int]]:
        return [(self.rate_at(quarter / 4), self.size_at(quarter // 4)) for quarter in range(4 * epochs)]


class Run:
    """The state of a training run: all that is needed to go on with it."""

    def __init__(self, net: nn.Module, plan: Plan) -> None:
        self.net = net
        self.plan = plan
        self.epoch = 0
        self.average = copy.deepcopy(net).eval().requires_grad_(False)
        self.optimizer = torch.optim.SGD(
            net.parameters(), lr=0.0, momentum=0.9, nesterov=True, weight_decay=plan.weight_decay
        )
        self.generator = torch.Generator().manual_seed(plan.seed)

    def save(self, file: Path) -> None:
        """Write a checkpoint; an interrupted write leaves the one before."""
        parts = {"net": self.net, "average": self.average, "optimizer": self.optimizer}
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"epoch": self.epoch, "generator": self.generator.get_state(), "plan": asdict(self.plan)}
        with replacing(file) as temporary:
            torch.save(state, temporary)

    def resume(self, file: Path) -> None:
        """Go on where a checkpoint of the same plan stopped."""
        state = torch.load(file, weights_only=True)
        if not self.plan.continues(Plan(**state["plan"]), state["epoch"]):
            raise SystemExit(f"{file} was written under another plan; remove it, or give another --out")
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.epoch = state["epoch"]


def train(run: Run, views: Views, checkpoint: Path, follow: Callable[[int], iv.Recorder] | None = None) -> nn.Module:
    """The averaged network at the end of the plan, resumed from the checkpoint if there is one.

    ``follow`` makes a recorder of the training, given how many steps are done; the result is the same to the bit.
    """
    if checkpoint.exists():
        run.resume(checkpoint)
    done = run.epoch * (len(views.images.labels) // run.plan.batch)
    recorder = follow(done) if follow else None
    with Progress() as progress:
        task = progress.add_task("epoch", total=run.plan.epochs, completed=run.epoch)
        while run.epoch < run.plan.epochs:
            start = monotonic()
            loss = _epoch(run, views, lambda part: progress.advance(task, part), recorder)
            run.save(checkpoint)
            line = f"epoch {run.epoch}/{run.plan.epochs}  loss {loss:.3f}  {monotonic() - start:.0f} s"
            progress.console.print(line, highlight=False)
    return run.average


def _epoch(run: Run, views: Views, advance: Callable[[float], None], recorder: iv.Recorder | None) -> float:
    """One pass over the images; returns the mean loss."""
    plan, size, total = run.plan, run.plan.size_at(run.epoch), 0.0
    order = torch.randperm(len(views.images.labels), generator=run.generator)
    batches = order[: len(order) - len(order) % plan.batch].split(plan.batch)
    run.net.train()
    for number, batch in enumerate(batches):
        run.optimizer.param_groups[0]["lr"] = plan.rate_at(run.epoch + number / len(batches))
        total += _step(run, views.of(batch, size, run.generator), views.images.labels[batch])
        if recorder is not None:
            recorder.step()
        _average(run, decay=min(plan.averaging, (number + run.epoch * len(batches)) / 100))
        advance(1 / len(batches))
    run.epoch += 1
    return total / len(batches)


def _step(run: Run, images: Tensor, labels: Tensor) -> float:
    loss = functional.cross_entropy(run.net(images), labels, label_smoothing=run.plan.smoothing)
    run.optimizer.zero_grad()
    loss.backward()
    run.optimizer.step()
    return loss.item()


@torch.no_grad()
def _average(run: Run, decay: float) -> None:
    """Move the averaged network, running statistics included, towards the present one."""
    for mean, value in zip(run.average.state_dict().values(), run.net.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


@dataclass(frozen=True)
class Card:
    """What a user of a network has to know about it, beside what is measured."""

    name: str
    size: int
    normalise: Normalisation
    labels: list[str]
    data: str
    held_out: str
    recipe: str
    source: str
    plan: Plan
    more: dict[str, Any]


def deliver(net: nn.Module, held_out: Images, card: Card, out: Path) -> None:
    """Write ``NAME.safetensors`` in half precision and ``NAME.json``, measured with these very weights."""
    weights = {name: _halved(value) for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    with replacing(out / f"{card.name}.safetensors") as temporary:
        temporary.write_bytes(save(weights))
    with replacing(out / f"{card.name}.json") as temporary:
        temporary.write_text(json.dumps(_described(net, held_out, card), indent=1, ensure_ascii=False) + "\n")


def _halved(value: Tensor) -> Tensor:
    return (value.half() if value.is_floating_point() else value).contiguous()


def _described(net: nn.Module, held_out: Images, card: Card) -> dict[str, Any]:
    return {
        "name": card.name,
        "size": card.size,
        "channels": len(card.normalise.mean),
        "mean": card.normalise.mean,
        "std": card.normalise.std,
        "labels": card.labels,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "multiply_adds": multiply_adds(net, held_out.pixels[:1].float()),
        "accuracy": {
            **accuracy(net, held_out, card.normalise),
            "split": card.held_out,
            "images": len(held_out.labels),
        },
        "data": card.data,
        "recipe": card.recipe,
        "seed": card.plan.seed,
        "epochs": card.plan.epochs,
        "source": card.source,
        **card.more,
    }


@torch.no_grad()
def accuracy(net: nn.Module, images: Images, normalise: Normalisation) -> dict[str, float]:
    """The shares of images whose class is the first answer, and is among the first five."""
    batches = [normalise(pixels.float() / 255) for pixels in images.pixels.split(250)]
    answers = torch.cat([net(batch).topk(5).indices for batch in batches])
    places = (answers == images.labels[:, None]).double().mean(0)
    return {"top1": round(places[0].item(), 4), "top5": round(places.sum().item(), 4)}


@torch.no_grad()
def multiply_adds(net: nn.Module, image: Tensor) -> int:
    """The multiplications of all convolutions and linear layers for one image."""
    counts: list[int] = []

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        weight = layer.get_parameter("weight")
        counts.append(weight.numel() * output[0, 0].numel())

    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    net(image)
    for hook in hooks:
        hook.remove()
    return sum(counts)
