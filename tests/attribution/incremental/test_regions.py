"""Occlusion by regions equals occlusion, whatever the network is made of."""

import warnings
from math import prod

import pytest
import torch
from drawn import GROWING, NAMES, Drawn
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from innerview.attribution.incremental import regions, windows
from innerview.attribution.incremental.regions import Covers, Plan
from innerview.modules.scope import untouched
from innerview.operations.reach import Window
from innerview.operations.tape import record
from small_networks import Functional, Residual, SmallCNN, TinyViT, images, network


@pytest.fixture
def always(monkeypatch) -> None:
    """Windows are used however little they save."""
    monkeypatch.setattr(regions, "WORTHWHILE", float("inf"))


WHOLE = {"reflected", "group norm", "average of what is there", "adaptive, as large", "adaptive maximum, as large"}


def both(net: iv.Network, x: Tensor, why: iv.Objective, **settings: object) -> tuple[Tensor, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return tuple(iv.Occlusion(**settings, regions=each)(net, x, why).values for each in (True, False))


@pytest.mark.usefixtures("always")
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_regions_equal_plain_occlusion_on_any_network(data: st.DataObject) -> None:
    blocks = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
    assume(prod(GROWING.get(each, 1) for each in blocks) < 10)  # or a test takes all memory
    rows, columns = data.draw(st.integers(12, 19)), data.draw(st.integers(12, 19))
    window = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    stride = tuple(data.draw(st.integers(1, side)) for side in window)
    torch.manual_seed(data.draw(st.integers(0, 99)))
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Drawn(blocks, data.draw(st.booleans()))).double().eval()
    x = torch.randn(1, 3, rows, columns, dtype=torch.float64)
    try:
        module(x)
    except RuntimeError:  # drawn so that nothing of the image is left
        return
    net = network(module)
    fast, plain = both(net, x, iv.Logit(2), window=window, stride=stride, baseline=0.25)
    torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-11, equal_nan=True)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("after", ["norm", "padded", "every other position"])
def test_a_map_of_which_nothing_is_left_has_no_windows(after: str, flatten: bool) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4, padding=1), Drawn(["the end", after], flatten)).double().eval()
    x = torch.randn(1, 3, 12, 12, dtype=torch.float64)
    with torch.no_grad():
        assert module[0](x)[:, :, 3:].numel() == 0
        module(x)
    fast, plain = both(network(module), x, iv.Logit(2), window=3, stride=2)
    torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-11, equal_nan=True)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("block", [each for each in NAMES if each not in WHOLE])
def test_every_kind_of_layer_is_run_on_windows(block: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), Drawn([block], flatten=False)).double().eval()
    x = torch.randn(1, 3, 16, 16, dtype=torch.float64)
    with torch.no_grad():
        module(x)
    found = plan(network(module), x)
    assert {step.name for step in found.whole} <= {"aten.addmm", "aten.view"}


def plan(net: iv.Network, x: Tensor) -> Plan:
    covers = Covers(x, torch.zeros_like(x), [slice(6, 8)], [slice(start, start + 2) for start in range(0, 14, 2)])
    with untouched(net.module):
        return Plan.of(record(net.module, x), covers.area(covers.boxes))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("kind", [SmallCNN, Functional, Residual])
@pytest.mark.parametrize("why", [iv.Logit(1), iv.Probability(1), iv.Logit(0) - 2 * iv.Logit(3)])
def test_regions_equal_plain_occlusion_for_questions_about_classes(kind: type[nn.Module], why: iv.Objective) -> None:
    fast, plain = both(network(kind()), images(3), why, window=3, stride=2)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("always")
def test_each_image_has_its_own_question() -> None:
    asked = [iv.Logit(0), iv.Probability(3), iv.Logit(2)]
    fast, plain = both(network(SmallCNN()), images(3), asked, window=(2, 4), stride=(1, 3), baseline="blur")
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


def windows_are_used(net: iv.Network, x: Tensor, monkeypatch, why: iv.Objective = iv.Logit(1)) -> bool:  # noqa: B008
    used = []
    original = regions._outputs
    monkeypatch.setattr(regions, "_outputs", lambda *args: used.append(True) or original(*args))
    iv.Occlusion(window=2)(net, x, why)
    return bool(used)


@pytest.mark.usefixtures("always")
def test_windows_are_used_where_they_can_be(monkeypatch) -> None:
    assert windows_are_used(network(SmallCNN()), images(1), monkeypatch)


@pytest.mark.usefixtures("always")
def test_a_question_about_a_layer_takes_the_plain_path(monkeypatch) -> None:
    assert not windows_are_used(network(SmallCNN()), images(1), monkeypatch, iv.Channel("conv2", 1))


@pytest.mark.usefixtures("always")
def test_a_network_with_hooks_takes_the_plain_path(monkeypatch) -> None:
    net = network(SmallCNN())
    net.module.conv1.register_forward_hook(lambda *_: None)
    assert not windows_are_used(net, images(1), monkeypatch)


def test_a_transformer_takes_the_plain_path(monkeypatch) -> None:
    assert not windows_are_used(network(TinyViT()), images(1), monkeypatch)


def test_large_windows_take_the_plain_path(monkeypatch) -> None:
    net, x = network(SmallCNN()), images(1)
    calls = []
    original = regions._outputs
    monkeypatch.setattr(regions, "_outputs", lambda *args: calls.append(True) or original(*args))
    iv.Occlusion(window=7)(net, x, iv.Logit(1))
    assert not calls


class Viewing(SmallCNN):
    """Flattens without copying, which only works for maps in the usual layout, and pools with indices that it reads."""

    def forward(self, x: Tensor) -> Tensor:
        x, places = functional.max_pool2d(self.conv1(x), 2, return_indices=True)
        x = self.features(functional.max_unpool2d(x, places, 2)[:, :3])
        return self.fc(x.mean((2, 3)).view(x.size(0), -1)) + x.view(x.size(0), -1).mean(1, keepdim=True)


