"""Dreams: one step against its equation, octaves against the loop that defines them."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import innerview as iv
from innerview.progress import listening
from innerview.synthesis.dream import Octaves, dream
from planted import INPUT, planted, templates
from small_networks import PIXELS, SmallCNN, images, network

ENERGY = iv.LayerEnergy("conv2")
QUIET = Octaves(steps=3, jitter=0)


def middling(count: int = 2, size: int = 16) -> torch.Tensor:
    return 0.3 + 0.4 * torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_a_step_has_one_mean_size_along_the_gradient() -> None:
    wanted = templates()
    x = INPUT.normalise(middling(2, 8).double())
    found = dream(planted(wanted), x, iv.Logit(1), octaves=1, how=Octaves(steps=1, step=0.02, jitter=0))
    change = 0.02 * wanted[1] / wanted[1].abs().mean()
    torch.testing.assert_close(found.pixels, (INPUT.display(x) + change).clamp(0, 1))
    torch.testing.assert_close(found.curve[0], (x * wanted[1]).sum((1, 2, 3)))


def test_octaves_are_the_loop_that_defines_them() -> None:
    net, x = network(SmallCNN()), middling()

    def resized(pictures: torch.Tensor, side: int) -> torch.Tensor:
        return functional.interpolate(pictures, size=(side, side), mode="bilinear", antialias=True)

    added = torch.zeros_like(x)
    for side in (8, 11, 16):
        plain = resized(x, side)
        here = (plain + resized(added, side)).clamp(0, 1)
        for _ in range(3):
            gradient = iv.Gradient()(net, here, ENERGY).values
            here = (here + 0.01 * gradient / gradient.abs().mean((1, 2, 3), keepdim=True)).clamp(0, 1)
        added = here - plain
    found = dream(net, x, ENERGY, octaves=3, how=QUIET)
    torch.testing.assert_close(found.pixels, here, rtol=1e-3, atol=1e-4)


def test_tiles_are_shown_one_by_one() -> None:
    """The gradient of each tile, put together, is what is followed."""
    net, x = network(SmallCNN()), middling(1)
    found = dream(net, x, ENERGY, octaves=1, how=Octaves(steps=1, jitter=0, tile=8))
    gradient = torch.zeros_like(x)
    for row in (0, 8):
        for column in (0, 8):
            part = x[:, :, row : row + 8, column : column + 8]
            gradient[:, :, row : row + 8, column : column + 8] = iv.Gradient()(net, part, ENERGY).values
    torch.testing.assert_close(found.pixels, (x + 0.01 * gradient / gradient.abs().mean()).clamp(0, 1))


def test_a_tile_as_large_as_the_image_is_the_image() -> None:
    net, x = network(SmallCNN()), middling()
    expected = dream(net, x, ENERGY, octaves=2, how=QUIET).pixels
    assert torch.equal(dream(net, x, ENERGY, octaves=2, how=Octaves(steps=3, jitter=0, tile=16)).pixels, expected)


def test_rolling_comes_back_and_does_not_change_what_has_no_places() -> None:
    """The mean of each channel does not care where anything is."""
    net = iv.Network(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()), PIXELS)
    x = middling(1, 8)
    rolled, still = (dream(net, x, iv.Logit(0), octaves=1, how=Octaves(steps=3, jitter=j)).pixels for j in (5, 0))
    torch.testing.assert_close(rolled, still)


def test_the_objective_rises() -> None:
    found = dream(network(SmallCNN()), middling(), ENERGY, octaves=2)
    assert (found.scores > found.curve[0]).all()
    assert found.alive.all()
    assert found.provenance.settings["octaves"] == 2


def test_a_batch_is_a_loop_of_singles() -> None:
    net, x = network(SmallCNN()), middling()
    why = [ENERGY, iv.Channel("conv1", 1)]
    together = dream(net, x, why, octaves=2)
    for row in (0, 1):
        alone = dream(net, x[[row]], why[row], octaves=2)
        torch.testing.assert_close(together.pixels[[row]], alone.pixels, rtol=1e-4, atol=1e-5)
        assert together.objective(row) == alone.objective(0)


def test_by_default_each_image_becomes_more_of_what_it_is() -> None:
    net, x = network(SmallCNN()), images(2)
    tops = [iv.Logit(each[0].index) for each in net.predict(x)]
    assert torch.equal(dream(net, x, octaves=1).pixels, dream(net, x, tops, octaves=1).pixels)


def test_progress_is_heard() -> None:
    heard = []
    with listening(lambda *what: heard.append(what[:3])):
        dream(network(SmallCNN()), middling(), ENERGY, octaves=2, how=Octaves(steps=1))
    assert heard == [("dreaming", done, 4) for done in (0, 2, 4)]


def test_sizes_grow_to_the_images_own() -> None:
    assert Octaves(ratio=2).sizes((40, 30), 3) == [(10, 8), (20, 15), (40, 30)]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Octaves(ratio=1), "ratio is a number, above 1; got 1"),
        (lambda: Octaves(steps=0), "steps is a whole number, at least 1; got 0"),
        (lambda: Octaves(step=-1), "step is a number, at least 0; got -1"),
        (
            lambda: dream(network(SmallCNN()), images(), ENERGY, octaves=0),
            "octaves is a whole number, at least 1; got 0",
        ),
    ],
)
def test_settings_outside_their_range_are_refused(make, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        make()
    assert str(refused.value) == sentence


def test_a_network_of_one_size_is_dreamt_of_in_that_alone() -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)))
    assert dream(net, middling(1, size=8), iv.LayerEnergy("1"), octaves=1).alive.all()
    with pytest.raises(iv.MethodError) as refused:
        dream(net, middling(1, size=8), iv.LayerEnergy("1"))
    assert str(refused.value) == (
        "a dream shows the network its image in several sizes, here from 3 × 3 on; Sequential takes only the size it "
        "was made for. Dream in that alone, with octaves=1 (--octaves 1)"
    )
