"""Synthesis on networks whose best picture is known, and what it promises."""

import gc
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.network.seen import Seen
from innerview.progress import listening
from innerview.results.provenance import plain
from innerview.synthesis.canvas import Fourier, Pixels
from innerview.synthesis.magnitude import MagnitudeConstrained
from innerview.synthesis.priors import L1, L2
from innerview.synthesis.recipe import CLEAR, LECTURE, LUCID, MACO, Recipe
from innerview.synthesis.synthesize import synthesize
from innerview.synthesis.transforms import Crops, Transforms
from planted import GREY_INPUT, INPUT, PLAIN, planted, templates
from small_networks import SmallCNN, TinyViT, network
from trouble import room_for

FAST = replace(LUCID, steps=4)


def test_between_black_and_white_the_best_picture_is_the_sign_of_the_template() -> None:
    wanted = templates()
    found = synthesize(planted(wanted), [iv.Logit(k) for k in range(3)], recipe=PLAIN)
    torch.testing.assert_close(found.pixels, (wanted > 0).double(), atol=1e-12, rtol=0)
    best = INPUT.normalise((wanted > 0).double())
    torch.testing.assert_close(found.scores, (best * wanted).sum((1, 2, 3)))


def test_with_l2_the_best_picture_is_the_template_itself() -> None:
    """max w·x − λ‖x‖² is at x = w / 2λ."""
    wanted = 0.2 * templates(2)
    recipe = replace(PLAIN, priors=(L2(0.5),), steps=100, learning_rate=0.02)
    found = synthesize(planted(wanted), [iv.Logit(0), iv.Logit(1)], recipe=recipe)
    torch.testing.assert_close(INPUT.normalise(found.pixels), wanted, atol=0.02, rtol=0)


def test_with_l1_only_what_pays_differs_from_the_mean_colour() -> None:
    """max w·x − λ‖x‖₁ is at the bounds where |w| > λ, and at 0 elsewhere."""
    wanted = templates(1)
    recipe = replace(PLAIN, priors=(L1(0.7),), steps=100, learning_rate=0.04)
    found = INPUT.normalise(synthesize(planted(wanted), iv.Logit(0), recipe=recipe).pixels)
    clear = (wanted.abs() - 0.7).abs() > 0.1
    expected = torch.where(wanted.abs() > 0.7, INPUT.normalise((wanted > 0).double()), 0.0)
    torch.testing.assert_close(found[clear], expected[clear], atol=0.2, rtol=0)


def test_a_fourier_canvas_finds_the_template_too() -> None:
    wanted = templates(2, 1, seed=5)
    found = synthesize(planted(wanted), [iv.Logit(0), iv.Logit(1)], recipe=Recipe(canvas=Fourier(), steps=60))
    for image, template in zip(found.pixels, wanted, strict=True):
        assert torch.corrcoef(torch.stack([image.flatten(), template.flatten()]))[0, 1] > 0.8
        assert ((image > 0.5) == (template > 0)).double().mean() > 0.85


def test_a_canvas_of_fixed_magnitudes_finds_the_templates_phases() -> None:
    """Where the template has energy; of a linear unit, the best phase is the template's."""
    wanted = templates(1, 1)
    recipe = Recipe(canvas=MagnitudeConstrained(), optimizer="nadam", learning_rate=0.2, steps=80)
    found = synthesize(planted(wanted), iv.Logit(0), recipe=recipe)
    logits = torch.fft.rfft2(found.pixels.logit())[0, 0]
    goal = torch.fft.rfft2(wanted)[0, 0]
    inner = (slice(None), slice(1, -1))
    weight = (logits[inner].abs() * goal[inner].abs()).square()
    likeness = torch.cos(logits[inner].angle() - goal[inner].angle())
    assert (weight * likeness).sum() / weight.sum() > 0.95


def test_a_unit_of_the_first_layer_shows_its_filter() -> None:
    """At one position: the sign of the kernel in its field, the start elsewhere."""
    net = network(SmallCNN())
    kernel = net.module.conv1.weight.detach()
    found = synthesize(net, iv.Neuron("conv1", 2, (3, 4)), recipe=PLAIN)
    field = found.pixels[0, :, 2:5, 3:6]
    torch.testing.assert_close(field, (kernel[2] > 0).float())
    outside = torch.ones(8, 8, dtype=torch.bool)
    outside[2:5, 3:6] = False
    assert found.pixels[0][:, outside].max() < 0.1


