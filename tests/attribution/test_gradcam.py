"""The variants of Grad-CAM: tables by hand, dense loops over jacobians, peers where they are right."""

import copy

import numpy as np
import pytest
import pytorch_grad_cam as pgc
import torch
import torchcam.methods
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from torch.nn import functional

import innerview as iv
from innerview.attribution.gradcam import GradCAM, GradCAMPlusPlus, GradientMap, HiResCAM, LayerCAM
from innerview.errors import SettingError
from small_networks import OneConv, SmallCNN, Tokens, images, network

X = torch.arange(16.0).reshape(1, 1, 4, 4)
VARIANTS = [GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM]


def of_model_a(kind: type[GradientMap]) -> Tensor:
    net = iv.Network(OneConv(), iv.Preprocess(size=4, mean=(0.0,), std=(1.0,)))
    return kind(layer="relu1", relu=False)(net, X, iv.Logit(0)).values[0, 0]


def test_hirescam_of_model_a_adds_up_to_its_output() -> None:
    assert of_model_a(HiResCAM).tolist() == [[0, 4], [25, 25]]
    assert of_model_a(HiResCAM).sum() == 54


def test_layercam_of_model_a_leaves_out_what_has_a_negative_gradient() -> None:
    assert of_model_a(LayerCAM).tolist() == [[0, 4], [31, 40]]


def test_gradcam_plus_plus_of_model_a() -> None:
    """Gradients 1 1 1 1 and 1 −1 −1 −1, sums 75 and 21: weights 4 / (2 + 75) and 1 / (2 + 21)."""
    first, second = torch.tensor([[0, 4], [31, 40.0]]), torch.tensor([[0, 0], [6, 15.0]])
    torch.testing.assert_close(of_model_a(GradCAMPlusPlus), 4 / 77 * first + 1 / 23 * second)


def test_the_weight_of_a_channel_is_its_mean_gradient() -> None:
    gradients = torch.tensor([[[1, 1], [1, 1]], [[1, 1], [0, 0]], [[1, 0.5], [0, 0]], [[0.5, 0], [0, 0]]])[None]
    each_channel_at_one_position = torch.eye(4).reshape(1, 4, 2, 2)
    cam = GradCAM().combined(each_channel_at_one_position, gradients)
    assert cam.tolist() == [[[[1, 0.5], [0.375, 0.125]]]]


def dense(kind: type[GradientMap], maps: Tensor, gradients: Tensor) -> Tensor:
    """The definition for one image, [channel, row, column], position by position."""
    channels, rows, columns = maps.shape
    cam = torch.zeros(rows, columns, dtype=maps.dtype)
    places = [(y, x) for y in range(rows) for x in range(columns)]
    for k in range(channels):
        weight = 0.0
        for y, x in places:
            g = gradients[k, y, x].item()
            if kind is GradCAM:
                weight += g / len(places)
            if kind is GradCAMPlusPlus and g > 0:
                weight += g**2 / (2 * g**2 + g**3 * maps[k].sum().item()) * g
        for y, x in places:
            g = gradients[k, y, x].item()
            at_this_place = {HiResCAM: g, LayerCAM: max(g, 0)}.get(kind, weight)
            cam[y, x] += at_this_place * maps[k, y, x]
    return cam


@pytest.mark.parametrize("layer", ["conv1", "norm", "conv2", "relu"])
@pytest.mark.parametrize("kind", VARIANTS)
def test_each_variant_is_its_dense_definition(kind: type[GradientMap], layer: str) -> None:
    net, x = network(SmallCNN().double()), images(1).double()
    module = net.module.eval()
    before, after = {
        "conv1": (module.conv1, lambda a: module.conv2(module.norm(a).relu()).relu()),
        "norm": (lambda v: module.norm(module.conv1(v)), lambda a: module.conv2(a.relu()).relu()),
        "conv2": (lambda v: module.conv2(module.norm(module.conv1(v)).relu()), lambda a: a.relu()),
        "relu": (module.features, lambda a: a),
    }[layer]
    with torch.no_grad():
        maps = before(x.clone()).clone()
    jacobian = torch.autograd.functional.jacobian(lambda a: module.fc(after(a).mean((2, 3)))[0, 3], maps)
    expected = dense(kind, maps[0], jacobian[0])
    torch.testing.assert_close(kind(layer=layer, relu=False)(net, x, iv.Logit(3)).values[0, 0], expected)
    torch.testing.assert_close(kind(layer=layer)(net, x, iv.Logit(3)).values[0, 0], expected.relu())


