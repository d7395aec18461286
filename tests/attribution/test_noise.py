"""VarGrad against its definition, a closed form, and Captum."""

import captum.attr
import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.progress import listening
from small_networks import PIXELS, SmallCNN, images, network
from trouble import room_for


def noisy_copies(x: Tensor, samples: int, sigma: float, seed: int) -> list[Tensor]:
    """The batch once per sample, each image with the same noise times its own range."""
    generator = torch.Generator().manual_seed(seed)
    ranges = torch.tensor([float(image.max() - image.min()) for image in x], dtype=x.dtype).reshape(-1, 1, 1, 1)
    return [x + sigma * ranges * torch.randn(x.shape[1:], generator=generator).to(x) for _ in range(samples)]


def gradient(module: nn.Module, x: Tensor, target: int) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(module(leaf)[:, target].sum(), leaf)[0]


def in_double() -> iv.Network:
    return iv.Network(network(SmallCNN()).module.double(), PIXELS)


@pytest.mark.parametrize("batch_size", [1, 4, 5, None])
@pytest.mark.parametrize("samples", [2, 7])
def test_vargrad_is_the_variance_over_noisy_copies(samples: int, batch_size: int | None) -> None:
    net, x = in_double(), images(2).double()
    maps = [gradient(net.module.eval(), copy, 3) for copy in noisy_copies(x, samples, 0.2, seed=5)]
    mean = sum(maps) / samples
    expected = sum((each - mean) ** 2 for each in maps) / samples
    assert expected.max() > 1e-5
    method = iv.VarGrad(samples=samples, sigma=0.2, seed=5, batch_size=batch_size)
    torch.testing.assert_close(method(net, x, iv.Logit(3)).values, expected, rtol=1e-9, atol=1e-16)


class Bowl(nn.Module):
    """s = a Σ x² / 2 + b Σ x, whose gradient is a x + b."""

    def __init__(self, steep: float, slope: float = 0.0) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.tensor([steep / 2, slope]))

    def forward(self, x: Tensor) -> Tensor:
        return (self.factors[0] * x.square() + self.factors[1] * x).sum((1, 2, 3))[:, None]


def test_of_a_bowl_the_variance_is_that_of_the_noise_in_gradients() -> None:
    """On average a² σ² (max − min)² (1 − 1 / n); the mean over 192 pixels is allowed five standard errors."""
    x, samples, sigma, steep = images(1), 100, 0.1, 3.0
    values = iv.VarGrad(samples=samples, sigma=sigma)(iv.Network(Bowl(steep), PIXELS), x, iv.Logit(0)).values
    expected = (steep * sigma * float(x.max() - x.min())) ** 2 * (1 - 1 / samples)
    assert abs(float(values.mean()) / expected - 1) < 5 * (2 / (samples * 192)) ** 0.5


@pytest.mark.parametrize("of", [iv.GradientTimesInput(), iv.GradCAM(relu=False), iv.Occlusion(window=4)])
def test_the_variance_of_another_method_is_that_of_its_maps(of: iv.Method) -> None:
    net, x = in_double(), images(2).double()
    maps = torch.stack([of(net, copy, iv.Logit(1)).values for copy in noisy_copies(x, 4, 0.15, seed=0)])
    result = iv.VarGrad(of=of, samples=4, batch_size=3)(net, x, iv.Logit(1))
    torch.testing.assert_close(result.values, maps.var(0, correction=0), rtol=1e-9, atol=1e-16)
    assert result.reduction == of.reduction
    assert not result.signed


def test_each_image_has_its_own_question_and_range() -> None:
    net, x = in_double(), images(3).double() * torch.tensor([1.0, 5.0, 0.2]).reshape(3, 1, 1, 1)
    asked = [iv.Logit(0), iv.LayerEnergy("conv1"), iv.Logit(2) - iv.Neuron("conv2", 3)]
    together = iv.VarGrad(samples=5)(net, x, asked).values
    apart = torch.cat([iv.VarGrad(samples=5)(net, x[[i]], asked[i]).values for i in range(3)])
    torch.testing.assert_close(together, apart, rtol=1e-9, atol=1e-16)


