"""Class activation maps against the tables worked out by hand, dense loops and Captum."""

from collections import OrderedDict
from collections.abc import Callable

import captum.attr
import pytest
import timm
import torch
import torchcam.methods
import torchvision
import transformers
from timm import layers
from timm.models import mlp_mixer
from torch import nn

import innerview as iv
from small_networks import Functional, MultiLayer, OneConv, Residual, SmallCNN, TinyViT, images, network

X = torch.arange(16.0).reshape(1, 1, 4, 4)
GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))


def cam_of_model_a(layer: str, *, relu: bool, x: torch.Tensor = X) -> list:
    return iv.GradCAM(layer=layer, relu=relu)(iv.Network(OneConv(), GREY), x, iv.Logit(0)).values[0, 0].tolist()


def test_gradcam_of_model_a_before_the_relu() -> None:
    assert cam_of_model_a("conv1", relu=False) == [[11.25, 13.5], [20.25, 22.5]]


def test_gradcam_of_model_a_after_the_inplace_relu() -> None:
    assert cam_of_model_a("relu1", relu=False) == [[0, 4], [28, 32.5]]


def test_gradcam_of_model_a_on_a_shifted_input() -> None:
    assert cam_of_model_a("conv1", relu=True, x=X + 1) == [[14.5, 19], [32.5, 37]]


def test_gradcam_of_model_a_at_the_input_of_its_convolution() -> None:
    x = X.clone()
    x[..., 1, 1] = -4
    net = iv.Network(nn.Sequential(OrderedDict(image=nn.Identity(), rest=OneConv())), GREY)
    signed = iv.GradCAM(layer="image", relu=False)(net, x, iv.Logit(0)).values
    positive = iv.GradCAM(layer="image")(net, x, iv.Logit(0)).values
    assert torch.equal(signed, 0.5625 * x)
    assert torch.equal(positive, (0.5625 * x).relu())


def test_relu_keeps_what_speaks_for_the_objective() -> None:
    net, x = network(SmallCNN()), images()
    signed = iv.GradCAM(relu=False)(net, x, iv.Logit(2))
    positive = iv.GradCAM()(net, x, iv.Logit(2))
    assert signed.values.min() < 0
    assert torch.equal(positive.values, signed.values.relu())
    assert (signed.signed, positive.signed) == (True, False)


@pytest.mark.parametrize("layer", ["conv1", "norm", "relu:1", "relu", "conv2"])
def test_gradcam_is_the_dense_sum(layer: str) -> None:
    """Weights and sum as loops over a jacobian taken without any hook of ours."""
    net, x = network(SmallCNN()), images(1)
    module = net.module.eval()
    before = {
        "conv1": (lambda v: module.conv1(v), lambda a: module.conv2(module.norm(a).relu()).relu()),
        "norm": (lambda v: module.norm(module.conv1(v)), lambda a: module.conv2(a.relu()).relu()),
        "relu:1": (lambda v: module.norm(module.conv1(v)).relu(), lambda a: module.conv2(a).relu()),
        "conv2": (lambda v: module.conv2(module.norm(module.conv1(v)).relu()), lambda a: a.relu()),
        "relu": (module.features, lambda a: a),
    }[layer]
    with torch.no_grad():
        maps = before[0](x.clone()).clone()
    jacobian = torch.autograd.functional.jacobian(lambda a: module.fc(before[1](a).mean((2, 3)))[0, 3], maps)[0]
    expected = sum(jacobian[k].mean() * maps[0, k] for k in range(maps.shape[1]))
    result = iv.GradCAM(layer=layer, relu=False)(net, x, iv.Logit(3)).values[0, 0]
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-6)


def test_gradcam_agrees_with_captum() -> None:
    net, x = network(SmallCNN()), images(3)
    module = net.module.eval()
    peer = captum.attr.LayerGradCam(module, module.conv2).attribute(x.clone(), target=1)
    torch.testing.assert_close(
        iv.GradCAM(layer="conv2", relu=False)(net, x, iv.Logit(1)).values, peer.detach(), rtol=1e-4, atol=1e-6
    )


