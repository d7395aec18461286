"""The main path against its definition: cut the network at a layer, and nothing of the image is left behind it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_map

import innerview as iv
from fingerprint import fingerprint
from innerview.passes.main_path import main_path
from small_networks import AWKWARD, PIXELS, Residual, SmallCNN, Tokens, images, network


class UNet(nn.Module):
    """Down and up again, with what was there on the way down beside what comes up."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.down, self.deep = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 4, 2, 2), nn.Conv2d(4, 4, 2, 2)
        self.up, self.last = nn.ConvTranspose2d(4, 4, 2, 2), nn.Conv2d(8, 2, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x).relu()
        down = self.down(first).relu()
        up = self.up(self.up(self.deep(down)) + down)
        return self.last(torch.cat([first, up], 1))


class Dense(nn.Module):
    """Each layer reads all before it, and a gate that reads everything weights the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(8, 4, 1)
        self.gate, self.join, self.fc = nn.Conv2d(12, 12, 3, 1, 1), nn.Conv2d(12, 4, 2, 2), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([x, self.one(x)], 1)
        x = torch.cat([x, self.two(x)], 1)
        return self.fc(self.join(x * self.gate(x).sigmoid()).mean((2, 3)))


class Windows(nn.Module):
    """Windows of the image stand along the batch for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inside, self.behind, self.fc = (
            nn.Conv2d(3, 4, 1),
            *(nn.Conv2d(4, 4, 1) for _ in "12"),
            nn.Linear(4, 5),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        windows = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
        inside = self.inside(windows.flatten(0, 2)).view(windows.shape)
        x = inside.permute(0, 3, 1, 4, 2, 5).reshape(x.shape)
        return self.fc(self.behind(x).mean((2, 3)))


def on_the_path(net: iv.Network, names: dict[str, tuple[int, int]]) -> set[str]:
    return {name for together in main_path(net, images(), names) for name in together}


def cut(module: nn.Module, at: str, end: str) -> bool:
    """Whether what `end` gives no longer depends on the image once `at` hands on values without a way back."""
    seen: list[Tensor] = []
    handles = [
        module.get_submodule(at).register_forward_hook(lambda _m, _i, output: tree_map(Tensor.detach, output)),
        module.get_submodule(end).register_forward_hook(lambda _m, _i, output: seen.append(output)),
    ]
    module.eval()(images(1).requires_grad_().clone())
    for handle in handles:
        handle.remove()
    return not seen[-1].requires_grad


@pytest.mark.parametrize(
    ("module", "end"),
    [(UNet(), "deep"), (Dense(), "join"), (Residual(), "pool"), (SmallCNN(), "relu"), (Tokens(), "norm")],
)
def test_cut_anywhere_on_the_path_the_end_sees_nothing_and_elsewhere_something(module: nn.Module, end: str) -> None:
    net = network(module)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    names = [info.name for info in net.layers(images()) if len(info.output_shape) > 1]
    sizes = dict.fromkeys(names, (8, 8)) | {end: (4, 4)}
    assert on_the_path(net, sizes) == {name for name in names if name == end or cut(module, name, end)}


def test_of_a_network_that_goes_up_again_it_is_the_way_down() -> None:
    net = network(UNet())
    sizes = {"first": (8, 8), "down": (4, 4), "deep": (2, 2), "up": (8, 8), "last": (8, 8)}
    assert main_path(net, images(), sizes) == (("first",), ("down",), ("deep",))


def test_windows_along_the_batch_are_left_out() -> None:
    assert on_the_path(network(Windows()), dict.fromkeys(["stem", "inside", "behind"], (8, 8))) == {"stem", "behind"}


def test_layers_that_give_the_same_tensor_stand_together_in_the_order_they_finish() -> None:
    module = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout()), nn.Identity(), nn.ReLU())
    net = iv.Network(module, PIXELS)
    names = dict.fromkeys(["2", "1", "0", "0.1", "0.0"], (8, 8))
    assert main_path(net, images(), names) == (("0.0", "0.1", "0", "1"), ("2",))


def test_what_is_finer_than_a_layer_before_it_is_left_out() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 4, 4))
    sizes = {"0": (4, 4), "1": (8, 8), "2": (2, 2)}
    assert main_path(iv.Network(module, PIXELS), images(), sizes) == (("0",), ("2",))


def test_on_the_way_to_scores_a_layer_may_be_finer_than_one_before() -> None:
    parts = [nn.Conv2d(3, 4, 2, 2), nn.ConvTranspose2d(4, 4, 2, 2), nn.Flatten(), nn.Linear(256, 5)]
    sizes = {"0": (4, 4), "1": (8, 8)}
    assert main_path(iv.Network(nn.Sequential(*parts), PIXELS), images(), sizes) == (("0",), ("1",))


def test_of_streams_that_run_side_by_side_all_are_there() -> None:
    class TwoStreams(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.fc = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1), nn.Linear(8, 5)
            self.unused = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            self.unused(x)
            return self.fc(torch.cat([self.left(x).relu(), self.right(x)], 1).mean((2, 3)))

    assert on_the_path(network(TwoStreams()), dict.fromkeys(["left", "right", "unused"], (8, 8))) == {"left", "right"}


def test_where_no_gradient_passes_every_layer_counts() -> None:
    class Detached(SmallCNN):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(functional.relu(self.conv2(self.conv1(x))).mean((2, 3)))

    net = network(Detached())
    assert main_path(net, images(), {"conv1": (8, 8), "conv2": (4, 4)}) == (("conv1",), ("conv2",))


@pytest.mark.usefixtures("unchecked_types")  # the checker draws random numbers
@pytest.mark.parametrize("kind", AWKWARD)
def test_the_network_is_left_as_it_was(kind: str) -> None:
    net, x = network(AWKWARD[kind]()), images(2)
    names = [info.name for info in net.layers(x)]
    before = fingerprint(net.module, x)
    main_path(net, x, dict.fromkeys(names, (4, 4)))
    assert fingerprint(net.module, x) == before
