"""Guided Grad-CAM, against model A by hand, its two factors, and a peer."""

import captum.attr
import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.attribution.guided_gradcam import GuidedGradCAM
from innerview.attribution.relu_rules import GuidedBackprop
from small_networks import Functional, OneConv, Residual, SmallCNN, images, network

X = torch.arange(16.0).reshape(1, 1, 4, 4)
GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))


def test_the_map_of_model_a() -> None:
    """Grad-CAM at relu1 is 0 4 / 28 32.5; from 2 to 4 pixels, bilinear interpolation mixes as `mix` says."""
    mix = torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    guided = torch.tensor([[0.0, 1, 1, 1], [1, 3, 3, 2], [1, 3, 3, 2], [1, 2, 2, 1]])
    expected = guided * (mix @ torch.tensor([[0, 4], [28, 32.5]]) @ mix.T)
    values = GuidedGradCAM(layer="relu1")(iv.Network(OneConv(), GREY), X, iv.Logit(0)).values
    assert torch.equal(values[0, 0], expected)


@pytest.mark.parametrize("layer", ["conv1", "norm", "relu:1", "conv2", "relu", None])
def test_it_is_guided_backprop_times_gradcam(layer: str | None) -> None:
    """At early layers ReLUs lie after the layer, so this fails if Grad-CAM's gradient were guided too."""
    net, x = network(SmallCNN()), images(3)
    lines, cam = GuidedBackprop()(net, x, iv.Logit(1)), iv.GradCAM(layer=layer)(net, x, iv.Logit(1))
    result = GuidedGradCAM(layer=layer)(net, x, iv.Logit(1))
    torch.testing.assert_close(result.values, lines.values * cam.heatmap()[:, None], rtol=1e-4, atol=1e-7)
    assert result.values.any()
    assert (result.reduction, result.signed) == ("max_abs", False)


def test_it_takes_one_forward_pass() -> None:
    net, x = network(SmallCNN()), images()
    net.layers(x)
    passes = []
    with net.module.register_forward_hook(lambda *_: passes.append(1)):
        GuidedGradCAM()(net, x, iv.Logit(1))
    assert len(passes) == 1


@pytest.mark.parametrize("kind", [SmallCNN, Functional, Residual])
def test_a_batch_with_one_question_per_image_is_a_loop(kind: type[nn.Module]) -> None:
    net, x = network(kind()), images(3)
    asked = [iv.Logit(0), iv.Probability(1), iv.Logit(2) - iv.Logit(3)]
    together = GuidedGradCAM()(net, x, asked).values
    apart = torch.cat([GuidedGradCAM()(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)


class Apart(SmallCNN):
    """The same with a module for each ReLU, not in place, as Captum needs it."""

    def __init__(self) -> None:
        super().__init__()
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()

    def features(self, x: Tensor) -> Tensor:
        return self.relu2(self.conv2(self.relu1(self.norm(self.conv1(x)))))


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")
def test_it_agrees_with_captum() -> None:
    net, x = network(Apart()), images(3)
    module = net.module.eval()
    peer = captum.attr.GuidedGradCam(module, module.conv2)
    expected = peer.attribute(x.clone().requires_grad_(), target=1, interpolate_mode="bilinear").detach()
    torch.testing.assert_close(GuidedGradCAM(layer="conv2")(net, x, iv.Logit(1)).values, expected, rtol=1e-4, atol=1e-7)


def test_a_question_before_the_layer_is_refused() -> None:
    with pytest.raises(iv.InnerviewError, match=r"the question does not depend on layer 'relu' of SmallCNN"):
        GuidedGradCAM(layer="relu")(network(SmallCNN()), images(), iv.Neuron("conv1", 0))


def test_a_network_without_relus_is_refused() -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(144, 5)))
    with pytest.raises(iv.InnerviewError) as caught:
        GuidedGradCAM(layer="0")(net, images(), iv.Logit(1))
    assert str(caught.value) == (
        "the guided rule is about ReLUs, and gradients meet none between the question and the input of "
        "Sequential; use Gradient, SmoothGrad, IntegratedGradients or Occlusion"
    )


def test_a_layer_without_a_grid_is_refused() -> None:
    with pytest.raises(iv.InnerviewError, match="'fc' of SmallCNN gives"):
        GuidedGradCAM(layer="fc")(network(SmallCNN()), images(), iv.Logit(1))
