"""How a layer's output is read as maps, and which layer is read when none is named."""

import pytest
import timm
import torch
import torchvision
import transformers
from torch import Tensor, nn

import innerview as iv
import small_networks
from innerview.errors import LayerError, MethodError
from innerview.modules.scope import untouched
from innerview.network.default_layer import default_layer
from innerview.network.readings import ChannelsLast
from innerview.network.recognition import reading, reading_of
from innerview.objectives.scoring import score
from small_networks import Functional, MultiLayer, Residual, SmallCNN, TinyViT, Tokens, images, network


class Patches(nn.Module):
    """Square patches, as a convolution or not at all; only its grid matters here."""

    def __init__(self, patch: int, *, convolved: bool = True) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, 2, patch, stride=patch) if convolved else nn.Identity()
        self.head = nn.Linear(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x) if isinstance(self.patch, nn.Conv2d) else x[:, :, ::4, ::4]
        return self.head(tokens.mean((1, 2, 3))[:, None])


def read(shape: tuple[int, ...], size: tuple[int, int], patch: int, *, convolved: bool = True) -> list[int] | None:
    net, x = network(Patches(patch, convolved=convolved)), torch.zeros(1, 1, *size)
    with untouched(net.module):
        found = reading_of(net, x, shape)
    return list(found(torch.zeros(1, *shape)).shape[1:]) if found.on_grid else None


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((6, 4, 4), (32, 32), [6, 4, 4]),
        ((4, 4, 6), (32, 32), [6, 4, 4]),
        ((4, 4, 4), (32, 32), [4, 4, 4]),
        ((512, 7, 10), (224, 320), [512, 7, 10]),
        ((7, 10, 512), (224, 320), [512, 7, 10]),
        ((10, 7, 10), (224, 320), [10, 7, 10]),
        ((8, 1, 1), (32, 32), [8, 1, 1]),
        ((1, 1, 8), (32, 32), [8, 1, 1]),
    ],
)
def test_channels_come_first_unless_the_proportions_say_otherwise(shape, size, expected) -> None:
    assert read(shape, size, patch=size[0]) == expected


@pytest.mark.parametrize("prefix", range(9))
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_tokens_fill_the_grid_of_the_patches(prefix: int, size: tuple[int, int]) -> None:
    rows, columns = size[0] // 8, size[1] // 8
    assert read((rows * columns + prefix, 5), size, patch=8) == [5, rows, columns]


@pytest.mark.parametrize(("tokens", "grid"), [(56, [7, 8]), (16, [4, 4]), (12, [3, 4]), (4, [2, 2])])
def test_tokens_fill_the_grid_of_the_patches_halved_by_stages(tokens: int, grid: list[int]) -> None:
    assert read((tokens, 6), (28, 32), patch=4) == [6, *grid]


def test_without_a_grid_of_patches_tokens_fill_square_patches_in_the_images_proportions() -> None:
    assert read((6 + 1, 5), (32, 48), patch=0, convolved=False) == [5, 2, 3]
    assert read((5, 5), (32, 48), patch=0, convolved=False) is None


def test_the_patches_are_better_evidence_than_the_proportions() -> None:
    """Nine places and seven other tokens; 16 tokens would be a square, too."""
    assert read((16, 5), (24, 24), patch=8) == [5, 3, 3]


@pytest.mark.parametrize("shape", [(7,), (3, 5), (1, 5), (2, 3, 4, 5), (500, 5)])
def test_what_has_no_grid_is_not_read_as_one(shape: tuple[int, ...]) -> None:
    assert read(shape, (32, 32), patch=8) is None


def test_tokens_are_placed_row_by_row_behind_the_prefix() -> None:
    net, x = network(Patches(8)), torch.zeros(2, 1, 16, 24)
    tokens = torch.tensor([-1.0, 0, 1, 2, 3, 4, 5])[None, :, None] + torch.tensor([0.0, 10])[:, None, None]
    with untouched(net.module):
        maps = reading_of(net, x, tokens.shape[1:])(tokens)
    assert maps.tolist() == [[[[0, 1, 2], [3, 4, 5]]], [[[10, 11, 12], [13, 14, 15]]]]