def test_differences_and_sums_of_objectives_are_climbed() -> None:
    wanted = templates()
    found = synthesize(planted(wanted), iv.Logit(0) - 2 * iv.Logit(1), recipe=PLAIN)
    torch.testing.assert_close(found.pixels[0], (wanted[0] - 2 * wanted[1] > 0).double(), atol=1e-12, rtol=0)


def test_the_curve_rises_to_the_score() -> None:
    found = synthesize(planted(templates()), [iv.Logit(0), iv.Logit(2)], recipe=PLAIN)
    assert (found.curve.diff(dim=0) >= -1e-9).all()
    assert found.curve.shape == (60, 2)
    torch.testing.assert_close(found.curve[-1], found.scores)


@pytest.mark.parametrize("recipe", [CLEAR, LUCID, LECTURE, MACO])
def test_every_recipe_raises_the_objective(recipe: Recipe) -> None:
    net = network(SmallCNN())
    why = [iv.Logit(1), iv.Channel("conv2", 3), iv.LayerEnergy("conv2")]
    found = synthesize(net, why, recipe=recipe, steps=15)
    first = synthesize(net, why, recipe=recipe, steps=1)
    assert (found.scores > first.scores).all()
    assert found.alive.all()
    assert found.pixels.shape == (3, 3, 8, 8)
    assert 0 <= found.pixels.min() < found.pixels.max() <= 1


def double(module: nn.Module) -> iv.Network:
    """In double precision rounding has no time to grow."""
    net = network(module)
    return iv.Network(net.module.double(), net.preprocess)


@pytest.mark.parametrize("recipe", [LUCID, LECTURE, replace(MACO, views=Crops(views=2, noise=0.1))])
def test_a_batch_is_a_loop_of_singles(recipe: Recipe) -> None:
    net, why = double(SmallCNN()), [iv.Logit(0), iv.Channel("conv2", 1), iv.Neuron("conv1", 2) - iv.Logit(3)]
    recipe = replace(recipe, steps=5)
    together = synthesize(net, why, recipe=recipe, seed=3)
    apart = [synthesize(net, each, recipe=recipe, seed=3) for each in why]
    torch.testing.assert_close(together.pixels, torch.cat([each.pixels for each in apart]))
    torch.testing.assert_close(together.scores, torch.cat([each.scores for each in apart]))
    torch.testing.assert_close(together.curve, torch.cat([each.curve for each in apart], 1))


def test_the_second_start_is_the_first_of_the_next_seed() -> None:
    net, why = double(SmallCNN()), [iv.Logit(0), iv.Logit(1)]
    starts = synthesize(net, why, recipe=FAST, seed=5, starts=2)
    for seed, rows in ((5, [0, 2]), (6, [1, 3])):
        torch.testing.assert_close(starts.pixels[rows], synthesize(net, why, recipe=FAST, seed=seed).pixels)
    assert starts.provenance.objective == ("class 0", "class 0", "class 1", "class 1")


def test_the_same_seed_gives_the_same_pictures_and_another_one_others() -> None:
    net = network(SmallCNN())
    first, again = (synthesize(net, iv.Logit(1), recipe=FAST) for _ in range(2))
    assert torch.equal(first.pixels, again.pixels)
    assert first.provenance == again.provenance
    assert not torch.allclose(synthesize(net, iv.Logit(1), recipe=FAST, seed=1).pixels, first.pixels)


def test_when_memory_runs_out_the_batch_is_halved_and_the_pictures_are_the_same(monkeypatch) -> None:
    net, why = double(SmallCNN()), [iv.Logit(k) for k in range(5)]
    expected = synthesize(net, why, recipe=FAST).pixels
    room_for(2, net.module, monkeypatch)
    torch.testing.assert_close(synthesize(net, why, recipe=FAST).pixels, expected)


def test_snapshots_are_the_pictures_of_shorter_climbs() -> None:
    net = network(SmallCNN())
    found = synthesize(net, iv.Logit(1), recipe=LUCID, steps=6, snapshots=(4, 1, 6))
    assert found.moments == (1, 4, 6)
    for number, moment in enumerate(found.moments):
        shorter = synthesize(net, iv.Logit(1), recipe=LUCID, steps=moment)
        torch.testing.assert_close(found.snapshots[number], shorter.pixels)
    assert len(synthesize(net, iv.Logit(1), recipe=FAST).snapshots) == 0