@pytest.mark.usefixtures("always")
def test_views_and_pooling_indices_are_right_or_left_alone() -> None:
    fast, plain = both(network(Viewing()), images(2), iv.Logit(1), window=3, stride=2)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("always")
def test_a_network_that_gives_nan_gives_nan_without_a_warning() -> None:
    net = network(SmallCNN())
    with torch.no_grad():
        net.module.fc.weight[1] = torch.nan
    fast, plain = both(net, images(1), iv.Logit(1), window=3)
    assert fast.isnan().all()
    assert plain.isnan().all()
    fast, plain = both(net, images(1), iv.Logit(2), window=3)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


class Undecided(SmallCNN):
    """Answers otherwise when it sees several images."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 if len(x) == 1 else 2)


@pytest.mark.usefixtures("always")
def test_a_network_that_answers_otherwise_under_the_masks_is_found_out() -> None:
    net, x = network(Undecided()), images(1)
    with pytest.warns(UserWarning, match="Undecided answers otherwise when only what the mask changed is computed"):
        values = iv.Occlusion(window=2, baseline=0.5)(net, x, iv.Logit(1)).values
    assert torch.equal(values, iv.Occlusion(window=2, baseline=0.5, regions=False)(net, x, iv.Logit(1)).values)


class Leaving(nn.Module):
    """Lets a value of the image leave the tensors on its way: what divides it is no longer seen."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.inner, self.way = SmallCNN(), way

    def forward(self, x: Tensor) -> Tensor:
        largest = {
            "item": lambda: float(x.abs().max()),
            "numpy": lambda: torch.from_numpy(x.abs().numpy().max(axis=(1, 2, 3)))[:, None, None, None],
            "tolist": lambda: max(x[0].flatten().tolist()),
            "branch": lambda: 2.0 if x.max() > 1 else 1.0,
        }[self.way]()
        return self.inner(x / largest)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("way", ["item", "numpy", "tolist", "branch"])
def test_a_value_that_leaves_the_tensors_is_not_taken_for_a_constant(way: str, monkeypatch) -> None:
    x = images(1)
    x[0, 1, 4, 4] = 9  # only the masks over this pixel change what is divided by
    assert not windows_are_used(network(Leaving(way)), x, monkeypatch)


class Joined(nn.Module):
    """Reads values that are not images beside the image: a vector for the batch, weights made of the image."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.conv, self.extra, self.way = nn.Conv2d(3, 4, 3, padding=1), nn.Parameter(torch.ones(1, 1)), way
        self.fc = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.way == "dynamic":
            y = functional.conv2d(y, torch.ones(4, 4, 1, 1) * y.mean())
        return self.fc(torch.cat([y.mean((2, 3)), self.extra.expand(len(x), -1)], 1))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("way", ["static", "dynamic"])
def test_what_cannot_be_batched_takes_the_plain_path(way: str) -> None:
    fast, plain = both(network(Joined(way)), images(1), iv.Logit(1), window=3, stride=2, batch_size=1)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


class Single(SmallCNN):
    """Takes one image at a time."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(1, 3, 8, 8))


@pytest.mark.usefixtures("always")
def test_the_untouched_network_is_asked_in_batches_of_the_size_wanted() -> None:
    fast, plain = both(network(Single()), images(1), iv.Logit(1), window=3, batch_size=1)
    torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-6)


class Mixing(nn.Module):
    """Reads the mean over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = SmallCNN()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) - self.inner(x).mean(0)


@pytest.mark.usefixtures("always")
def test_an_operation_over_the_batch_is_not_batched_otherwise(monkeypatch) -> None:
    assert not windows_are_used(network(Mixing()), images(1), monkeypatch)


@pytest.mark.parametrize("held", [1, 2**27])
@pytest.mark.parametrize("masks", [1, 5, 32])
def test_how_the_work_is_cut_changes_nothing(monkeypatch, held: int, masks: int) -> None:
    net, x = network(Residual()), images(2, size=16)
    expected = iv.Occlusion(window=3, stride=2, regions=False)(net, x, iv.Logit(1)).values
    for name, value in (("HELD", held), ("MASKS_AT_ONCE", masks), ("WORTHWHILE", float("inf"))):
        monkeypatch.setattr(regions, name, value)
    values = iv.Occlusion(window=3, stride=2)(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_the_changed_area_is_what_changes() -> None:
    """Behind a convolution of ones, exactly the positions of the planned area differ from the clean map."""
    for kernel, stride, padding, dilation in ((3, 1, 1, 1), (3, 2, 1, 1), (5, 2, 0, 1), (3, 1, 2, 2), (2, 2, 0, 1)):
        convolution = nn.Conv2d(1, 1, kernel, stride, padding, dilation, bias=False)
        nn.init.ones_(convolution.weight)
        x, y = torch.zeros(1, 1, 17, 17), torch.zeros(1, 1, 17, 17)
        y[..., 5:9, 7:9] = 1
        changed = (convolution(y) != convolution(x))[0, 0].nonzero()
        area = windows.Area(
            windows.Extent.covering(torch.tensor([5]), torch.tensor([9]), 17),
            windows.Extent.covering(torch.tensor([7]), torch.tensor([9]), 17),
        ).through((Window(kernel, stride, padding, dilation),) * 2, convolution(x).shape[2:])
        low, high = changed.amin(0), changed.amax(0) + 1
        assert (int(area.rows.low), int(area.rows.high)) == (int(low[0]), int(high[0]))
        assert (int(area.columns.low), int(area.columns.high)) == (int(low[1]), int(high[1]))