def test_channels_last_are_moved_and_not_reshaped() -> None:
    net, x = network(Patches(8)), torch.zeros(1, 1, 16, 24)
    values = torch.arange(24.0).reshape(1, 2, 3, 4)
    with untouched(net.module):
        assert reading_of(net, x, values.shape[1:])(values)[0, 1].tolist() == [[1, 5, 9], [13, 17, 21]]


def test_the_user_says_how_to_read_a_layer() -> None:
    """The same tokens, with the token that has no place at the end instead of in front."""
    module, x = Tokens(1, pooled=True), images(1)
    plain = iv.GradCAM(layer="norm", relu=False)(network(module), x, iv.Logit(1)).values
    told = network(module, grid=lambda tokens: tokens[:, :4].transpose(1, 2).unflatten(2, (2, 2)))
    values = iv.GradCAM(layer="norm", relu=False)(told, x, iv.Logit(1)).values
    tokens, head = [], module.eval().head
    module.norm.register_forward_hook(lambda _m, _i, out: tokens.append(out.detach()))
    told.logits(x)
    gradient = torch.cat([torch.zeros(1, 8), (head.weight[1] / 4).expand(4, 8)]).detach()
    expected = (tokens[0][0, :4] @ gradient[:4].mean(0)).reshape(2, 2)
    torch.testing.assert_close(values[0, 0], expected, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(values, plain)


def test_a_reading_that_gives_no_maps_is_refused() -> None:
    net = network(Tokens(), grid=lambda tokens: tokens)
    with pytest.raises(MethodError) as caught:
        iv.GradCAM(layer="norm1")(net, images(), iv.Logit(1))
    assert str(caught.value) == (
        "maps are [batch, channel, row, column] with 2 in the batch; 'norm1' of Tokens was read as [2, 5, 8]. "
        "Name another layer, or say how to read this one: Network(module, grid=…)"
    )


def test_a_layer_that_sees_windows_as_a_batch_is_refused() -> None:
    class Windows(SmallCNN):
        def forward(self, x: Tensor) -> Tensor:
            windows = self.conv1(x.unflatten(3, (2, 4)).movedim(3, 1).flatten(0, 1))
            return self.fc(self.conv2(windows).mean((2, 3)).unflatten(0, (-1, 2)).mean(1))

    with pytest.raises(LayerError) as caught:
        iv.GradCAM(layer="conv1")(network(Windows()), images(2), iv.Logit(1))
    assert str(caught.value) == (
        "a layer is read image by image, one row for each; 'conv1' of Windows gives 2 rows for one image, such as "
        "windows, patches or tokens. Name another layer, such as the block around it"
    )


def test_a_layer_without_a_grid_is_refused() -> None:
    with pytest.raises(MethodError) as caught:
        iv.GradCAM(layer="fc")(network(SmallCNN()), images(), iv.Logit(1))
    assert str(caught.value) == (
        "class activation maps need a layer that gives [channel, row, column] or one token per place; 'fc' of "
        "SmallCNN gives [5]. Name another layer, or say how to read it as a grid: Network(module, grid=…)"
    )


def test_a_layer_answers_to_a_second_name() -> None:
    net, x = network(SmallCNN()), images()
    net.module.second_name = net.module.conv2
    again = iv.GradCAM(layer="second_name")(net, x, iv.Logit(1)).values
    assert torch.equal(again, iv.GradCAM(layer="conv2")(net, x, iv.Logit(1)).values)


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (SmallCNN(), "relu"),
        (Functional(), "conv2"),
        (Residual(), "relu"),
        (TinyViT(), "patches"),
        (Tokens(), "norm1"),
        (Tokens(4), "norm1"),
        (Tokens(pooled=True), "norm"),
        (Tokens(0, pooled=True), "norm"),
    ],
)
def test_the_default_is_the_last_grid_that_the_scores_depend_on(module: nn.Module, layer: str) -> None:
    assert default_layer(network(module), images()) == layer


def test_a_network_of_vectors_has_no_default() -> None:
    assert default_layer(network(MultiLayer()), torch.ones(1, 1, 1, 3)) is None


def test_without_any_dependence_there_is_no_default() -> None:
    net = network(Tokens())
    with torch.no_grad():
        net.module.head.weight.zero_()
    with pytest.raises(MethodError, match=r"Tokens has none that its scores depend on[.] Name a layer"):
        iv.GradCAM()(net, images(), iv.Logit(1))


