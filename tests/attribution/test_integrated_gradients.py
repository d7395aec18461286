"""Integrated gradients against closed forms, the axioms that define them, and Captum."""

import captum.attr
import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.progress import listening
from small_networks import PIXELS, SmallCNN, images, network
from trouble import room_for

LINE = iv.Preprocess(size=(1, 2), mean=(0.0,), std=(1.0,))
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
COLOURED = iv.Preprocess(size=8, mean=MEAN, std=STD)


class Cubic(nn.Module):
    """s = 2 x₁³ + x₁ x₂, on a row of two pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.two = nn.Parameter(torch.tensor(2.0))

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.flatten(1).T
        return (self.two * first**3 + first * second)[:, None]


class Late(nn.Module):
    """Model D: s = relu(relu(x₁) − 1 − relu(x₂))."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.flatten(1).T
        return (first.relu() - 1 - second.relu()).relu()[:, None]


class Early(nn.Module):
    """The same function where x₁, x₂ ≥ 0, in other operations: s = relu(relu(x₁ − 1) − relu(x₂))."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.flatten(1).T
        return ((first - 1).relu() - second.relu()).relu()[:, None]


class Smooth(SmallCNN):
    """Without kinks."""

    def features(self, x: Tensor) -> Tensor:
        return self.conv2(self.norm(self.conv1(x)).tanh()).tanh()


class Detached(SmallCNN):
    """Lets no gradient through."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def of_line(module: nn.Module, x: Tensor, **settings: object) -> iv.Attribution:
    return iv.IntegratedGradients(**{"baseline": 0.0, **settings})(iv.Network(module, LINE), x.float(), iv.Logit(0))


def in_double(kind: type[SmallCNN] = SmallCNN, preprocess: iv.Preprocess = PIXELS) -> iv.Network:
    return iv.Network(network(kind()).module.double(), preprocess)


@pytest.mark.parametrize("points", [2, 3, 32])
def test_of_a_cubic_the_values_are_the_closed_form_with_two_points_and_more(points: int) -> None:
    """From b, ∫ ∂₁s adds 2 (x₁³ − b₁³) of the cube, and of the product each factor's step times the other's mean."""
    (x1, x2), b = (1.5, -0.7), 0.25
    shared = (x1 - b) * (x2 + b) / 2
    expected = row(2 * (x1**3 - b**3) + shared, (x2 - b) * (x1 + b) / 2).float()
    result = of_line(Cubic(), row(x1, x2), baseline=b, points=points)
    torch.testing.assert_close(result.values, expected)
    assert not torch.allclose(of_line(Cubic(), row(x1, x2), baseline=b, points=1).values, expected, rtol=0.05)


@pytest.mark.parametrize("points", [1, 4, 25])
def test_equally_spaced_points_miss_a_square_by_its_closed_form(points: int) -> None:
    """Σₖ 2 x (k / n) x / n = x² (1 + 1 / n)."""

    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum((1, 2, 3))[:, None]

    x = row(3, -2).float()
    result = of_line(Square(), x, points=points, rule="riemann")
    torch.testing.assert_close(result.values, x**2 * (1 + 1 / points))
    torch.testing.assert_close(result.gap, torch.tensor([13 / points]))


@pytest.mark.parametrize("points", [2, 32])
@pytest.mark.parametrize("module", [Late(), Early()], ids=["late", "early"])
def test_model_d_and_its_twin_have_the_same_values(module: nn.Module, points: int) -> None:
    """The gradient is (1, −1) on the second half of the way, 0 on the first."""
    result = of_line(module, row(3, 1), points=points)
    torch.testing.assert_close(result.values, row(1.5, -0.5).float())
    torch.testing.assert_close(result.total, torch.ones(1))
    torch.testing.assert_close(result.gap, torch.zeros(1))


