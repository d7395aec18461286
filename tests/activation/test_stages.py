"""Which layers are shown where none are named: as a teacher would choose them."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import combinations

import pytest
import timm
import torch
import torchvision
import transformers
from torch import Tensor, nn
from torchvision.models import get_model

import innerview as iv
from innerview.activation.stages import stages
from small_networks import PIXELS, SmallCNN, TinyViT, images, network


class Block(nn.Module):
    """A residual block that may halve the resolution, with an attention matrix that goes nowhere but into its sum."""

    def __init__(self, channels: int = 4, *, stride: int = 1) -> None:
        super().__init__()
        self.conv, self.norm, self.short = nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.Identity()
        self.halve, self.attention = nn.AvgPool2d(stride), nn.Softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        flat = self.conv(x).flatten(2)
        attended = (flat @ self.attention(flat.mT @ flat)[:, None][:, 0]).view_as(x)
        return self.halve(self.norm(attended) + self.short(x))


def sequence(**parts: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(parts))


def stages_of(module: nn.Module, size: int = 16) -> tuple[str, ...]:
    return stages(iv.Network(module, iv.Preprocess(size=size)), images(1, size=size))


def test_the_last_layer_of_each_resolution() -> None:
    net = iv.load("builtin/lenet", weights="random")
    assert stages(net, net.blank()) == ("relu1", "pool1", "relu2", "pool2")


def test_the_end_of_a_stage_is_named_by_the_stage() -> None:
    def stage() -> nn.Module:
        return nn.Sequential(Block(stride=2), Block())

    module = sequence(stem=nn.Conv2d(3, 4, 1), one=stage(), two=stage(), three=stage())
    assert stages_of(module) == ("stem", "one", "two", "three")


def test_what_holds_all_stages_is_opened_and_what_is_inside_a_block_is_not() -> None:
    body = sequence(
        stem=nn.Conv2d(3, 4, 1), one=Block(stride=2), two=Block(stride=2), more=Block(), three=Block(stride=2)
    )
    assert stages_of(sequence(body=body, pool=nn.AdaptiveAvgPool2d(1))) == (
        "body.stem",
        "body.one",
        "body.more",
        "body.three",
    )


def test_a_stage_that_ends_in_halving_is_opened_for_its_last_block() -> None:
    stage = sequence(
        blocks=nn.Sequential(Block(), Block()), merge=sequence(norm=nn.BatchNorm2d(4), conv=nn.Conv2d(4, 4, 2, 2))
    )
    module = sequence(
        stem=nn.Conv2d(3, 4, 2, 2), one=stage, two=nn.Sequential(Block(), Block()), three=nn.Conv2d(4, 4, 2, 2)
    )
    assert stages_of(module) == ("one.blocks", "two", "three")


def test_a_bare_normalisation_or_pooling_stands_only_for_a_resolution_of_its_own() -> None:
    parts = {"conv": nn.Conv2d(3, 4, 2, 2), "relu": nn.ReLU(), "norm": nn.BatchNorm2d(4), "pool": nn.MaxPool2d(2)}
    assert stages_of(sequence(**parts, again=nn.AvgPool2d(2), same=nn.AdaptiveAvgPool2d(2))) == (
        "relu",
        "pool",
        "again",
    )


@pytest.mark.parametrize(("depth", "expected"), [(12, (0, 3, 6, 8, 11)), (5, (0, 1, 2, 3, 4))])
def test_of_one_resolution_five_blocks_are_spread_over_the_depth(depth: int, expected: tuple[int, ...]) -> None:
    blocks = nn.Sequential(*(Block() for _ in range(depth)))
    module = sequence(stem=nn.Conv2d(3, 4, 1), drop=nn.Dropout(), blocks=blocks, norm=nn.BatchNorm2d(4))
    assert stages_of(module) == tuple(f"blocks.{number}" for number in expected)


def test_few_blocks_are_shown_with_what_is_around_them() -> None:
    blocks = nn.Sequential(Block(), Block())
    module = sequence(stem=nn.Conv2d(3, 4, 1), drop=nn.Dropout(), blocks=blocks, norm=nn.BatchNorm2d(4))
    assert stages_of(module) == ("stem", "blocks.0", "blocks.1")
    assert stages(network(TinyViT()), images()) == ("patches", "block")
    assert stages(network(SmallCNN()), images()) == ("conv1", "conv2", "relu")


def test_maps_of_other_proportions_than_the_image_have_resolutions_too() -> None:
    tall, flat = nn.Conv2d(3, 4, (1, 4), (1, 4)), nn.Conv2d(4, 4, (4, 1), (4, 1))
    scores = {"flatten": nn.Flatten(), "fc": nn.Linear(16, 5)}
    assert stages_of(sequence(tall=tall, flat=flat, row=nn.Conv2d(4, 4, (4, 1)), **scores)) == ("tall", "flat", "row")


def thin_densenet() -> nn.Module:
    return torchvision.models.DenseNet(growth_rate=4, block_config=(2, 2, 2, 2), num_init_features=8)


def thin_torchvision_swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 8, [2, 2, 2], [1, 1, 1], [4, 4])


def thin_torchvision_vit() -> nn.Module:
    return torchvision.models.VisionTransformer(64, 8, 7, 2, 8, 8)


def thin_vgg() -> nn.Module:
    features = torchvision.models.vgg.make_layers([4, 4, "M", 8, "M", 8, 8, "M"])
    return sequence(features=features, avgpool=nn.AdaptiveAvgPool2d(8), flat=nn.Flatten(), head=nn.Linear(512, 5))


def thin_mixer() -> nn.Module:
    return timm.models.mlp_mixer.MlpMixer(5, img_size=64, patch_size=8, num_blocks=7, embed_dim=8)


def thin_levit() -> nn.Module:
    return timm.models.levit.Levit(64, embed_dim=(16, 16), key_dim=4, depth=(2, 2), num_heads=(1, 2))


def huggingface(kind: str, **settings: object) -> nn.Module:
    config = getattr(transformers, f"{kind}Config")(num_labels=5, image_size=64, **settings)
    return getattr(transformers, f"{kind}ForImageClassification")(config)


def thin_huggingface_swin() -> nn.Module:
    return huggingface("Swin", patch_size=4, embed_dim=8, depths=[2, 2, 2], num_heads=[1, 1, 1], window_size=4)


def thin_huggingface_vit() -> nn.Module:
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    return huggingface("ViT", patch_size=8, num_hidden_layers=7, **sizes)


def thin_huggingface_convnext() -> nn.Module:
    return huggingface("ConvNext", hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 2, 1])


def of_timm(name: str, **settings: object) -> Callable[[], nn.Module]:
    return partial(timm.create_model, name, **settings)


def numbered(stem: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number}" for number in numbers)


KNOWN: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "resnet": (
        lambda: torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [2, 2, 2, 2]),
        ("relu", *numbered("layer", 1, 2, 3, 4)),
    ),
    "vgg": (thin_vgg, numbered("features.", 3, 6, 11, 12)),
    "mobilenet": (partial(get_model, "mobilenet_v2", width_mult=0.25), numbered("features.", 1, 3, 6, 13, 18)),
    "densenet": (thin_densenet, ("features.relu0", *numbered("features.denseblock", 1, 2, 3, 4))),
    "swin of torchvision": (thin_torchvision_swin, numbered("features.", 1, 3, 5)),
    "vit of torchvision": (thin_torchvision_vit, numbered("encoder.layers.encoder_layer_", 0, 2, 3, 4, 6)),
    "vit": (
        of_timm("vit_tiny_patch16_224", img_size=64, embed_dim=8, depth=7, num_heads=2),
        numbered("blocks.", 0, 2, 3, 4, 6),
    ),
    "mixer": (thin_mixer, numbered("blocks.", 0, 2, 3, 4, 6)),
    "swin": (
        of_timm("swin_tiny_patch4_window7_224", img_size=112, embed_dim=8, depths=(2, 2, 2, 2), num_heads=(1, 1, 1, 1)),
        numbered("layers.", 0, 1, 2, 3),
    ),
    "levit": (thin_levit, (*numbered("stem.act", 1, 2, 3), *numbered("stages.", 0, 1))),
    "mobilevit": (of_timm("mobilevit_xxs"), (*numbered("stages.", 0, 1, 2, 3), "final_conv")),
    "vit of transformers": (thin_huggingface_vit, numbered("vit.layers.", 0, 2, 3, 4, 6)),
    "swin of transformers": (
        thin_huggingface_swin,
        ("swin.encoder.layers.0.blocks.1", "swin.encoder.layers.1.blocks.1", "swin.encoder.layers.2"),
    ),
    "convnext of transformers": (thin_huggingface_convnext, numbered("convnext.encoder.stages.", 0, 1, 2, 3)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_networks_are_shown_stage_by_stage_and_block_by_block(name: str) -> None:
    make, expected = KNOWN[name]
    size = 112 if name == "swin" else 64
    net, x = iv.Network(make(), iv.Preprocess(size=size)), images(2, size=size)
    found = iv.activations(net, x)
    assert tuple(found) == expected
    assert all(len(values) == 2 for values in found.values())
    assert set(found) == set(found.grids)
    shaped = [(one, other) for one, other in combinations(found.values(), 2) if one.shape == other.shape]
    assert not any(torch.equal(one, other) for one, other in shaped)


def test_a_network_without_a_way_back_is_shown_too() -> None:
    class Detached(SmallCNN):
        @torch.no_grad()
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    net = iv.Network(Detached(), PIXELS)
    assert stages(net, images()) == ("conv1", "conv2", "relu")
