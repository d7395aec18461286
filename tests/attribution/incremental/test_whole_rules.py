"""What was recorded for one image is run for many, and each has its own answer."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from innerview.attribution.incremental.whole_rules import on_batch
from innerview.operations.tape import CannotRecordError, Ref, Tape, leaves, record, replaced
from small_networks import images, network

CONSTANT = torch.linspace(-1, 1, 5 * 64).view(1, 5, 8, 8).double()


class Parts(nn.Module):
    """What the ways through it are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.Linear(4, 5)
        self.attend, self.standard = nn.MultiheadAttention(4, 2, batch_first=True), nn.LayerNorm(4)


def tokens(m: Parts, x: Tensor) -> Tensor:
    return m.conv(x).flatten(2).mT


WAYS: dict[str, Callable[[Parts, Tensor], Tensor]] = {
    "groups": lambda m, x: m.norm(m.conv(x)),
    "channels last in memory": lambda m, x: m.linear(
        functional.adaptive_avg_pool2d(m.conv(x).contiguous(memory_format=torch.channels_last), 1).flatten(1)
    ),
    "layer normalisation": lambda m, x: m.linear(m.standard(tokens(m, x))).mean(1),
    "attention by hand": lambda m, x: (t := tokens(m, x)) @ (t.mT @ t).softmax(-1),
    "fused attention": lambda m, x: functional.scaled_dot_product_attention(*[tokens(m, x)[:, None]] * 3),
    "expanded": lambda m, x: m.conv(x).mean(1, keepdim=True).expand(-1, 4, -1, -1) + m.conv(x),
    "expanded to a size": lambda m, x: m.conv(x)[:, :, :1].expand(len(x), 4, 8, 8).cumsum(1),
    "channels moved about": lambda m, x: m.conv(x)[:, [2, 0, 1]].flip(1).repeat(1, 2, 1, 1).unflatten(1, (2, 3)),
    "positions moved about": lambda m, x: m.linear(m.conv(x).roll((1, 2), (2, 3)).permute(0, 3, 2, 1)[:, 1::2]),
    "maximum": lambda m, x: functional.adaptive_max_pool2d(m.conv(x), 2).amax((2, 3)).log_softmax(1),
    "split": lambda m, x: torch.cat([each * (place + 1) for place, each in enumerate(m.conv(x).split([1, 3], 1))], 1),
    "a constant for all": lambda m, x: m.conv(x) * CONSTANT[:, :4] + CONSTANT[0, :4] + CONSTANT[:, :1, :1],
    "as if the batch were in front of the channels": lambda m, x: m.conv(x).view(-1, 8, 8).softmax(-1).view(-1, 4, 64),
}


def run_on_many(tape: Tape, many: Tensor) -> Tensor:
    """The recorded operations, one after the other, on a batch."""
    values = {0: many}

    def value(arg: object) -> object:
        return values[arg.number] if isinstance(arg, Ref) else arg

    for step in tape.steps:
        args, kwargs = replaced((step.args, step.kwargs), value)
        found = on_batch(step, tape, len(many))(*args, **kwargs)
        values |= zip(step.outputs, (each for each in leaves((found,)) if isinstance(each, Tensor)), strict=False)
    return values[tape.output]


@pytest.mark.parametrize("way", WAYS)
def test_each_image_of_a_batch_has_the_answer_that_it_has_alone(way: str) -> None:
    module, many = network(Parts()).module.double(), images(3).double()
    tape = record(lambda x: WAYS[way](module, x), many[:1])
    with torch.no_grad():
        expected = torch.cat([WAYS[way](module, each[None]) for each in many])
        torch.testing.assert_close(run_on_many(tape, many), expected, rtol=1e-12, atol=1e-12)


MIXED: dict[str, Callable[[Parts, Tensor], Tensor]] = {
    "the mean over the batch": lambda m, x: m.conv(x) - m.conv(x).mean(0),
    "a sum over all": lambda m, x: m.conv(x) / m.conv(x).sum(),
    "images the other way round": lambda m, x: m.conv(x) + m.conv(x).flip(0),
    "the statistics of the batch": lambda m, x: functional.batch_norm(m.conv(x), None, None, training=True),
    "the batch behind the channels": lambda m, x: m.conv(x).transpose(0, 1).softmax(0),
    "the batch behind the tokens": lambda m, x: m.attend(*[tokens(m, x)] * 3)[0],
    "the first image": lambda m, x: m.conv(x)[0],
    "an axis before the batch": lambda m, x: m.conv(x)[None],
    "a constant for one image": lambda m, x: torch.cat([m.conv(x), CONSTANT], 1),
    "a constant for each row": lambda m, x: m.conv(x).view(-1, 8) + CONSTANT.view(-1, 8)[:32],
    "a matrix made of the image": lambda m, x: m.conv(x).flatten(2)[0] @ m.conv(x).flatten(2)[0].mT,
    "a filter made of the image": lambda m, x: functional.conv2d(x, m.conv(x)[:, :3]),
    "an operation that nobody knows": lambda m, x: torch.fft.fft(m.conv(x)).abs(),
    "the size of the image": lambda m, x: torch.zeros_like(m.conv(x)).exp(),
}


@pytest.mark.parametrize("way", MIXED)
def test_what_may_mix_the_images_of_a_batch_is_refused(way: str) -> None:
    module = network(Parts()).module.double()
    tape = record(lambda x: MIXED[way](module, x), images(1).double())
    with pytest.raises(CannotRecordError, match="may mix the images of a batch"):
        run_on_many(tape, images(3).double())