@pytest.mark.parametrize("kind", VARIANTS)
def test_the_sign_is_kept_only_without_the_relu(kind: type[GradientMap]) -> None:
    assert (kind().signed, kind(relu=False).signed) == (False, True)


def test_hirescam_of_one_linear_layer_adds_up_to_the_score_but_for_the_bias() -> None:
    net, x = network(SmallCNN()), images(3)
    total = HiResCAM(relu=False)(net, x, iv.Logit(1)).values.sum((1, 2, 3))
    torch.testing.assert_close(total, net.logits(x)[:, 1] - net.module.fc.bias[1].detach(), rtol=1e-4, atol=1e-5)


def test_under_global_pooling_gradcam_and_hirescam_are_cam_divided_by_the_positions() -> None:
    net, x = network(SmallCNN()), images(3)
    for objective in (iv.Logit(2), iv.Logit(1) - iv.Logit(4), iv.Probability(3)):
        expected = iv.CAM()(net, x, objective).values / 16
        for kind in (GradCAM, HiResCAM):
            torch.testing.assert_close(kind(relu=False)(net, x, objective).values, expected, rtol=1e-4, atol=1e-6)


def test_gradcam_plus_plus_is_finite_where_a_denominator_is_zero() -> None:
    maps, gradients = torch.full((1, 2, 1, 2), -1.0), torch.tensor([[[[1.0, 0.5]], [[0.0, -1.0]]]])
    cam = GradCAMPlusPlus().combined(maps, gradients)
    assert cam.tolist() == [[[[-0.5, -0.5]]]]


@pytest.mark.parametrize("kind", VARIANTS)
def test_several_layers_are_interpolated_scaled_and_averaged(kind: type[GradientMap]) -> None:
    net, x = network(SmallCNN()), images(3)
    fine = kind(layer="norm", relu=False)(net, x, iv.Logit(1)).values
    coarse = functional.interpolate(
        kind(layer="conv2", relu=False)(net, x, iv.Logit(1)).values, (8, 8), mode="bilinear"
    )
    expected = torch.stack([(a / a.abs().max() + b / b.abs().max()) / 2 for a, b in zip(coarse, fine, strict=True)])
    together = kind(layer=("conv2", "norm"), relu=False)(net, x, iv.Logit(1))
    torch.testing.assert_close(together.values, expected)
    assert together.provenance.settings["layer"] == ["conv2", "norm"]


def test_layers_of_parallel_branches_can_be_joined() -> None:
    class Branches(SmallCNN):
        def features(self, x: Tensor) -> Tensor:
            return self.conv1(x) + self.norm(x[:, :1].expand(-1, 4, -1, -1))

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv2(self.features(x)).mean((2, 3)))

    net, x = network(Branches()), images(1)
    assert GradCAM(layer=("conv1", "norm"))(net, x, iv.Logit(1)).values.shape == (1, 1, 8, 8)


def test_a_layer_whose_map_is_zero_does_not_spoil_the_others() -> None:
    net, x = network(SmallCNN()), images(1)
    with torch.no_grad():
        net.module.norm.weight.zero_()
        net.module.norm.bias.zero_()
    joined = GradCAM(layer=("norm", "conv2"), relu=False)(net, x, iv.Logit(1)).values
    alone = GradCAM(layer="conv2", relu=False)(net, x, iv.Logit(1)).values
    expected = functional.interpolate(alone, (8, 8), mode="bilinear")
    torch.testing.assert_close(joined, expected / expected.abs().max() / 2)


def test_one_layer_in_a_tuple_keeps_its_raw_values_and_no_layer_is_refused() -> None:
    net, x = network(SmallCNN()), images(1)
    alone = GradCAM(layer="conv2")(net, x, iv.Logit(1)).values
    assert torch.equal(GradCAM(layer=("conv2",))(net, x, iv.Logit(1)).values, alone)
    with pytest.raises(SettingError, match="layer is a text, not empty, or a tuple of texts, not empty, or None; got "):
        GradCAM(layer=())


