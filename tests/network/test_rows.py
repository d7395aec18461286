"""Layers whose first axis counts windows or tokens are not read image by image, by whatever view."""

import re
from collections.abc import Callable

import pytest
import timm
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.errors import LayerError, MethodError
from innerview.modules.scope import untouched
from innerview.objectives.scoring import score
from innerview.recording.probes import ActivationMaps
from innerview.recording.statistics import Statistics
from small_networks import PIXELS, images, network


class Block(nn.Module):
    """Mixes the columns within each of two windows, the left and the right half."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        windows = x.unflatten(3, (2, -1)).movedim(3, 1).flatten(0, 1)
        return x + unfolded(self.inside(windows))


def unfolded(windows: Tensor) -> Tensor:
    return windows.unflatten(0, (-1, 2)).movedim(1, 3).flatten(3)


class Windows(nn.Module):
    """A stem, a block with windows, pooling, one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.fc = nn.Conv2d(3, 4, 3, padding=1), Block(), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.block(self.stem(x)).relu().mean((2, 3)))


class SequenceFirst(nn.Module):
    """Tokens as recurrent layers had them: [token, image, channel]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mix, self.fc = nn.Conv2d(3, 6, 4, stride=4), nn.Linear(6, 6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.mix(self.stem(x).flatten(2).permute(2, 0, 1)).mean(0))


INSIDE = "block.inside"
SENTENCE = (
    "a layer is read image by image, one row for each; 'block.inside' of Windows gives 2 rows for one image, such as "
    "windows, patches or tokens. Name the block around it, 'block'"
)
CHANNEL = iv.Channel(INSIDE, 0)
VIEWS: dict[str, Callable[[iv.Network, Tensor], object]] = {
    "gradient": lambda net, x: iv.Gradient()(net, x, CHANNEL),
    "one question per image": lambda net, x: iv.Gradient()(net, x, [CHANNEL] * len(x)),
    "occlusion": lambda net, x: iv.Occlusion(window=4)(net, x, CHANNEL),
    "rise": lambda net, x: iv.RISE(masks=2)(net, x, CHANNEL),
    "lrp": lambda net, x: iv.LRP()(net, x, CHANNEL),
    "gradcam": lambda net, x: iv.GradCAM(layer=INSIDE)(net, x, iv.Logit(1)),
    "several layers": lambda net, x: iv.LayerCAM(layer=("stem", INSIDE))(net, x, iv.Logit(1)),
    "scorecam": lambda net, x: iv.ScoreCAM(layer=INSIDE)(net, x, iv.Logit(1)),
    "eigencam": lambda net, x: iv.EigenCAM(layer=INSIDE)(net, x, iv.Logit(1)),
    "guided gradcam": lambda net, x: iv.GuidedGradCAM(layer=INSIDE)(net, x, iv.Logit(1)),
    "synthesis": lambda net, _: iv.synthesize(net, CHANNEL, steps=1),
    "a neuron's synthesis": lambda net, _: iv.synthesize(net, iv.Neuron(INSIDE, 0, (1, 1)), steps=1),
    "energy": lambda net, x: iv.dream(net, x, iv.LayerEnergy(INSIDE), octaves=1),
    "caricature": lambda net, x: iv.caricature(net, x, INSIDE, steps=1),
    "attack": lambda net, x: iv.attack(net, x, iv.FGSM(), objective=CHANNEL),
    "direction": lambda net, x: iv.Gradient()(net, x, iv.Direction(INSIDE, (1.0,) * 4)),
    "dictionary": lambda net, x: iv.semantic_dictionary(net, x[:1], INSIDE, steps=1),
    "groups": lambda net, x: iv.neuron_groups(net, x[:1], INSIDE, steps=1),
    "grid": lambda net, x: iv.activation_grid(net, x[:1], INSIDE, steps=1),
    "compare": lambda net, x: iv.compare(net, x, x + 1, [INSIDE]),
    "statistics": lambda net, x: Statistics(x, [INSIDE]).measure(net),
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_refuses_them(view: str, count: int) -> None:
    """Also for two images, of which each has two windows: the number of rows for one image tells."""
    net, x = network(Windows()), images(count).sigmoid()
    with pytest.raises(LayerError) as caught:
        VIEWS[view](net, x)
    assert str(caught.value) == SENTENCE


@pytest.mark.parametrize("method", [iv.Gradient(), iv.GradCAM(layer=INSIDE)])
def test_within_sharing_too(method: iv.Method) -> None:
    net, x = network(Windows()), images()
    with iv.sharing(net, x) as shared, pytest.raises(LayerError, match=re.escape(SENTENCE)):
        method(net, shared, CHANNEL)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_tokens_are_not_images_even_if_there_are_as_many(count: int) -> None:
    net = network(SequenceFirst())
    with pytest.raises(LayerError) as caught:
        iv.Gradient()(net, images(count), iv.Channel("mix", 0))
    assert str(caught.value) == (
        "a layer is read image by image, one row for each; 'mix' of SequenceFirst gives 4 rows for one image, such as "
        "windows, patches or tokens. Name another layer, such as the block around it"
    )


def test_a_row_for_all_images_is_no_row_for_each() -> None:
    class Positions(Windows):
        def __init__(self) -> None:
            super().__init__()
            self.places = nn.Embedding(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            places = self.places(torch.arange(8)[None]).mT[:, :, None]
            return self.fc((self.stem(x) + places).mean((2, 3)))

    net = network(Positions())
    with pytest.raises(LayerError, match=re.escape("gives 1 row(s) for 2 image(s), such as")):
        iv.Occlusion(window=4)(net, images(2), iv.Channel("places", 0))


def test_the_block_around_them_is_read() -> None:
    net, x = network(Windows()), images(2)
    both = iv.Gradient()(net, x, [iv.Channel("block", 0)] * 2).values
    for row in range(2):
        alone = iv.Gradient()(net, x[row : row + 1], iv.Channel("block", 0)).values
        torch.testing.assert_close(both[row : row + 1], alone)
        assert alone.abs().max() > 0


def test_activations_are_given_as_they_are_and_not_read_as_maps() -> None:
    net, x = network(Windows()), images(2)
    found = iv.activations(net, x, [INSIDE, "block"])
    assert found[INSIDE].shape == (4, 4, 8, 4)
    torch.testing.assert_close(found["block"], net.module.stem(x).detach() + unfolded(found[INSIDE]))
    assert set(found.grids) == {"block"}
    with pytest.raises(MethodError) as caught:
        found.maps(INSIDE)
    assert str(caught.value) == (
        "maps have an image, rows and columns; 'block.inside' gives [4, 4, 8, 4] for 2 image(s), which does not: read "
        "it as acts['block.inside']"
    )
    with pytest.raises(MethodError, match="maps have an image, rows and columns"):
        ActivationMaps(INSIDE, x).measure(net)
    assert INSIDE not in iv.activations(net, x)


def test_several_passes_are_not_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(SequenceFirst())
    whole = iv.activations(net, images(3), ["mix"])["mix"]
    assert whole.shape == (4, 3, 6)
    monkeypatch.setattr(iv.Network, "batch_size", lambda *_args, **_settings: 2)
    with pytest.raises(LayerError) as caught:
        iv.activations(net, images(3), ["mix"])
    assert str(caught.value) == (
        "a layer is read image by image, one row for each; 'mix' of SequenceFirst gives 4 rows for one image, such as "
        "windows, patches or tokens. Name another layer, such as the block around it; or ask for so few images that "
        "one pass takes them, not 3"
    )


def test_who_knows_the_order_of_the_windows_may_say_how_to_read_them() -> None:
    """Under global pooling Grad-CAM is linear in the block's part that comes from the windows."""
    net, x = network(Windows(), grid=unfolded), images(2)
    told = iv.GradCAM(layer=INSIDE, relu=False)(net, x, iv.Logit(1)).values
    module = net.module.eval()
    maps = unfolded(iv.activations(net, x, [INSIDE])[INSIDE])
    open_ = (module.stem(x) + maps > 0).float()
    weights = (module.fc.weight[1][:, None, None] * open_ / 64).mean((2, 3), keepdim=True)
    torch.testing.assert_close(told, (weights * maps).sum(1, keepdim=True).detach())
    assert torch.equal(iv.activations(net, x, [INSIDE]).maps(INSIDE), maps)
    with untouched(net.module):
        torch.testing.assert_close(score(net, x, CHANNEL), maps[:, CHANNEL.channel].mean((1, 2)))


@pytest.mark.parametrize(
    "layer", ["layers.0.blocks.0.attn", "layers.0.blocks.0.attn.qkv", "layers.1.blocks.1.attn.proj"]
)
def test_within_the_windows_of_a_published_network(layer: str) -> None:
    swin = timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=64, window_size=4, embed_dim=12, depths=(1, 2), num_heads=(2, 2)
    )
    net, x, block = iv.Network(network(swin).module, PIXELS), images(2, size=64), layer.partition(".attn")[0]
    with pytest.raises(LayerError, match=re.escape(f"patches or tokens. Name the block around it, '{block}'")):
        iv.Gradient()(net, x, [iv.Channel(layer, 0)] * 2)
    assert iv.Gradient()(net, x, [iv.Channel(block, 0)] * 2).values.abs().amax((1, 2, 3)).min() > 0
    assert all(net.address(name, x).rows_per_image == 1 for name in iv.activations(net, x))
