"""Score-CAM against a dense loop and two peers."""

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
from innerview.attribution.score_cam import ScoreCAM, mask
from innerview.errors import SettingError
from innerview.progress import listening
from small_networks import SmallCNN, Tokens, images, network


def masked_scores(net: iv.Network, x: Tensor, maps: Tensor, label: int) -> Tensor:
    """One channel after the other, for one image, over its mean colour."""
    scores, mean = [], x.mean((1, 2), keepdim=True)
    for channel in maps:
        fine = functional.interpolate(channel[None, None], x.shape[1:], mode="bilinear")[0, 0]
        mask = (fine - fine.min()) / (fine.max() - fine.min())
        scores.append(net.logits(mask * x + (1 - mask) * mean)[0, label])
    return torch.stack(scores)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_it_is_the_dense_loop(layer: str) -> None:
    net, x = network(SmallCNN()), images(2)
    module = net.module.eval()
    with torch.no_grad():
        maps = module.conv1(x) if layer == "conv1" else module.conv2(module.norm(module.conv1(x)).relu())
    values = ScoreCAM(layer=layer, relu=False)(net, x, iv.Logit(3)).values
    for image in range(2):
        weights = masked_scores(net, x[image], maps[image], 3).softmax(0)
        expected = sum(weights[k] * maps[image, k] for k in range(maps.shape[1]))
        torch.testing.assert_close(values[image, 0], expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(ScoreCAM(layer=layer)(net, x, iv.Logit(3)).values, values.relu())


def test_the_score_of_a_baseline_image_changes_nothing() -> None:
    net, x = network(SmallCNN()), images(2)
    asked = iv.Logit(3)
    torch.testing.assert_close(ScoreCAM()(net, x, asked + 100.0).values, ScoreCAM()(net, x, asked).values)


def test_a_mask_goes_from_0_to_1_and_a_constant_channel_masks_everything() -> None:
    last = 0.3 * (1 + 4 * torch.finfo(torch.float32).eps)  # as a constant is rounded in one place and another
    channels = torch.tensor([[[1.0, 3.0]], [[0.3, 0.3]], [[0.3, last]]])[:, None]
    assert channels[2, 0, 0, 0] != channels[2, 0, 0, 1]
    masks = mask(channels, torch.Size((1, 4)))
    torch.testing.assert_close(masks[0, 0], torch.tensor([[0, 0.25, 0.75, 1]]))
    assert not masks[1:].any()


def test_constant_channels_weigh_as_much_as_the_masked_image_scores() -> None:
    net, x = network(SmallCNN()), images(1)
    with torch.no_grad():
        net.module.conv2.weight[1] = 0
        net.module.conv2.bias[1] = 0.3
        maps = (module := net.module.eval()).conv2(module.norm(module.conv1(x)).relu())[0]
    others = masked_scores(net, x[0], maps[[0, 2, 3, 4, 5]], 1)
    absent = net.logits(x.mean((2, 3), keepdim=True).expand_as(x))[0, 1]
    weights = torch.cat([others[:1], absent[None], others[1:]]).softmax(0)
    values = ScoreCAM(layer="conv2", relu=False)(net, x, iv.Logit(1)).values[0, 0]
    torch.testing.assert_close(values, (weights[:, None, None] * maps).sum(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_size_of_the_batches_changes_nothing_and_progress_is_told(size: int) -> None:
    net, x, heard = network(SmallCNN()), images(2), []
    asked = [iv.Logit(1), iv.Probability(3) - iv.Logit(2)]
    with listening(lambda *told: heard.append(told[:3])):
        values = ScoreCAM(layer="conv2", batch_size=size)(net, x, asked).values
    apart = torch.cat([ScoreCAM(layer="conv2")(net, x[[i]], asked[i]).values for i in range(2)])
    torch.testing.assert_close(values, apart, rtol=1e-4, atol=1e-6)
    assert heard[0] == ("masking", 0, 12)
    assert heard[-1] == ("masking", 12, 12)


def test_no_pass_holds_more_images_than_asked_for() -> None:
    net, seen = network(SmallCNN()), []
    net.module.register_forward_hook(lambda _m, inputs, _out: seen.append(len(inputs[0])))
    net.layers(images(1))
    seen.clear()
    ScoreCAM(layer="conv2", batch_size=4)(net, images(1), iv.Logit(1))
    assert max(seen) == 4
    with pytest.raises(SettingError, match="batch_size is a whole number, at least 1, or None; got 0"):
        ScoreCAM(layer="conv2", batch_size=0)(net, images(1), iv.Logit(1))


def test_tokens_are_masks_of_their_patches() -> None:
    net, x = network(Tokens()), images(1)
    module = net.module.eval()
    with torch.no_grad():
        tokens = torch.cat([module.prefix, module.patches(x).flatten(2).transpose(1, 2)], 1)
        maps = module.norm1(tokens)[0, 1:].T.reshape(8, 2, 2)
    weights = masked_scores(net, x[0], maps, 2).softmax(0)
    values = ScoreCAM(relu=False)(net, x, iv.Logit(2)).values[0, 0]
    torch.testing.assert_close(values, (weights[:, None, None] * maps).sum(0), rtol=1e-4, atol=1e-6)


def test_it_agrees_with_torchcam_where_nothing_is_upsampled() -> None:
    """torchcam stretches before it upsamples, the paper after; at the image's own resolution this is the same."""
    net, x = network(SmallCNN()), images(2)
    with torchcam.methods.ScoreCAM(net.module.eval(), "conv1") as theirs, torch.no_grad():
        net.module(x.clone())
        (expected,) = theirs(class_idx=1, normalized=False)
    torch.testing.assert_close(
        ScoreCAM(layer="conv1", baseline=0.0)(net, x, iv.Logit(1)).values[:, 0], expected, rtol=1e-4, atol=1e-6
    )


def test_it_agrees_with_pytorch_grad_cam_where_nothing_is_upsampled() -> None:
    """pytorch-grad-cam's upsampling aligns the corners, so that it moves the masks by up to half a position."""
    net, x = network(SmallCNN()), images(2)
    module = copy.deepcopy(net.module).eval()
    with pgc.ScoreCAM(model=module, target_layers=[module.conv1]) as theirs, torch.no_grad():
        expected = theirs(input_tensor=x, targets=[ClassifierOutputTarget(1)] * 2)
    ours = ScoreCAM(layer="conv1", baseline=0.0)(net, x, iv.Logit(1)).values[:, 0]
    low, high = ours.amin((1, 2), keepdim=True), ours.amax((1, 2), keepdim=True)
    np.testing.assert_allclose(((ours - low) / (high - low)).numpy(), expected, atol=2e-5)
