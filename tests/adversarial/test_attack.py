"""What every attack promises, checked for each one on awkward networks."""

from collections.abc import Callable

import pytest
import torch
from linear_networks import linear, middling
from rounding import same_alone
from torch import Tensor, nn

import innerview as iv
from fingerprint import fingerprint
from innerview.adversarial.attack import attack
from innerview.adversarial.catalogue import ATTACKS
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent
from innerview.errors import ImageError, LabelError, MethodError, ObjectiveError, SettingError
from innerview.progress import listening
from small_networks import AWKWARD, OneConv, SmallCNN, network
from trouble import failing, lived_in

SETTINGS = {
    "gradientascent": {"step": 0.05, "steps": 5},
    "plainascent": {"step": 10.0, "steps": 5},
    "fgsm": {"epsilon": 0.15},
    "pgd": {"epsilon": 0.15, "steps": 4},
    "deepfool": {"steps": 6},
}
METHODS = {name: kind(**SETTINGS[name]) for name, kind in ATTACKS.items()}
PAIRS = [(method, kind) for method in METHODS for kind in AWKWARD]


def shown(count: int = 3, seed: int = 4) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_success_leaves_everything_as_it_was(method: str, kind: str) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), shown()
    before = fingerprint(net.module, x)
    attack(net, x, METHODS[method])
    assert fingerprint(net.module, x) == before


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("error", [RuntimeError("broken layer"), KeyboardInterrupt()])
@pytest.mark.parametrize(("method", "kind"), PAIRS)
def test_an_exception_passes_through_and_leaves_everything_as_it_was(
    method: str, kind: str, error: BaseException
) -> None:
    net, x = network(lived_in(AWKWARD[kind]())), shown()
    net.layers(x)
    with failing(net.module, error):
        before = fingerprint(net.module, x)
        with pytest.raises(type(error)):
            attack(net, x, METHODS[method])
        assert fingerprint(net.module, x) == before
    attack(net, x, METHODS[method])


GOALS = [(method, kind, {}) for method, kind in PAIRS] + [
    (method, "small", goal) for method in METHODS for goal in ({"target": 3}, {"objective": [0, 1, 2]})
]


@pytest.mark.parametrize(("method", "kind", "goal"), GOALS)
def test_a_batch_is_a_loop_of_singles(method: str, kind: str, goal: dict) -> None:
    same_alone(network(AWKWARD[kind]().double()), shown().double(), METHODS[method], **goal)


@pytest.mark.parametrize("method", METHODS)
def test_the_answers_written_down_are_those_of_the_network(method: str) -> None:
    net, x = linear(5), middling(8)
    result = attack(net, x, METHODS[method])
    for column, images in ((0, x), (-1, result.adversarial)):
        best = [ranking[0] for ranking in net.predict(images)]
        assert result.classes[:, column].tolist() == [each.index for each in best]
        assert result.confidences[:, column].tolist() == pytest.approx([each.probability for each in best], rel=1e-4)
    assert torch.equal(result.success, result.classes[:, -1] != result.classes[:, 0])
    assert result.success.any()