def test_the_default_layer_is_the_last_grid_before_pooling() -> None:
    for module, layer in ((SmallCNN(), "relu"), (Residual(), "relu"), (Functional(), "conv2")):
        net = network(module)
        assert [each.name for each in net.layers() if each.cam] == [layer]
        default = iv.GradCAM()(net, images(), iv.Logit(1)).values
        assert torch.equal(default, iv.GradCAM(layer=layer)(net, images(), iv.Logit(1)).values)


@pytest.mark.parametrize("kind", [SmallCNN, Functional, Residual])
def test_the_mean_of_cam_plus_the_bias_is_the_logit(kind: type[nn.Module]) -> None:
    net, x = network(kind()), images(3)
    for label in range(5):
        mean = iv.CAM()(net, x, iv.Logit(label)).values.mean((1, 2, 3))
        torch.testing.assert_close(
            mean + net.module.fc.bias[label].detach(), net.logits(x)[:, label], rtol=1e-4, atol=1e-5
        )


def test_cam_is_the_weighted_sum_of_the_features() -> None:
    net, x = network(SmallCNN()), images(1)
    with torch.no_grad():
        features = net.module.eval().features(x.clone())
        expected = sum(net.module.fc.weight[2, k] * features[0, k] for k in range(6))
    torch.testing.assert_close(iv.CAM()(net, x, iv.Logit(2)).values[0, 0], expected)


def test_under_global_pooling_gradcam_is_cam_divided_by_the_positions() -> None:
    net, x = network(SmallCNN()), images()
    cam, grad = iv.CAM()(net, x, iv.Logit(2)).values, iv.GradCAM(relu=False)(net, x, iv.Logit(2)).values
    torch.testing.assert_close(cam / 16, grad, rtol=1e-4, atol=1e-6)


def test_cam_of_a_difference_is_the_difference_of_cams() -> None:
    net, x = network(SmallCNN()), images()
    apart = iv.CAM()(net, x, iv.Logit(1)).values - iv.CAM()(net, x, iv.Logit(4)).values
    torch.testing.assert_close(iv.CAM()(net, x, iv.Logit(1) - iv.Logit(4)).values, apart)


