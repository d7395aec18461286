"""Gradients, their product with the input, and their smoothed mean, against closed forms and peers."""

import captum.attr
import pytest
import torch
from torch import nn

import innerview as iv
from innerview.progress import listening
from small_networks import OneConv, SmallCNN, images, network

X = torch.arange(16.0).reshape(1, 1, 4, 4)
GREY = iv.Preprocess(size=4, mean=(0.0,), std=(1.0,))


def test_the_gradient_of_model_a() -> None:
    values = iv.Gradient()(iv.Network(OneConv(), GREY), X, iv.Logit(0)).values
    expected = [[0.0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
    assert values[0, 0].tolist() == expected


class OneMinusRelu(nn.Module):
    """Model C: y = 1 − relu(1 − x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (1 - nn.functional.relu(1 - x)).flatten(1)


def test_the_gradient_of_model_c() -> None:
    x = torch.tensor([1.0, 2, 3, 0, -1, 7]).reshape(1, 1, 1, 6)
    net = iv.Network(OneMinusRelu(), iv.Preprocess(size=6, mean=(0.0,), std=(1.0,)))
    total = sum((iv.Logit(i) for i in range(1, 6)), iv.Logit(0))
    assert iv.Gradient()(net, x, total).values.flatten().tolist() == [0, 0, 0, 1, 1, 0]


def test_gradient_and_product_agree_with_captum() -> None:
    net, x = network(SmallCNN()), images(3)
    net.module.eval()
    saliency = captum.attr.Saliency(net.module).attribute(x.clone().requires_grad_(), target=2, abs=False)
    product = captum.attr.InputXGradient(net.module).attribute(x.clone().requires_grad_(), target=2)
    torch.testing.assert_close(iv.Gradient()(net, x, iv.Logit(2)).values, saliency.detach())
    torch.testing.assert_close(iv.GradientTimesInput()(net, x, iv.Logit(2)).values, product.detach())


def test_gradient_times_input_of_a_linear_network_adds_up_to_its_score() -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(144, 5, bias=False)))
    x = images()
    result = iv.GradientTimesInput()(net, x, iv.Logit(3))
    torch.testing.assert_close(result.heatmap().sum((1, 2)), net.logits(x)[:, 3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", [iv.Gradient(), iv.SmoothGrad(samples=3)])
def test_the_heatmap_is_the_magnitude_of_the_largest_entry_and_the_values_keep_the_sign(method: iv.Method) -> None:
    result = method(network(SmallCNN()), images(), iv.Logit(1))
    torch.testing.assert_close(result.heatmap(), result.values.abs().amax(1))
    assert result.values.min() < 0 < result.values.max()


def test_the_pixels_of_the_largest_heatmap_are_those_whose_change_counts_most() -> None:
    """Finite differences of a linear score whose weights are of either sign."""
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))
    x, nudges = images(1), torch.eye(192).reshape(192, 3, 8, 8)
    change = (net.logits(x + nudges)[:, 2] - net.logits(x)[:, 2]).abs().reshape(3, 64).amax(0)
    heatmap = iv.Gradient()(net, x, iv.Logit(2)).heatmap().flatten()
    assert torch.equal(heatmap.topk(12).indices, change.topk(12).indices)


@pytest.mark.parametrize("of", [iv.Gradient(), iv.GradCAM(relu=False), iv.Occlusion(window=4)])
def test_smoothgrad_without_noise_is_the_method_itself(of: iv.Method) -> None:
    net, x = network(SmallCNN()), images()
    plain = of(net, x, iv.Logit(1)).values
    torch.testing.assert_close(iv.SmoothGrad(of=of, samples=3, sigma=0)(net, x, iv.Logit(1)).values, plain)


def test_one_sample_of_smoothgrad_is_the_method_on_one_noisy_image() -> None:
    net, x = network(SmallCNN()), images(1)
    noise = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(7))
    noisy = x + 0.2 * (x.max() - x.min()) * noise
    smooth = iv.SmoothGrad(samples=1, sigma=0.2, seed=7)(net, x, iv.Logit(1)).values
    torch.testing.assert_close(smooth, iv.Gradient()(net, noisy, iv.Logit(1)).values)


def test_smoothgrad_is_the_mean_over_fresh_samples() -> None:
    """Streamed in small batches or all at once: the loop over samples is the definition."""
    net, x = network(SmallCNN()), images(2)
    generator = torch.Generator().manual_seed(3)
    spread = (x.amax((1, 2, 3)) - x.amin((1, 2, 3))).reshape(2, 1, 1, 1)
    noisy = [x + 0.15 * spread * torch.randn(3, 8, 8, generator=generator) for _ in range(5)]
    expected = torch.stack([iv.Gradient()(net, each, iv.Logit(1)).values for each in noisy]).mean(0)
    for batch_size in (1, 4, None):
        smooth = iv.SmoothGrad(samples=5, sigma=0.15, seed=3, batch_size=batch_size)
        torch.testing.assert_close(smooth(net, x, iv.Logit(1)).values, expected, rtol=1e-4, atol=1e-6)


def test_seed_and_sigma_change_the_result() -> None:
    net, x = network(SmallCNN()), images(1)
    base = iv.SmoothGrad(samples=4)(net, x, iv.Logit(1)).values
    assert not torch.allclose(iv.SmoothGrad(samples=4, seed=1)(net, x, iv.Logit(1)).values, base)
    assert not torch.allclose(iv.SmoothGrad(samples=4, sigma=0.3)(net, x, iv.Logit(1)).values, base)


def test_a_repeated_micro_batch_uses_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """When memory runs out the batch is halved and run again; the result is the same."""
    net, x = network(SmallCNN()), images(1)
    expected = iv.SmoothGrad(samples=6)(net, x, iv.Logit(1)).values
    forward = net.module.forward

    def small_memory(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 2:
            raise torch.OutOfMemoryError("no room")
        return forward(batch)

    monkeypatch.setattr(net.module, "forward", small_memory)
    torch.testing.assert_close(iv.SmoothGrad(samples=6)(net, x, iv.Logit(1)).values, expected)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"samples": 0}, "samples is a whole number, at least 1; got 0"),
        ({"sigma": 1.5}, "sigma is a number, at least 0 and at most 1; got 1.5"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError, match=sentence):
        iv.SmoothGrad(**settings)


def test_progress_is_heard_and_ends_at_the_total() -> None:
    heard = []
    with listening(lambda *what: heard.append(what[:3])):
        iv.SmoothGrad(samples=5, batch_size=2)(network(SmallCNN()), images(1), iv.Logit(0))
    assert heard == [("smoothing", done, 5) for done in (0, 2, 4, 5)]