def test_the_pass_stops_at_the_deepest_layer_and_no_parameter_gets_a_gradient() -> None:
    net = network(SmallCNN())
    net.layers(torch.zeros(1, 3, 20, 20))
    net.layers()
    net.module.conv2.register_forward_hook(lambda *_: pytest.fail("ran too far"))
    found = synthesize(net, iv.Channel("conv1", 0), recipe=FAST)
    assert found.alive.all()
    assert all(each.grad is None for each in net.module.parameters())


def test_networks_of_one_size_are_shown_no_more_than_they_take() -> None:
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))
    framed = replace(FAST, views=Transforms(pad=1 / 4, jitter=(1 / 8, 1 / 8)))
    assert framed.views.seen((8, 8), (8, 8)) == (10, 10)
    found = synthesize(net, iv.Logit(2), recipe=framed)
    assert found.scores > found.curve[0]
    assert found.provenance.settings["views"]["keep"]
    assert synthesize(network(TinyViT()), iv.Channel("block", 3), recipe=framed).alive.all()


def test_a_grey_network_and_one_of_four_channels_have_pictures_too() -> None:
    for channels in (1, 4):
        colours = iv.Preprocess(size=8, mean=(0.5,) * channels, std=(0.25,) * channels)
        net = iv.Network(network(SmallCNN(channels)).module, colours)
        found = synthesize(net, iv.Logit(1), recipe=PLAIN, steps=15)
        assert found.pixels.shape == (1, channels, 8, 8)
        assert found.scores > found.curve[0]
        assert synthesize(net, iv.Logit(1), recipe=FAST).alive.all()


def test_it_starts_from_an_image() -> None:
    """With a step of zero it stays that image."""
    net = planted(templates(1, 1))
    image = GREY_INPUT.normalise(0.1 + 0.8 * torch.rand(1, 1, 8, 8, dtype=torch.float64))
    still = Recipe(canvas=Fourier(image=image), learning_rate=0.0, steps=2)
    found = synthesize(net, iv.Logit(0), recipe=still)
    torch.testing.assert_close(found.pixels, GREY_INPUT.display(image))
    torch.testing.assert_close(found.scores, net.logits(image)[:, 0])
    assert found.provenance.settings["canvas"]["image"] == plain(image)


def test_half_precision_and_other_gradient_modes_work() -> None:
    net = network(SmallCNN())
    expected = synthesize(net, iv.Logit(1), recipe=FAST).pixels
    with torch.inference_mode():
        assert torch.equal(synthesize(net, iv.Logit(1), recipe=FAST).pixels, expected)
    half = iv.Network(net.module.to(torch.bfloat16), net.preprocess)
    found = synthesize(half, iv.Logit(1), recipe=FAST)
    assert found.pixels.dtype == torch.float32
    assert torch.cosine_similarity((found.pixels - 0.5).flatten(), (expected - 0.5).flatten(), dim=0) > 0.9


def test_memory_does_not_grow_with_the_steps() -> None:
    alive = []

    def count(task: str, done: int, total: int, words: str) -> None:
        if done not in (2, 5, 8):
            return
        gc.collect()
        alive.append(sum(issubclass(type(each), Tensor) for each in gc.get_objects()))

    with listening(count):
        synthesize(network(SmallCNN()), iv.Logit(1), recipe=FAST, steps=8)
    assert alive[2] - alive[1] <= alive[1] - alive[0] <= 3  # one number for each step: the curve


def test_progress_is_heard_for_every_picture_and_step() -> None:
    heard = []
    with listening(lambda *what: heard.append(what)):
        found = synthesize(network(SmallCNN()), [iv.Logit(0), iv.Logit(1)], recipe=FAST)
    assert [what[:3] for what in heard] == [("synthesizing", done, 8) for done in (0, 2, 4, 6, 8)]
    assert [what[3] for what in heard[1:]] == [
        f"objective {low:.3g} to {high:.3g}" for low, high in zip(*found.curve.aminmax(dim=1), strict=True)
    ]