class MaxPooled(SmallCNN):
    """Global maximum instead of the average."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.features(x).amax((2, 3)))


@pytest.mark.parametrize("module", [MaxPooled(), TinyViT()])
def test_cam_is_refused_where_it_is_not_defined(module: nn.Module) -> None:
    name = type(module).__name__
    with pytest.raises(iv.InnerviewError) as caught:
        iv.CAM()(network(module), images(), iv.Logit(1))
    assert str(caught.value) == (
        "CAM needs class scores that are the global average of a map for each class, or one linear layer over the "
        f"global average of the last features; {name} computes them otherwise. GradCAM works for any layer with a grid"
    )


def test_cam_is_refused_where_the_scores_are_not_finite() -> None:
    net = network(SmallCNN())
    with torch.no_grad():
        net.module.fc.bias[0] = torch.nan
    with pytest.raises(iv.InnerviewError, match="CAM needs finite class scores; those of SmallCNN hold NaN"):
        iv.CAM()(net, images(), iv.Logit(1))


def test_cam_is_refused_for_layers_inside() -> None:
    with pytest.raises(iv.InnerviewError, match="CAM explains class scores, not layers inside the network"):
        iv.CAM()(network(SmallCNN()), images(), iv.Channel("conv1", 0))


def test_gradcam_is_refused_at_layers_without_a_grid() -> None:
    with pytest.raises(iv.InnerviewError, match=r"'fc' of SmallCNN gives \[5\]"):
        iv.GradCAM(layer="fc")(network(SmallCNN()), images(), iv.Logit(1))
    with pytest.raises(iv.InnerviewError, match=r"MultiLayer has none that its scores depend on[.] Name a layer"):
        iv.GradCAM()(network(MultiLayer()), images(1, channels=1, size=3)[:, :, :1], iv.Logit(1))


def test_a_layer_that_the_answer_does_not_use_is_refused() -> None:
    class Idle(SmallCNN):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.conv2(self.conv1(x))
            return self.fc(torch.cat([x, x], 1).mean((2, 3)))

    with pytest.raises(iv.InnerviewError, match="the question has no gradient at conv2 of Idle"):
        iv.GradCAM(layer="conv2")(network(Idle()), images(), iv.Logit(1))


def test_the_prefix_of_gradcam_builds_no_graph() -> None:
    """What runs before the layer sees tensors that need no gradient."""
    net, seen = network(SmallCNN()), []
    net.module.norm.register_forward_hook(lambda _m, _i, out: seen.append(out.requires_grad))
    net.layers(images())
    seen.clear()
    iv.GradCAM(layer="conv2")(net, images(1), iv.Logit(1))
    assert seen == [False]


class Normalised(SmallCNN):
    """What is averaged comes out of a normalisation, with the channels last if asked for."""

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.last = nn.LayerNorm(6) if channels_last else nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.channels_last:
            return self.fc(self.last(self.features(x).permute(0, 2, 3, 1)).mean((1, 2)))
        return self.fc(self.last(self.features(x)).mean((2, 3)))


@pytest.mark.parametrize("channels_last", [False, True])
def test_cam_averages_the_output_of_a_normalisation_wherever_its_channels_are(channels_last: bool) -> None:
    net, x = network(Normalised(channels_last=channels_last)), images(3)
    values = iv.CAM()(net, x, iv.Logit(2)).values
    assert values.shape == (3, 1, 4, 4)
    torch.testing.assert_close(
        values.mean((1, 2, 3)) + net.module.fc.bias[2].detach(), net.logits(x)[:, 2], rtol=1e-4, atol=1e-5
    )


def test_cam_agrees_with_torchcam() -> None:
    net, x = network(SmallCNN()), images(3)
    with torchcam.methods.CAM(net.module.eval(), "relu", fc_layer="fc") as peer:
        net.module(x.clone())
        (expected,) = peer(class_idx=2, normalized=False)
    torch.testing.assert_close(iv.CAM()(net, x, iv.Logit(2)).values[:, 0], expected, rtol=1e-4, atol=1e-6)


class Mixing(nn.Module):
    """Tokens that are mixed by linear layers and then averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.mix, self.norm, self.fc = (
            nn.Conv2d(3, 6, 2, 2),
            nn.Linear(16, 16),
            nn.LayerNorm(6),
            nn.Linear(6, 5),
        )

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2)
        return self.norm((x + self.mix(x).relu()).mT)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.tokens(x).mean(1))