@pytest.mark.parametrize("method", METHODS)
def test_the_pixels_are_those_of_the_input(method: str) -> None:
    net, x = network(SmallCNN()), shown()
    net.preprocess = iv.Preprocess(size=8, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    result = attack(net, net.preprocess.normalise(x), METHODS[method])
    torch.testing.assert_close(result.before, x)
    torch.testing.assert_close(net.preprocess.display(result.adversarial), result.after)
    torch.testing.assert_close(result.difference, result.after - x)
    norms = result.difference.flatten(1).norm(dim=1)
    torch.testing.assert_close(result.distance, norms)
    torch.testing.assert_close(result.relative_distance, norms / x.flatten(1).norm(dim=1))


def test_an_image_that_has_succeeded_stops_there() -> None:
    """Taking only as many steps as it took gives the same image."""
    net, x = network(SmallCNN()), shown(8)
    method = GradientAscent(step=0.02, steps=15)
    result = attack(net, x, method)
    assert len(set(result.steps.tolist())) > 1
    for image in result.success.nonzero().flatten().tolist():
        taken = int(result.steps[image])
        short = attack(net, x, GradientAscent(step=0.02, steps=taken))
        torch.testing.assert_close(result.after[image], short.after[image])
        classes = [each.index for each in result.history(image)]
        assert len(classes) == taken + 1
        assert classes[0] != classes[-1]
        assert not attack(net, x, GradientAscent(step=0.02, steps=taken - 1)).success[image]


def test_the_batch_shrinks_as_images_succeed() -> None:
    net, x = network(SmallCNN()), shown(8)
    seen = []
    net.module.register_forward_hook(lambda module, given, scores: seen.append(len(scores)))
    result = attack(net, x, GradientAscent(step=0.02, steps=15))
    passes = [int((result.steps >= step).sum()) for step in range(16)]
    assert seen[1:] == [count for count in passes if count]  # after the pass that measures the layers
    assert seen[-1] < 8


def test_a_given_class_is_driven_away_from_and_an_image_that_is_not_in_it_stays() -> None:
    net, x = network(SmallCNN(), labels=["a", "b", "c", "d", "e"]), shown()
    best = net.logits(x).argmax(1)
    result = attack(net, x, PGD(0.1), objective=["abcde"[best[0]], int(best[1]), (int(best[2]) + 1) % 5])
    assert result.steps[2] == 0
    assert result.success[2]
    assert torch.equal(result.adversarial[2], x[2])
    assert result.provenance.objective[:1] == (f"away from {'abcde'[best[0]]}",)
    torch.testing.assert_close(result.after[:2], attack(net, x, PGD(0.1)).after[:2])
    assert torch.equal(attack(net, x, PGD(0.1), objective=best).after, attack(net, x, PGD(0.1)).after)


def test_a_target_is_reached_and_its_cross_entropy_falls() -> None:
    net, x = linear(5), middling()
    result = attack(net, x, PGD(0.1), target=3)
    assert result.success.all()
    assert result.steps.any()
    assert (result.classes[result.success, -1] == 3).all()
    expected = net.logits(result.adversarial).log_softmax(1)[:, 3]
    torch.testing.assert_close(result.raised[:, -1], expected, rtol=1e-4, atol=1e-5)
    assert (result.raised[:, -1] >= result.raised[:, 0]).all()
    assert result.provenance.objective == ("to class 3",) * 3


def test_an_objective_is_lowered_through_all_steps() -> None:
    net, x = network(SmallCNN()), shown()
    why = iv.LayerEnergy("conv2") + iv.Logit(0)
    result = attack(net, x, PGD(0.05, steps=6, start="image"), objective=why)
    assert result.steps.tolist() == [6, 6, 6]
    assert result.success.all()
    assert (result.raised[:, -1] > result.raised[:, 0]).all()
    each = attack(net, x, PGD(0.05, steps=6, start="image"), objective=[why, why, iv.Logit(1)])
    torch.testing.assert_close(each.after[:2], result.after[:2])
    assert each.provenance.objective[1:] == (f"less of {why.describe(net)}", "less of class 1")


def test_a_network_with_one_output_is_attacked_by_an_objective() -> None:
    net, x = network(SmallCNN(classes=1)), shown()
    result = attack(net, x, PGD(0.05), objective=iv.Logit(0))
    assert result.success.all()
    torch.testing.assert_close(result.confidences[:, -1], net.logits(result.adversarial)[:, 0].sigmoid())
    with pytest.raises(MethodError) as refused:
        attack(net, x, PGD())
    assert str(refused.value) == (
        "an attack on a class changes which one is most probable, and this network has a single score; "
        "lower that instead: objective=Logit(0)"
    )


@pytest.mark.parametrize("around", [torch.no_grad, torch.enable_grad, torch.inference_mode])
@pytest.mark.parametrize("method", METHODS)
def test_it_works_whatever_gradient_mode_is_on(method: str, around: Callable) -> None:
    net, x = network(SmallCNN()), shown()
    expected = attack(net, x, METHODS[method]).after
    with around():
        assert torch.equal(attack(net, x.clone(), METHODS[method]).after, expected)


@pytest.mark.parametrize("method", METHODS)
def test_precision_is_the_networks_and_pixels_are_single_at_least(method: str) -> None:
    net, x, how = network(SmallCNN()), shown(), METHODS[method]
    how = DeepFool(steps=2) if method == "deepfool" else how  # it ends where a lead counts, and that is by precision
    expected = attack(net, x, how)
    double = attack(iv.Network(network(SmallCNN()).module.double(), net.preprocess), x, how)
    assert (double.adversarial.dtype, double.after.dtype) == (torch.float64, torch.float64)
    torch.testing.assert_close(double.after.float(), expected.after, rtol=0, atol=1e-3)
    half = attack(iv.Network(network(SmallCNN()).module.bfloat16(), net.preprocess), x, how)
    assert (half.adversarial.dtype, half.after.dtype) == (torch.bfloat16, torch.float32)


class Detached(SmallCNN):
    """Keeps its gradients to itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach()


class NotANumber(nn.Module):
    """The root of zero has no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.mean((2, 3)) * 0).sqrt() + x.mean((2, 3))


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (
            Detached,
            "an attack follows the gradient from the answer back to the pixels, and in Detached there is none: its "
            "forward pass detaches it. Attack the network without the part that does so",
        ),
        (
            NotANumber,
            "the gradient of NotANumber holds NaN or infinity; attack it in single precision: "
            "Network(module.float(), …)",
        ),
    ],
)
def test_a_network_without_a_gradient_is_refused(module: type[nn.Module], sentence: str) -> None:
    with pytest.raises(MethodError) as refused:
        attack(network(module()), shown(), FGSM())
    assert str(refused.value) == sentence