def test_a_use_of_the_same_tensor_elsewhere_does_not_count() -> None:
    """The container gives out the tokens, but the scores come from within."""

    class Inner(Tokens):
        def after(self, x: Tensor, normed: Tensor) -> tuple[Tensor, Tensor]:
            x = self.norm(x + self.attention(normed, normed, normed)[0])
            return x, self.head(x[:, 1:].mean(1))

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)[1]

    assert default_layer(network(Outer()), images()) == "inner.norm"


def test_the_default_is_looked_for_once() -> None:
    net, passes = network(Tokens()), []
    net.module.register_forward_hook(lambda *_: passes.append(True))
    for _ in range(2):
        default_layer(net, images())
    assert len(passes) == 2  # one lists the layers, one has a gradient


class Shown(nn.Module):
    """Gives its maps beside what it made of them, as the base models of transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.late = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        maps = self.relu(self.conv(x))
        return {"maps": maps, "late": self.late(maps), "vector": maps.mean((2, 3))}


class Classifier(nn.Module):
    """Reads one part of what the base gives; the class scores come with maps beside them."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.base, self.part, self.head = Shown(), part, nn.Linear(4, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = self.base(x)
        features = found[self.part]
        return {"logits": self.head(features if features.dim() == 2 else features.mean((2, 3))), "maps": found["maps"]}


@pytest.mark.parametrize(("part", "layer"), [("vector", "base.relu"), ("maps", "base"), ("late", "base.late")])
def test_maps_that_are_only_shown_are_not_the_default(part: str, layer: str) -> None:
    """The scores have to be computed from what the layer gives once it has given it."""
    net, x = network(Classifier(part)), images(2)
    assert default_layer(net, x) == layer
    alone = iv.GradCAM(relu=False)(net, x, iv.Logit(1)).values
    with iv.sharing(net, x) as shared:
        torch.testing.assert_close(iv.GradCAM(relu=False)(net, shared, iv.Logit(1)).values, alone)
    assert alone.abs().amax((1, 2, 3)).min() > 0


def test_with_and_without_sharing_what_the_layer_made_of_its_maps_does_not_count() -> None:
    net, x = network(Classifier("vector")), images(2)
    with pytest.raises(MethodError, match="the question has no gradient at base of Classifier"):
        iv.GradCAM(layer="base")(net, x, iv.Logit(1))
    with iv.sharing(net, x) as shared, pytest.raises(MethodError, match="the question does not depend on layer 'base'"):
        iv.GradCAM(layer="base")(net, shared, iv.Logit(1))


def test_a_default_may_be_written_over_or_into_other_maps() -> None:
    class Written(SmallCNN):
        def forward(self, x: Tensor) -> Tensor:
            x = self.conv2(self.norm(self.conv1(x)))
            canvas = torch.zeros(len(x), 7, 4, 4)
            canvas[:, 1:] = x.relu_()
            return self.fc(canvas[:, 1:].mean((2, 3)))

    assert default_layer(network(Written()), images()) == "conv2"


