"""Other rules at the ReLUs of random networks, against dense matrices multiplied backwards without autograd."""

from collections.abc import Callable
from math import inf

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.modules.relu_rules import ReluRule
from innerview.modules.scope import untouched
from innerview.objectives.scoring import input_gradient
from relu_spellings import CAPPED, IN_PLACE_CAPPED, IN_PLACE_RELUS, RELUS, SPELLINGS

RULES = ("plain", "deconvolution", "guided")


def linear(apply: Callable[[Tensor], Tensor], shape: torch.Size) -> Tensor:
    """The matrix [input, output] of a linear map of one image: what it makes of each unit vector."""
    units = torch.eye(shape.numel(), dtype=torch.float64).reshape(-1, *shape)
    return apply(units).flatten(1)


def let_through(g: Tensor, y: Tensor, cap: float, rule: str) -> Tensor:
    passes = {
        "plain": lambda g, y: g if 0 < y < cap else 0.0,
        "deconvolution": lambda g, y: max(g, 0.0),
        "guided": lambda g, y: max(g, 0.0) if 0 < y < cap else 0.0,
    }[rule]
    return torch.tensor([passes(*pair) for pair in zip(g.tolist(), y.tolist(), strict=True)], dtype=torch.float64)


class Program(nn.Module):
    """A network read off a list of steps."""

    def __init__(self, steps: list[tuple], seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.steps, self.weights = steps, nn.ParameterList()
        for _ in steps:
            self.weights.append(torch.randn(4, 4, 3, 3, generator=generator, dtype=torch.float64))

    def conv(self, i: int, x: Tensor, stride: int, groups: int) -> Tensor:
        return functional.conv2d(x, self.weights[i][:, : 4 // groups], stride=stride, padding=1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        for i, (kind, *how) in enumerate(self.steps):
            if kind == "conv":
                x = self.conv(i, x, *how)
            elif kind == "relu":
                x = SPELLINGS[how[0]](x + 0.3)
            elif kind == "part":
                x = x + 0
                IN_PLACE_RELUS[how[0]](x[:, 1:3])
            elif kind == "residual":
                x = SPELLINGS[how[0]](self.conv(i, x, 1, 1)) + x
            elif kind == "consumers":
                x = RELUS[how[0]](x) - 0.7 * x
            elif kind == "max":
                x = functional.max_pool2d(x, 2, 1)
            elif kind == "average":
                x = functional.avg_pool2d(x, 2, 1)
        return x.flatten(1)[:, :3]

    def dense(self, x: Tensor, rule: str) -> Tensor:
        """The rule's map of output 2 for one image, layer by layer, without autograd."""
        wayback: list[Callable[[Tensor], Tensor]] = []
        for i, (kind, *how) in enumerate(self.steps):
            flat, shape = x.flatten(), x.shape[1:]
            cap = 6.0 if how and (how[0] in CAPPED or how[0] in IN_PLACE_CAPPED) else inf
            if kind in ("conv", "average"):
                act = (lambda u, i=i, how=how: self.conv(i, u, *how)) if kind == "conv" else _average
                a = linear(act, shape)
                x = (flat @ a).reshape(act(x).shape)
                wayback.append(lambda g, a=a: a @ g)
            elif kind == "relu":
                x = (x + 0.3).clamp(0, cap)
                y = x.flatten()
                wayback.append(lambda g, y=y, cap=cap: let_through(g, y, cap, rule))
            elif kind == "part":
                inside = torch.zeros_like(x)
                inside[:, 1:3] = 1
                x = torch.where(inside > 0, x.clamp(min=0), x)
                y, m = x.flatten(), inside.flatten()
                wayback.append(lambda g, y=y, m=m: m * let_through(g, y, inf, rule) + (1 - m) * g)
            elif kind == "residual":
                a = linear(lambda u, i=i: self.conv(i, u, 1, 1), shape)
                y = (flat @ a).clamp(0, cap)
                x = y.reshape(x.shape) + x
                wayback.append(lambda g, a=a, y=y, cap=cap: a @ let_through(g, y, cap, rule) + g)
            elif kind == "consumers":
                y = flat.clamp(min=0)
                x = y.reshape(x.shape) - 0.7 * x
                wayback.append(lambda g, y=y: let_through(g, y, inf, rule) - 0.7 * g)
            elif kind == "max":
                rows, columns = shape[1:]
                numbers = torch.arange(flat.numel(), dtype=torch.float64).reshape(x.shape)
                corners = [(slice(a, rows - 1 + a), slice(b, columns - 1 + b)) for a in (0, 1) for b in (0, 1)]
                windows = torch.stack([x[..., r, c] for r, c in corners])
                where = torch.stack([numbers[..., r, c] for r, c in corners]).gather(0, windows.argmax(0)[None])
                x = windows.amax(0)
                switches = functional.one_hot(where.long().flatten(), flat.numel()).double()
                wayback.append(lambda g, switches=switches: g @ switches)
        g = torch.zeros(x.numel(), dtype=torch.float64)
        g[2] = 1
        for step in reversed(wayback):
            g = step(g)
        return g


def _average(x: Tensor) -> Tensor:
    return (x[..., 1:, 1:] + x[..., :-1, 1:] + x[..., 1:, :-1] + x[..., :-1, :-1]) / 4


STEPS = st.one_of(
    st.tuples(st.just("conv"), st.sampled_from([1, 2]), st.sampled_from([1, 2, 4])),
    st.tuples(st.just("relu"), st.sampled_from([*SPELLINGS])),
    st.tuples(st.just("part"), st.sampled_from([*IN_PLACE_RELUS])),
    st.tuples(st.just("residual"), st.sampled_from([*SPELLINGS])),
    st.tuples(st.just("consumers"), st.sampled_from([*RELUS])),
    st.tuples(st.sampled_from(["max", "average"])),
)


def usable(steps: list[tuple]) -> bool:
    """Strides and pooling leave a grid."""
    shrinks = sum(step[0] in ("max", "average") for step in steps)
    strides = sum(step[0] == "conv" and step[1] == 2 for step in steps)
    return shrinks <= 1 and strides <= 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=5).filter(usable), rule=st.sampled_from(RULES), seed=st.integers(0, 999)
)
def test_random_networks_agree_with_the_dense_oracle(steps: list[tuple], rule: ReluRule, seed: int) -> None:
    module = Program([("conv", 1, 1), *steps, ("relu", "nn.ReLU(inplace)")], seed)
    net = iv.Network(module, iv.Preprocess(size=4, mean=(0.0,) * 4, std=(1.0,) * 4))
    x = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with untouched(module):
        found = input_gradient(net, x, iv.Logit(2), rule).gradient
    with torch.no_grad():
        expected = torch.stack([module.dense(each[None], rule) for each in x])
    torch.testing.assert_close(found.flatten(1), expected, rtol=1e-9, atol=1e-9)