def test_an_input_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ImageError) as refused:
        attack(network(OneConv()), torch.rand(1, 1, 4, 4), FGSM())
    assert str(refused.value) == (
        "an attack moves pixels, so the input has the channels of the preprocessing, 3; got 1. Say what a pixel of 0 "
        "and of 1 becomes: Network(module, Preprocess(…, mean=…, std=…)) with a number for each channel"
    )
    with pytest.raises(ImageError) as refused:
        attack(network(SmallCNN()), 4 * shown() - 1, FGSM())
    assert str(refused.value).startswith("an attack starts from pixels in 0–1; this input was made of pixels from -0.9")
    assert str(refused.value).endswith(
        "Prepare it with net.prepare, or say how it was made: Network(module, Preprocess(…, mean=…, std=…))"
    )


@pytest.mark.parametrize(
    ("goal", "error", "sentence"),
    [
        (
            {"objective": 1, "target": 2},
            SettingError,
            "an attack has one goal: give a target to reach, or an objective to destroy, not both",
        ),
        ({"target": 99}, ObjectiveError, "this network has classes 0 to 4; got 99"),
        ({"objective": 99}, ObjectiveError, "this network has classes 0 to 4; got 99"),
        ({"objective": iv.Logit(99)}, ObjectiveError, "this network has classes 0 to 4; got 99"),
        ({"target": [1.5] * 3}, ObjectiveError, "a class is given by its index or its name; got float"),
        (
            {"objective": [0, iv.Logit(1), 2]},
            ObjectiveError,
            "a class is given by its index or its name; got Logit",
        ),
        ({"target": [1, 2]}, ObjectiveError, "give one class for all images or one per image; got 2 for 3"),
        (
            {"objective": [iv.Logit(1)] * 2},
            ObjectiveError,
            "give one objective for all images or one per image; got 2 for 3",
        ),
        ({"target": "ox"}, LabelError, "SmallCNN has no class names, so ask for an index; got 'ox'"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_a_goal_that_does_not_fit_is_refused(goal: dict, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as refused:
        attack(network(SmallCNN()), shown(), FGSM(), **goal)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("method", METHODS)
def test_progress_is_heard_and_ends_at_the_total(method: str) -> None:
    heard = []
    with listening(lambda *what: heard.append(what)):
        result = attack(network(SmallCNN()), shown(), METHODS[method])
    total = 3 * METHODS[method].rounds
    assert heard[0] == ("attacking", 0, total, "")
    assert heard[-1] == ("attacking", total, total, f"goal reached by {int(result.success.sum())} of 3")


@pytest.mark.parametrize("kind", ATTACKS.values(), ids=ATTACKS)
def test_each_attack_says_where_it_is_from(kind: type) -> None:
    assert "Reference:" in kind.__doc__