@pytest.mark.parametrize("kind", VARIANTS)
def test_half_precision_features_give_single_precision_maps(kind: type[GradientMap]) -> None:
    net, x = network(SmallCNN()), images()
    expected = kind(layer="conv2", relu=False)(net, x, iv.Logit(1)).values
    half = iv.Network(net.module.bfloat16(), net.preprocess)
    values = kind(layer="conv2", relu=False)(half, x, iv.Logit(1)).values
    assert values.dtype == torch.float32
    assert torch.cosine_similarity(values.flatten(), expected.flatten(), dim=0) > 0.98


def without_in_place(net: iv.Network) -> torch.nn.Module:
    """A copy for the peers: an in-place ReLU overwrites the features that they hold on to."""
    module = copy.deepcopy(net.module).eval()
    module.relu.inplace = False
    return module


def scaled(maps: np.ndarray) -> np.ndarray:
    """The range of each map stretched to 0–1, as pytorch-grad-cam does before and after it resizes."""
    maps = maps - maps.min((1, 2), keepdims=True)
    return maps / (1e-7 + maps.max((1, 2), keepdims=True))


def as_the_peer_shows_it(values: Tensor) -> np.ndarray:
    small = torch.from_numpy(scaled(values[:, 0].relu().numpy()))
    return scaled(functional.interpolate(small[:, None], (8, 8), mode="bilinear")[:, 0].numpy())


@pytest.mark.parametrize(("kind", "peer"), [(GradCAM, pgc.GradCAM), (HiResCAM, pgc.HiResCAM), (LayerCAM, pgc.LayerCAM)])
def test_they_agree_with_pytorch_grad_cam(kind: type[GradientMap], peer: type[pgc.GradCAM]) -> None:
    net, x = network(SmallCNN()), images(3)
    module = without_in_place(net)
    with peer(model=module, target_layers=[module.conv2]) as theirs:
        expected = theirs(input_tensor=x, targets=[ClassifierOutputTarget(1)] * 3)
    ours = as_the_peer_shows_it(kind(layer="conv2")(net, x, iv.Logit(1)).values)
    np.testing.assert_allclose(ours, expected, atol=2e-5)


@pytest.mark.parametrize("prefix", [1, 3])
def test_gradcam_of_tokens_agrees_with_pytorch_grad_cam_told_how_to_read_them(prefix: int) -> None:
    net, x = network(Tokens(prefix)), images(2)
    module = copy.deepcopy(net.module).eval()

    def reshape(tokens: Tensor) -> Tensor:
        return tokens[:, prefix:].reshape(-1, 2, 2, 8).permute(0, 3, 1, 2)

    with pgc.GradCAM(model=module, target_layers=[module.norm1], reshape_transform=reshape) as theirs:
        expected = theirs(input_tensor=x, targets=[ClassifierOutputTarget(1)] * 2)
    np.testing.assert_allclose(as_the_peer_shows_it(GradCAM()(net, x, iv.Logit(1)).values), expected, atol=2e-5)


@pytest.mark.parametrize("kind", VARIANTS)
def test_each_variant_of_tokens_is_its_dense_definition(kind: type[GradientMap]) -> None:
    net, x = network(Tokens(2).double()), images(1).double()
    module = net.module.eval()
    with torch.no_grad():
        tokens = torch.cat([module.prefix, module.patches(x).flatten(2).transpose(1, 2)], 1)
        normed = module.norm1(tokens)
    jacobian = torch.autograd.functional.jacobian(lambda a: module.after(tokens, a)[0, 3], normed)
    maps, gradients = (each[0, 2:].T.reshape(8, 2, 2) for each in (normed, jacobian))
    values = kind(relu=False)(net, x, iv.Logit(3)).values[0, 0]
    torch.testing.assert_close(values, dense(kind, maps, gradients))