@pytest.mark.parametrize("rule", ["gauss-legendre", "riemann"])
def test_of_the_identity_each_pixel_has_its_own_difference(rule: str) -> None:
    x = row(0.9, 0.1).float()
    for pixel in range(2):
        net = iv.Network(nn.Flatten(), LINE)
        values = iv.IntegratedGradients(baseline=0.5, rule=rule, points=3)(net, x, iv.Logit(pixel)).values
        expected = torch.zeros_like(x)
        expected[..., pixel] = x[..., pixel] - 0.5
        torch.testing.assert_close(values, expected)


def test_one_equally_spaced_point_is_the_gradient_times_the_difference() -> None:
    net, x = network(SmallCNN()), images()
    values = iv.IntegratedGradients(baseline=0.3, points=1, rule="riemann")(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, iv.Gradient()(net, x, iv.Logit(1)).values * (x - 0.3))


def test_the_values_are_the_integral_along_a_dense_loop() -> None:
    """Simpson's rule over central differences of a smooth network, in double precision."""
    net, x, steps, h = in_double(Smooth), images(1).double(), 60, 1e-5
    module, start = net.module.eval(), torch.full_like(x, 0.2)
    weights = [1, *(4 if step % 2 else 2 for step in range(1, steps)), 1]
    values = iv.IntegratedGradients(baseline=0.2)(net, x, iv.Logit(2)).values
    for pixel in [(0, 2, 3), (1, 7, 0), (2, 4, 4)]:
        nudge = torch.zeros_like(x)
        nudge[0, *pixel] = h
        with torch.no_grad():
            on_way = torch.cat([start + step / steps * (x - start) for step in range(steps + 1)])
            slopes = (module(on_way + nudge)[:, 2] - module(on_way - nudge)[:, 2]) / (2 * h)
        integral = sum(weight * slope for weight, slope in zip(weights, slopes, strict=True)) / (3 * steps)
        torch.testing.assert_close(values[0, *pixel], integral * (x[0, *pixel] - 0.2), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("baseline", [0.0, 0.7, (1.0, 0.5, 0.0), "mean"])
def test_the_values_of_a_smooth_network_add_up_to_the_scores_rise(baseline: object) -> None:
    net, x = in_double(Smooth, COLOURED), images(3).double()
    result = iv.IntegratedGradients(baseline=baseline)(net, x, iv.Logit(2))
    if baseline == "mean":
        start = torch.stack([torch.stack([channel.mean().expand(8, 8) for channel in image]) for image in x])
    else:
        colour = (baseline,) * 3 if isinstance(baseline, float) else baseline
        prepared = [(value - mean) / std for value, mean, std in zip(colour, MEAN, STD, strict=True)]
        start = torch.tensor(prepared, dtype=torch.float64)[None, :, None, None].expand(3, 3, 8, 8)
    rise = net.logits(x)[:, 2] - net.logits(start)[:, 2]
    torch.testing.assert_close(result.total, rise)
    torch.testing.assert_close(result.values.sum((1, 2, 3)), rise, rtol=0, atol=1e-10)
    torch.testing.assert_close(result.gap, result.values.sum((1, 2, 3)) - result.total, rtol=0, atol=0)


def test_with_kinks_more_points_close_the_gap() -> None:
    net, x = in_double(), images(3).double()
    gaps = [iv.IntegratedGradients(points=n)(net, x, iv.Logit(2)).gap.abs().max() for n in (2, 128)]
    assert gaps[0] > 20 * gaps[1] > 0


def test_a_pixel_that_is_already_like_the_baseline_gets_nothing() -> None:
    net, x = network(SmallCNN()), images()
    x[:, :, 2:4, 5] = 0.4
    values = iv.IntegratedGradients(baseline=0.4)(net, x, iv.Logit(1)).values
    assert (values[:, :, 2:4, 5] == 0).all()
    assert (values[:, :, 4:6, 5] != 0).any()
    flat = iv.IntegratedGradients(baseline="mean")(net, torch.full((1, 3, 8, 8), 0.25), iv.Logit(1))
    assert not flat.values.any()
    assert not flat.total.any()


def test_inputs_may_have_any_number_of_channels() -> None:
    spectral = iv.Preprocess(size=8, mean=(0.1,) * 5, std=(0.5,) * 5)
    net = iv.Network(network(Smooth(channels=5)).module, spectral)
    x, colour = images(channels=5), (0.1, 0.3, 0.5, 0.7, 0.9)
    result = iv.IntegratedGradients(baseline=colour)(net, x, iv.Logit(1))
    start = ((torch.tensor(colour) - 0.1) / 0.5)[None, :, None, None].expand(2, 5, 8, 8)
    assert result.values.shape == (2, 5, 8, 8)
    torch.testing.assert_close(result.values.sum((1, 2, 3)), (net.logits(x) - net.logits(start))[:, 1])


def test_of_a_channel_before_any_nonlinearity_the_values_are_weight_times_difference() -> None:
    """With 1 × 1 filters, each pixel's share in a channel's mean is w (x − x′) / 64."""
    net = network(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5)))
    x = images()
    result = iv.IntegratedGradients(baseline=0.1)(net, x, iv.Channel("0", 2))
    expected = net.module[0].weight[2].detach() * (x - 0.1) / 64
    torch.testing.assert_close(result.values, expected)
    torch.testing.assert_close(result.total, expected.sum((1, 2, 3)))