def test_a_result_survives_saving(tmp_path) -> None:
    net = network(SmallCNN(), labels=["ox", "gnu", "elk", "cow", "yak"])
    result = synthesize(net, [iv.Logit("gnu"), iv.Channel("conv2", 0)], recipe=MACO, steps=3, snapshots=(1, 2))
    result.save(tmp_path / "found.safetensors")
    again = iv.read(tmp_path / "found.safetensors")
    for name in ("pixels", "scores", "curve", "alive", "snapshots"):
        assert torch.equal(getattr(again, name), getattr(result, name))
    assert again.moments == (1, 2)
    assert again.provenance == result.provenance
    assert again.objective(0) == "gnu"
    settings = again.provenance.settings
    assert (settings["steps"], settings["seed"], settings["optimizer"]) == (3, 0, "nadam")
    assert settings["views"]["name"] == "Crops"
    assert settings["canvas"] == {"name": "MagnitudeConstrained", "size": None, "image": None, "spectrum": None}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"steps": 0}, "steps is a whole number, at least 1; got 0"),
        ({"starts": 0}, "starts is a whole number, at least 1; got 0"),
        ({"snapshots": (0, 9), "steps": 9}, "snapshots are numbers of steps from 1 to 9; got [0, 9]"),
        ({"snapshots": (10,), "steps": 9}, "snapshots are numbers of steps from 1 to 9; got [10]"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        synthesize(network(SmallCNN()), iv.Logit(0), **settings)
    assert str(refused.value) == sentence


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"optimizer": "sgd"}, 'optimizer is "adam" or "nadam"; got \'sgd\''),
        ({"learning_rate": -1.0}, "learning_rate is a number, at least 0; got -1.0"),
    ],
)
def test_a_recipe_outside_its_range_is_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(iv.InnerviewError) as refused:
        Recipe(**settings)
    assert str(refused.value) == sentence


def test_questions_that_cannot_be_asked_are_refused() -> None:
    net = network(SmallCNN())
    with pytest.raises(iv.InnerviewError) as refused:
        synthesize(net, [])
    assert str(refused.value) == "ask for at least one objective; the list is empty"
    with pytest.raises(iv.InnerviewError, match="this network has classes 0 to 4; got 99"):
        synthesize(net, iv.Logit(99))
    with pytest.raises(iv.InnerviewError, match="no layer 'conv9'"):
        synthesize(net, iv.Channel("conv9", 0))


class Brightness(iv.Objective):
    reads_output = True

    def __call__(self, seen: Seen) -> Tensor:
        return seen.output.mean((1, 2, 3))

    def describe(self, net: iv.Network) -> str:
        return "brightness of the output"


def test_an_image_to_image_network_is_asked_about_its_image() -> None:
    """Of a network that turns its image upside down and inverts it, the brightest output comes from black."""
    found = synthesize(iv.Network(Inverting(), INPUT), Brightness(), recipe=PLAIN)
    torch.testing.assert_close(found.pixels, torch.zeros(1, 3, 8, 8), atol=1e-6, rtol=0)
    assert found.provenance.objective == ("brightness of the output",)


class Inverting(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return -x.flip(2)


class Detached(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach().mean((2, 3))


class Exploding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x).sqrt().sum((2, 3))


def test_a_network_without_a_usable_gradient_is_refused() -> None:
    with pytest.raises(iv.MethodError, match="the question has no gradient at input of Detached"):
        synthesize(iv.Network(Detached(), iv.Preprocess(8)), iv.Logit(0), recipe=FAST)
    with pytest.raises(iv.MethodError) as refused:
        synthesize(iv.Network(Exploding(), iv.Preprocess(8)), iv.Logit(0), recipe=FAST)
    assert str(refused.value) == (
        "the gradient of Exploding holds NaN or infinity; climb it in single precision: Network(module.float(), …), "
        "or with a smaller learning_rate"
    )


def test_a_clear_picture_is_seen_in_its_own_size() -> None:
    """Also by networks that take no other, without changing the recipe."""
    assert CLEAR.views.seen((224, 160), (64, 64)) == (224, 160)
    net = network(nn.Sequential(nn.Flatten(), nn.Linear(192, 5)))
    found = synthesize(net, iv.Logit(2), steps=4)
    assert found.provenance.settings["views"]["keep"] is False


def test_a_lecture_is_pixels_seen_as_they_are() -> None:
    assert LECTURE.canvas == Pixels()
    assert LECTURE.views == Transforms()
    assert (LECTURE.optimizer, LECTURE.learning_rate, LECTURE.steps, LECTURE.canvas.noise) == ("adam", 0.1, 250, 0.01)