@pytest.mark.parametrize(("kind", "peer"), [(GradCAM, torchcam.methods.GradCAM), (LayerCAM, torchcam.methods.LayerCAM)])
def test_they_agree_with_torchcam(kind: type[GradientMap], peer: type) -> None:
    net, x = network(SmallCNN()), images(3)
    with peer(module := without_in_place(net), "conv2") as theirs:
        (expected,) = theirs(class_idx=1, scores=module(x.clone().requires_grad_()), normalized=False)
    ours = kind(layer="conv2", relu=theirs._relu)(net, x, iv.Logit(1)).values[:, 0]
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


def test_an_in_place_relu_behind_the_layer_changes_the_peers_answer_but_not_ours() -> None:
    net, x = network(SmallCNN()), images(3)
    theirs = []
    for module in (copy.deepcopy(net.module).eval(), without_in_place(net)):
        with torchcam.methods.GradCAM(module, "conv2") as peer:
            theirs += peer(class_idx=1, scores=module(x.clone().requires_grad_()), normalized=False)
    ours = [
        GradCAM(layer="conv2")(iv.Network(module, net.preprocess), x, iv.Logit(1)).values
        for module in (net.module, without_in_place(net))
    ]
    assert not torch.allclose(theirs[0], theirs[1], rtol=0.1)
    assert torch.equal(ours[0], ours[1])


def test_torchcams_grad_cam_plus_plus_leaves_out_the_denominator() -> None:
    """It divides a copy of the coefficients, so that its weights are Σ g² ReLU(g)."""
    net, x = network(SmallCNN()), images(1)
    with torchcam.methods.GradCAMpp(module := without_in_place(net), "conv2") as theirs:
        scores = module(x.clone().requires_grad_())
        maps = theirs.hook_a[0].clone()
        (undivided,) = theirs._get_weights(1, scores)
        gradients = theirs.hook_g[0]
    torch.testing.assert_close(undivided, (gradients**2 * gradients.relu()).sum((2, 3)))
    ours = GradCAMPlusPlus(layer="conv2", relu=False)(net, x, iv.Logit(1)).values[0, 0]
    assert torch.cosine_similarity(ours.flatten(), (undivided[0, :, None, None] * maps[0]).sum(0).flatten(), 0) < 0.999
    torch.testing.assert_close(ours, dense(GradCAMPlusPlus, maps[0], gradients[0]), rtol=1e-4, atol=1e-6)


def test_pytorch_grad_cams_grad_cam_plus_plus_loses_small_gradients() -> None:
    """Its 1e-6 in the denominator outweighs g²: weights of gradients of 1e-5 come out 5000 times too small."""
    maps, gradients = images(1, channels=2, size=4).abs(), torch.full((1, 2, 4, 4), 1e-5)
    theirs = pgc.GradCAMPlusPlus.get_cam_weights(None, None, None, None, maps.numpy(), gradients.numpy())
    by_hand = sum(1e-5 / (2 + 1e-5 * maps[0, 0].sum().item()) for _ in range(16))
    one_hot = torch.tensor([1.0, 0])[:, None, None] * maps
    ours = GradCAMPlusPlus().combined(one_hot, gradients)[0, 0, 0, 0] / maps[0, 0, 0, 0]
    assert ours.item() == pytest.approx(by_hand, rel=1e-5)
    assert theirs[0, 0] == pytest.approx(by_hand / 5000, rel=0.01)
    large = gradients * 1e5
    theirs = pgc.GradCAMPlusPlus.get_cam_weights(None, None, None, None, maps.numpy(), large.numpy())
    ours = GradCAMPlusPlus().combined(one_hot, large)[0, 0, 0, 0] / maps[0, 0, 0, 0]
    assert ours.item() == pytest.approx(theirs[0, 0], rel=1e-5)


@pytest.mark.parametrize("kind", VARIANTS)
@pytest.mark.parametrize("module", [SmallCNN, Tokens])
def test_a_batch_of_different_questions_is_a_loop_of_singles(kind: type[GradientMap], module: type) -> None:
    net, x = network(module()), images(3)
    asked = [iv.Logit(0), iv.Probability(1), iv.Logit(2) - iv.Logit(3)]
    together = kind(relu=False)(net, x, asked).values
    apart = torch.cat([kind(relu=False)(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)