def test_without_noise_nothing_varies() -> None:
    values = iv.VarGrad(samples=6, sigma=0)(in_double(), images().double(), iv.Logit(1)).values
    torch.testing.assert_close(values, torch.zeros_like(values), rtol=0, atol=1e-30)


def test_a_single_sample_does_not_vary() -> None:
    assert not iv.VarGrad(samples=1)(network(SmallCNN()), images(), iv.Logit(1)).values.any()


def test_seed_and_sigma_change_the_result() -> None:
    net, x = network(SmallCNN()), images(1)
    first, again, other, calmer = (
        iv.VarGrad(samples=4, seed=seed, sigma=sigma)(net, x, iv.Logit(1)).values
        for seed, sigma in [(3, 0.2), (3, 0.2), (4, 0.2), (3, 0.1)]
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first, calmer)


def captums(module: nn.Module, x: Tensor, samples: int, sigma: float, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Captum's VarGrad of one image, given the noise that we draw from seed 0."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.stack([torch.randn(x.shape[1:], generator=generator) for _ in range(samples)])
    monkeypatch.setattr(torch, "normal", lambda mean, deviation: mean + deviation * noise)
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(module))
    deviation = sigma * float(x.max() - x.min())
    return tunnel.attribute(x, nt_type="vargrad", nt_samples=samples, stdevs=deviation, target=0, abs=False).detach()


def test_it_agrees_with_captum_on_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = in_double(), images(1).double()
    peer = captums(net.module.eval(), x, 6, 0.2, monkeypatch)
    values = iv.VarGrad(samples=6, sigma=0.2)(net, x, iv.Logit(0)).values
    assert peer.max() > 1e-5
    torch.testing.assert_close(values, peer, rtol=1e-5, atol=1e-12)


def test_captum_loses_small_variances_beside_large_means(monkeypatch: pytest.MonkeyPatch) -> None:
    """E[m²] − E[m]² in single precision is rounding alone, and negative in places, where the mean is 1000."""
    x, module = images(1), Bowl(steep=1.0, slope=1000.0)
    copies = torch.stack(noisy_copies(x, 10, 0.01, seed=0)).double()
    expected = copies.var(0, correction=0)
    values = iv.VarGrad(samples=10, sigma=0.01, batch_size=3)(iv.Network(module, PIXELS), x, iv.Logit(0)).values
    torch.testing.assert_close(values.double(), expected, rtol=0.02, atol=1e-6)
    peer = captums(module, x, 10, 0.01, monkeypatch)
    assert peer.min() < 0
    assert (peer - expected).norm() > expected.norm()


def test_a_repeated_micro_batch_uses_the_same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network(SmallCNN()), images(1)
    expected = iv.VarGrad(samples=7)(net, x, iv.Logit(1)).values
    room_for(2, net.module, monkeypatch)
    torch.testing.assert_close(iv.VarGrad(samples=7)(net, x, iv.Logit(1)).values, expected)


def test_progress_counts_the_samples() -> None:
    heard = []
    with listening(lambda *news: heard.append(news[:3])):
        iv.VarGrad(samples=5, batch_size=4)(network(SmallCNN()), images(2), iv.Logit(0))
    assert heard == [("smoothing", done, 5) for done in (0, 2, 4, 5)]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"samples": 0}, "samples is a whole number, at least 1; got 0"),
        ({"sigma": -0.1}, "sigma is a number, at least 0 and at most 1; got -0.1"),
        ({"batch_size": 0}, "batch_size is a whole number, at least 1, or None; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.errors.SettingError) as refusal:
        iv.VarGrad(**settings)(network(SmallCNN()), images(), iv.Logit(1))
    assert str(refusal.value) == sentence
