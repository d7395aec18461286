"""Batch normalisation folded into the convolution before it computes the same."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.attribution.incremental import regions
from innerview.operations.folding import folded, is_batch_norm
from innerview.operations.tape import CannotRecordError, Step, record
from replay import replayed
from small_networks import Residual, SmallCNN, images, network

SIZES = {1: (3, 24), 2: (3, 8, 8), 3: (3, 4, 5, 6)}
CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def in_double(module: nn.Module) -> nn.Module:
    return network(module).module.double().eval()


def norms(steps: list[Step] | tuple[Step, ...]) -> int:
    return sum(is_batch_norm(step) for step in steps)


def steps_and_folded(run: Callable[[Tensor], Tensor], x: Tensor) -> tuple[tuple[Step, ...], list[Step]]:
    """The steps before and after, which are checked to compute the same from another input."""
    tape, other = record(run, x), x.flip(-1) + 0.3
    after = folded(tape.steps)
    expected = replayed(tape.steps, other)[tape.output]
    torch.testing.assert_close(replayed(after, other)[tape.output], expected, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(expected, run(other.clone()))
    return tape.steps, after


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dimensions", CONVOLUTIONS)
@pytest.mark.parametrize("how", [{}, {"stride": 2, "padding": 1}, {"groups": 3}, {"dilation": 2}])
def test_a_folded_convolution_computes_the_same(how: dict, dimensions: int, bias: bool, affine: bool) -> None:
    convolution = CONVOLUTIONS[dimensions](3, 6, 2, bias=bias, **how)
    module = in_double(nn.Sequential(convolution, BATCH_NORMS[dimensions](6, affine=affine), nn.ReLU()))
    x = torch.randn(2, *SIZES[dimensions], generator=torch.Generator().manual_seed(0)).double()
    before, after = steps_and_folded(module, x)
    assert (norms(before), norms(after)) == (1, 0)
    assert len(after) == len(before) - 1


def test_the_folded_weights_are_the_closed_form() -> None:
    """γ = 3, σ² + ε = 4, μ = 1, β = 5: weights × 3/2, and a bias of 7 becomes (7 − 1) × 3/2 + 5."""
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.5)
    with torch.no_grad():
        for value, number in zip(
            (convolution.weight, convolution.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var),
            (2.0, 7.0, 3.0, 5.0, 1.0, 3.5),
            strict=True,
        ):
            value.fill_(number)
    (step,) = folded(record(nn.Sequential(convolution, norm).eval(), torch.ones(1, 1, 2, 2)).steps)
    assert [each.item() for each in step.args[1:3]] == [3.0, 14.0]
    assert [each.item() for each in (convolution.weight, convolution.bias)] == [2.0, 7.0]


@pytest.mark.parametrize(("kind", "count"), [(SmallCNN, 1), (Residual, 2)])
def test_networks_compute_the_same_without_their_norms(kind: type[nn.Module], count: int) -> None:
    before, after = steps_and_folded(in_double(kind()), images().double())
    assert (norms(before), norms(after)) == (count, 0)


class Normed(nn.Module):
    """A convolution, and a batch normalisation that cannot be folded into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 3, 3, padding=1), nn.ConvTranspose2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def scaled(self, x: Tensor, weight: Tensor) -> Tensor:
        norm = self.norm
        return functional.batch_norm(x, norm.running_mean, norm.running_var, weight, norm.bias, eps=norm.eps)


KEPT: dict[str, Callable[[Normed, Tensor], Tensor]] = {
    "no convolution": lambda m, x: m.norm(x.relu()),
    "the image": lambda m, x: m.norm(x),
    "something between": lambda m, x: m.norm(m.conv(x).relu_()),
    "a view between": lambda m, x: m.norm(m.conv(x).flip(1)),
    "also read elsewhere": lambda m, x: (y := m.conv(x)) + m.norm(y),
    "also read before": lambda m, x: (y := m.conv(x)).amax() + m.norm(y),
    "a transposed convolution": lambda m, x: m.norm(m.up(x)),
    "a computed filter": lambda m, x: m.norm(functional.conv2d(x, x[:1, :, :2, :2].expand(3, 3, 2, 2))),
    "a computed bias": lambda m, x: m.norm(functional.conv2d(x, m.conv.weight, x[0, :, 0, 0])),
    "its own scale": lambda m, x: m.scaled(y := m.conv(x), y[0, :, 0, 0]),
    "a computed scale": lambda m, x: m.scaled(m.conv(x), x[0, :, 0, 0]),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_norm_stays_where_it_is_not_all_that_follows_a_convolution(name: str) -> None:
    module = in_double(Normed())
    before, after = steps_and_folded(lambda x: KEPT[name](module, x), images(1).double())
    assert after == list(before)
    assert norms(after) == 1


def test_a_convolution_read_by_two_norms_stays() -> None:
    module, second = in_double(Normed()), in_double(nn.BatchNorm2d(3))
    before, after = steps_and_folded(lambda x: module.norm(y := module.conv(x)) * second(y), images(1).double())
    assert after == list(before)


def test_only_the_norm_after_the_convolution_is_folded() -> None:
    module, second = in_double(Normed()), in_double(nn.BatchNorm2d(3))
    _, after = steps_and_folded(lambda x: second(module.norm(module.conv(x))), images(1).double())
    assert [step.func.overloadpacket is torch.ops.aten.convolution for step in after] == [True, False]
    assert norms(after) == 1


OF_THE_BATCH = {
    "batch": lambda: nn.BatchNorm2d(4, track_running_stats=False),
    "instance": lambda: nn.InstanceNorm2d(4),
}


@pytest.mark.parametrize("norm", OF_THE_BATCH)
def test_statistics_of_the_batch_itself_are_refused(norm: str) -> None:
    module = in_double(nn.Sequential(nn.Conv2d(3, 4, 3), OF_THE_BATCH[norm]()))
    with pytest.raises(CannotRecordError, match="native_batch_norm takes the mean and variance of the batch, so its"):
        folded(record(module, images(1).double()).steps)


class Rows(nn.Module):
    """Rows of pixels as one sequence, under a convolution along it and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.conv(x.flatten(2))).relu().mean(2))


@pytest.mark.parametrize("inside", [*OF_THE_BATCH, "rows"])
def test_occlusion_of_a_network_with_such_norms_computes_all(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "WORTHWHILE", float("inf"))
    head = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    net = network(Rows() if inside == "rows" else nn.Sequential(nn.Conv2d(3, 4, 3), OF_THE_BATCH[inside](), *head))
    by_regions, by_masks = (iv.Occlusion(window=4, regions=each)(net, images(), iv.Logit(1)) for each in (True, False))
    torch.testing.assert_close(by_regions.values, by_masks.values, rtol=1e-4, atol=1e-6)