def thin(name: str) -> tuple[nn.Module, int, int]:
    """Architectures as they are published, but thin, and random throughout."""
    hf = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_labels": 7}
    small = {"img_size": 64, "num_classes": 7, "depth": 2, "embed_dim": 24}
    models = {
        "torchvision vit": lambda: torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=7),
        "torchvision swin": lambda: torchvision.models.SwinTransformer(
            [4, 4], 12, [1, 2], [2, 2], [4, 4], num_classes=7
        ),
        "timm vit": lambda: timm.create_model("vit_tiny_patch16_224", **small),
        "timm wide vit": lambda: timm.create_model("vit_tiny_patch16_224", **{**small, "img_size": (48, 80)}),
        "timm pooled vit": lambda: timm.create_model("vit_tiny_patch16_224", global_pool="avg", **small),
        "timm deit": lambda: timm.create_model("deit_tiny_distilled_patch16_224", **small),
        "timm registers": lambda: timm.create_model("vit_small_patch14_reg4_dinov2", **{**small, "img_size": 56}),
        "timm swin": lambda: timm.create_model(
            "swin_tiny_patch4_window7_224", img_size=64, window_size=4, embed_dim=12, depths=(1, 2), num_heads=(2, 2)
        ),
        "timm convnext": lambda: timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 8, 8, 8)),
        "transformers convnext": lambda: transformers.ConvNextForImageClassification(
            transformers.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_labels=7)
        ),
        "transformers resnet": lambda: transformers.ResNetForImageClassification(
            transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_labels=7)
        ),
        "transformers regnet": lambda: transformers.RegNetForImageClassification(
            transformers.RegNetConfig(
                embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], groups_width=4, num_labels=7
            )
        ),
        "transformers mobilenet": lambda: transformers.MobileNetV2ForImageClassification(
            transformers.MobileNetV2Config(depth_multiplier=0.125, num_labels=7)
        ),
        "transformers mobilevit": lambda: transformers.MobileViTForImageClassification(
            transformers.MobileViTConfig(
                hidden_sizes=[12] * 3, neck_hidden_sizes=[8] * 7, num_attention_heads=2, num_labels=7
            )
        ),
        "timm cait": lambda: timm.create_model("cait_xxs24_224", **small),
        "transformers vit": lambda: transformers.ViTForImageClassification(
            transformers.ViTConfig(image_size=32, patch_size=8, **hf)
        ),
        "transformers swin": lambda: transformers.SwinForImageClassification(
            transformers.SwinConfig(
                image_size=64, embed_dim=12, depths=[1, 2], num_heads=[2, 2], window_size=4, num_labels=7
            )
        ),
    }
    rows, columns = {"torchvision vit": (32, 32), "timm wide vit": (48, 80), "timm registers": (56, 56)}.get(
        name, (32, 32) if name == "transformers vit" else (64, 64)
    )
    return models[name](), rows, columns


@pytest.mark.parametrize(
    ("name", "layer", "grid"),
    [
        ("torchvision vit", "encoder.layers.encoder_layer_1.ln_1", (4, 4)),
        ("torchvision swin", "permute", (8, 8)),
        ("timm vit", "blocks.1.norm1", (4, 4)),
        ("timm wide vit", "blocks.1.norm1", (3, 5)),
        ("timm pooled vit", "blocks", (4, 4)),
        ("timm deit", "blocks.1.norm1", (4, 4)),
        ("timm registers", "blocks.1.norm1", (4, 4)),
        ("timm swin", "norm", (8, 8)),
        ("timm convnext", "norm_pre", (2, 2)),
        ("timm cait", "blocks_token_only.1.norm1", (4, 4)),
        ("transformers vit", "vit.layers.1.layernorm_before", (4, 4)),
        ("transformers swin", "swin.layernorm", (8, 8)),
        ("transformers convnext", "convnext.encoder", (2, 2)),
        ("transformers resnet", "resnet.encoder", (2, 2)),
        ("transformers regnet", "regnet.encoder", (2, 2)),
        ("transformers mobilenet", "mobilenet_v2.conv_1x1", (2, 2)),
        ("transformers mobilevit", "mobilevit.conv_1x1_exp", (2, 2)),
    ],
)
def test_published_architectures_need_no_help(name: str, layer: str, grid: tuple[int, int]) -> None:
    module, *size = thin(name)
    net, x = network(module), torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    values = iv.GradCAM(relu=False)(net, x, iv.Logit(2)).values
    assert default_layer(net, x) == layer
    assert values.shape == (2, 1, *grid)
    assert values.abs().amax((1, 2, 3)).min() > 0
    with iv.sharing(net, x) as shared:
        # as one pass, whose kernels may add in another order
        again = iv.GradCAM(relu=False)(net, shared, iv.Logit(2)).values
    torch.testing.assert_close(again, values, rtol=1e-4, atol=1e-5 * float(values.abs().max()))