@pytest.mark.parametrize("objective", [iv.LayerEnergy("conv1"), iv.LayerEnergy("norm") - 2 * iv.Channel("conv1", 1)])
def test_one_point_is_enough_for_the_energy_of_a_linear_layer(objective: iv.Objective) -> None:
    """The gradient of a square is linear on the way, so its mean is its value halfway."""
    result = iv.IntegratedGradients(points=1, baseline=0.3)(in_double(), images().double(), objective)
    assert result.total.abs().min() > 1e-3
    torch.testing.assert_close(result.gap, torch.zeros(2).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("objective", [iv.Probability(1), iv.Logit(0) * iv.Logit(3), iv.Neuron("conv2", 3, (1, 2))])
def test_any_objective_is_shared_out(objective: iv.Objective) -> None:
    result = iv.IntegratedGradients()(in_double(Smooth), images().double(), objective)
    assert result.total.abs().min() > 1e-4
    torch.testing.assert_close(result.gap, torch.zeros(2).double(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("rule", ["gauss-legendre", "riemann"])
@pytest.mark.parametrize("baseline", [0.2, "mean"])
def test_a_batch_is_a_loop_of_singles(rule: str, baseline: object) -> None:
    method = iv.IntegratedGradients(baseline=baseline, points=5, rule=rule)
    net, x = network(SmallCNN()), images(3)
    asked = [iv.Logit(0), iv.Channel("conv1", 1), iv.Logit(2) - iv.Neuron("conv2", 3)]
    together, apart = method(net, x, asked), [method(net, x[[i]], asked[i]) for i in range(3)]
    torch.testing.assert_close(together.values, torch.cat([each.values for each in apart]), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(together.total, torch.cat([each.total for each in apart]))


@pytest.mark.parametrize("batch_size", [1, 5, 8, None])
def test_the_batch_size_does_not_change_the_result(batch_size: int | None) -> None:
    net, x = network(SmallCNN()), images(2)
    expected = iv.IntegratedGradients(points=9, batch_size=100)(net, x, iv.Logit(1)).values
    values = iv.IntegratedGradients(points=9, batch_size=batch_size)(net, x, iv.Logit(1)).values
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_a_pass_holds_no_more_images_than_asked() -> None:
    net, sizes = network(SmallCNN()), []
    net.layers(images())
    net.module.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    iv.IntegratedGradients(points=7, batch_size=6)(net, images(2), iv.Channel("conv1", 1) + iv.Logit(1))
    assert sizes == [6, 6, 2, 2, 2]  # the way, then both ends for the total


def test_points_are_counted_once_when_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is halved and run again; the result is the same."""
    net, x = network(SmallCNN()), images(1)
    expected = iv.IntegratedGradients(points=9)(net, x, iv.Logit(1)).values
    room_for(2, net.module, monkeypatch)
    torch.testing.assert_close(iv.IntegratedGradients(points=9)(net, x, iv.Logit(1)).values, expected)


CAPTUM = {"gauss-legendre": "gausslegendre", "riemann": "riemann_right"}


@pytest.mark.parametrize("rule", CAPTUM)
@pytest.mark.parametrize("points", [2, 13])
def test_it_agrees_with_captum(rule: str, points: int) -> None:
    net, x, targets = network(SmallCNN()), images(3), [2, 0, 4]
    net = iv.Network(net.module, COLOURED)
    start = ((torch.tensor([1.0, 0.5, 0.0]) - torch.tensor(MEAN)) / torch.tensor(STD))[None, :, None, None]
    peer = captum.attr.IntegratedGradients(net.module.eval()).attribute(
        x, baselines=start.expand_as(x), target=targets, n_steps=points, method=CAPTUM[rule]
    )
    method = iv.IntegratedGradients(baseline=(1.0, 0.5, 0.0), points=points, rule=rule)
    torch.testing.assert_close(method(net, x, [iv.Logit(t) for t in targets]).values, peer, rtol=1e-4, atol=1e-6)


def test_captums_weights_are_single_precision_also_in_double() -> None:
    """So its values of a cubic, which the rule integrates exactly, miss the score's rise in the eighth digit."""
    x, module = row(1.5, -0.7), Cubic().double()
    rise = module(x)[0].detach()
    peer = captum.attr.IntegratedGradients(module).attribute(x, target=0, n_steps=7, method="gausslegendre").detach()
    ours = iv.IntegratedGradients(points=7, baseline=0.0)(iv.Network(module, LINE), x, iv.Logit(0))
    assert (peer.sum() - rise).abs() > 1e-9 * rise
    assert ours.gap.abs() < 1e-13 * rise
    torch.testing.assert_close(ours.total, rise)


def test_the_total_survives_saving(tmp_path) -> None:
    result = iv.IntegratedGradients(points=3, baseline=(0.1, 0.2, 0.3))(network(SmallCNN()), images(3), iv.Logit(1))
    result.save(tmp_path / "why.safetensors")
    again = iv.read(tmp_path / "why.safetensors")
    assert torch.equal(again.total, result.total)
    assert torch.equal(again.gap, result.gap)
    assert again.provenance.settings["baseline"] == [0.1, 0.2, 0.3]


def test_progress_counts_the_points() -> None:
    heard = []
    with listening(lambda *news: heard.append(news[:3])):
        iv.IntegratedGradients(points=5, batch_size=4)(network(SmallCNN()), images(2), iv.Logit(0))
    assert heard == [("integrating", done, 5) for done in (0, 2, 4, 5)]


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"baseline": "black"},
            'baseline is "mean" or "blur", or a number, at least 0 and at most 1, or a tuple of numbers, at least 0 '
            "and at most 1; got 'black'",
        ),
        ({"baseline": (0.0, 1.0)}, "a baseline's colour has one value per channel: 3 for this network; got 2"),
        ({"points": 0}, "points is a whole number, at least 1; got 0"),
        ({"rule": "simpson"}, 'rule is "gauss-legendre" or "riemann"; got \'simpson\''),
        ({"batch_size": 0}, "batch_size is a whole number, at least 1, or None; got 0"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.errors.SettingError) as refusal:
        iv.IntegratedGradients(**settings)(network(SmallCNN()), images(), iv.Logit(1))
    assert str(refusal.value) == sentence


def test_a_network_without_gradients_is_refused() -> None:
    with pytest.raises(iv.MethodError) as refusal:
        iv.IntegratedGradients()(network(Detached()), images(), iv.Logit(1))
    assert str(refusal.value) == (
        "the question has no gradient at input of Detached: it is read earlier in the network, or the forward pass "
        "detaches it. Ask about a later layer, or use a method without gradients (occlusion)"
    )