class Transposed(Mixing):
    """Averaged as a library does that pools over the last axis."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(nn.functional.adaptive_avg_pool1d(self.tokens(x).mT, 1).flatten(1))


@pytest.mark.parametrize("kind", [Mixing, Transposed])
def test_tokens_that_are_averaged_are_a_grid_of_features(kind: type[nn.Module]) -> None:
    net, x = network(kind()), images(3)
    values = iv.CAM()(net, x, iv.Logit(2)).values
    with torch.no_grad():
        expected = (net.module.eval().tokens(x) @ net.module.fc.weight[2]).view(3, 1, 4, 4)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-5)


class Flat(SmallCNN):
    """Maps of other proportions than the image."""

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return super().features(x).amax(2, keepdim=True)


def test_maps_may_have_other_proportions_than_the_image() -> None:
    net, x = network(Flat()), images(3)
    values = iv.CAM()(net, x, iv.Logit(2)).values
    assert values.shape == (3, 1, 1, 4)
    mean = values.mean((1, 2, 3)) + net.module.fc.bias[2].detach()
    torch.testing.assert_close(mean, net.logits(x)[:, 2], rtol=1e-4, atol=1e-5)


class ClassMaps(SmallCNN):
    """A convolution that gives a map for each class, and perhaps a ReLU, before the pooling."""

    def __init__(self, *, relu: bool, size: int = 1) -> None:
        super().__init__()
        self.classes, self.after = nn.Conv2d(6, 5, size, padding=size // 2), nn.ReLU() if relu else nn.Identity()

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.classes(self.drop(self.features(x))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.adaptive_avg_pool2d(self.maps(x), 1).flatten(1)


@pytest.mark.parametrize("module", [ClassMaps(relu=True), ClassMaps(relu=False), ClassMaps(relu=False, size=3)])
def test_cam_of_a_network_with_a_map_for_each_class_is_that_map(module: ClassMaps) -> None:
    net, x = network(module), images(3)
    values = iv.CAM()(net, x, iv.Logit(2)).values
    with torch.no_grad():
        assert torch.equal(values[:, 0], module.eval().maps(x.clone())[:, 2])
    torch.testing.assert_close(values.mean((1, 2, 3)), net.logits(x)[:, 2])


class PointwiseHead(SmallCNN):
    """The linear layer behind the pooling is written as a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Conv2d(6, 5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.features(x).mean((2, 3), keepdim=True)).flatten(1)


def test_a_linear_layer_written_as_a_convolution() -> None:
    net, x = network(PointwiseHead()), images(3)
    values = iv.CAM()(net, x, iv.Logit(2)).values
    mean = values.mean((1, 2, 3)) + net.module.fc.bias[2].detach()
    torch.testing.assert_close(mean, net.logits(x)[:, 2], rtol=1e-4, atol=1e-5)


def mean_of_cam(module: nn.Module, size: int, label: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Size]:
    net, x = iv.Network(module, iv.Preprocess(size=size)), images(2, size=size)
    values = iv.CAM()(net, x, iv.Logit(label)).values
    return values.mean((1, 2, 3)), net.logits(x)[:, label], values.shape[2:]


def test_architectures_whose_class_maps_average_to_the_scores() -> None:
    mean, logit, grid = mean_of_cam(torchvision.models.squeezenet1_1(num_classes=5), 96)
    torch.testing.assert_close(mean, logit)
    assert grid == (5, 5)


def thin_mixer(**settings: object) -> nn.Module:
    return mlp_mixer.MlpMixer(5, img_size=64, patch_size=16, num_blocks=2, embed_dim=8, **settings)


AVERAGING: dict[str, Callable[[], nn.Module]] = {
    "mixer": thin_mixer,
    "gmlp": lambda: thin_mixer(mlp_ratio=6, block_layer=mlp_mixer.SpatialGatingBlock, mlp_layer=layers.GatedMlp),
    "big transfer": lambda: timm.models.resnetv2.ResNetV2((1, 1), (128, 128), 5, stem_chs=32),
}


@pytest.mark.parametrize("name", AVERAGING)
def test_architectures_with_one_linear_layer_over_averages_of_tokens_or_maps(name: str) -> None:
    module = AVERAGING[name]()
    head = module.get_classifier()
    nn.init.normal_(head.weight), nn.init.normal_(head.bias)
    mean, logit, grid = mean_of_cam(module, 64)
    torch.testing.assert_close(mean + head.bias[3].detach(), logit, rtol=1e-4, atol=1e-4)
    assert grid == ((8, 8) if name == "big transfer" else (4, 4))


def test_windowed_transformers_that_average_over_a_row_of_tokens() -> None:
    sizes = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [2, 2], "num_heads": [1, 2], "window_size": 4}
    module = transformers.SwinForImageClassification(transformers.SwinConfig(num_labels=5, **sizes))
    nn.init.normal_(module.classifier.weight), nn.init.normal_(module.classifier.bias)
    mean, logit, grid = mean_of_cam(module, 32)
    torch.testing.assert_close(mean + module.classifier.bias[3].detach(), logit, rtol=1e-4, atol=1e-4)
    assert grid == (8, 8)