def test_channels_are_not_taken_for_rows_in_a_part_of_an_image() -> None:
    """In a picture of 40 × 24 pixels, 10 channels of 6 × 3 have as good proportions as 10 rows of 6 columns."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 10, 7, stride=6), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = iv.Network(module, iv.Preprocess(size=64))
    x = torch.randn(2, 3, 40, 24)
    found = score(net, x, iv.Channel("0", 7))
    torch.testing.assert_close(found, module[0](x)[:, 7].mean((1, 2)))


def hooked_once(net: iv.Network, layer: str, x: Tensor) -> Tensor:
    """What a plain hook sees."""
    seen: list[Tensor] = []
    handle = net.module.get_submodule(layer).register_forward_hook(lambda _m, _i, output: seen.append(output.detach()))
    with untouched(net.module), torch.no_grad():
        net.module(x.clone())
    handle.remove()
    return seen[-1]


def test_a_number_is_the_place_of_a_token_in_its_sequence() -> None:
    net, x = network(TinyViT().double()), images(2).double()
    tokens = hooked_once(net, "block", x)
    vector = tuple(range(8))
    with untouched(net.module):
        for token in range(5):
            torch.testing.assert_close(score(net, x, iv.Neuron("block", 3, token)), tokens[:, token, 3])
            along = tokens[:, token] @ torch.tensor(vector).double()
            torch.testing.assert_close(score(net, x, iv.Direction("block", vector, token)), along)
        torch.testing.assert_close(score(net, x, iv.Neuron("block", 3, (1, 0))), tokens[:, 3, 3])
        torch.testing.assert_close(score(net, x, iv.Channel("block", 3)), tokens[:, 1:, 3].mean(1))
    assert iv.Neuron("block", 3, 0).describe(net) == "block channel 3, token 0"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (iv.Neuron("block", 3, 5), "layer 'block' has tokens 0 to 4; got 5"),
        (
            iv.Neuron("patches", 3, 0),
            "a token's number is a position in [batch, token, channel]; layer 'patches' gives [2, 8, 2, 2]: ask for "
            "(row, column)",
        ),
    ],
)
def test_a_token_that_is_not_there_is_refused(asked: iv.Objective, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        iv.Gradient()(network(TinyViT()), images(), asked)
    assert str(refused.value) == sentence


def test_objectives_read_a_layer_as_the_user_says() -> None:
    """The token without a place stands at the end."""
    net = network(Tokens(1).double(), grid=lambda tokens: tokens[:, :4].mT.unflatten(2, (2, 2)))
    x = images(2).double()
    tokens = hooked_once(net, "norm", x)
    with untouched(net.module):
        torch.testing.assert_close(score(net, x, iv.Neuron("norm", 2, (1, 1))), tokens[:, 3, 2])
        torch.testing.assert_close(score(net, x, iv.Channel("norm", 2)), tokens[:, :4, 2].mean(1))
        torch.testing.assert_close(score(net, x, iv.Channel("head", 2)), net.logits(x)[:, 2])
    torch.testing.assert_close(iv.activations(net, x, ["norm"]).maps("norm"), tokens[:, :4].mT.unflatten(2, (2, 2)))


class Cube(nn.Module):
    """As many channels as rows and columns: the shape alone does not tell where they are."""

    def __init__(self, *, last: bool, fixed: bool) -> None:
        super().__init__()
        self.last, self.fixed = last, fixed
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.mix = nn.Linear(4, 4) if last else nn.Conv2d(4, 4, 1)
        self.out = nn.Identity()
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        if self.fixed and x.shape[2:] != (8, 8):
            raise ValueError("images are 8 × 8")
        maps = self.conv(x)
        maps = self.out(self.mix(maps.permute(0, 2, 3, 1) if self.last else maps))
        return self.fc(maps.mean((1, 2) if self.last else (2, 3)))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_as_many_channels_as_rows_and_columns_are_told_apart(last: bool, fixed: bool) -> None:
    net, x = network(Cube(last=last, fixed=fixed).double()), images(2).double()
    for layer in ("mix", "out"):
        maps = hooked_once(net, layer, x)
        expected = (maps.movedim(3, 1) if last else maps)[:, 1].mean((1, 2))
        with untouched(net.module):
            torch.testing.assert_close(score(net, x, iv.Channel(layer, 1)), expected)


@pytest.mark.parametrize("size", [(4, 12), (12, 4), (4, 4), (6, 10)])
def test_a_part_of_an_image_is_read_as_the_whole(size: tuple[int, int]) -> None:
    """Its own proportions would fit six channels by chance."""
    net = network(small_networks.ChannelsLast().double())
    assert reading(net, torch.zeros(1, 3, *size).double(), "mix") == ChannelsLast()
