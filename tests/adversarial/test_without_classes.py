"""Attacks on networks that give no class scores: any objective can be lowered, of any network."""

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD, GradientAscent, PlainAscent
from innerview.adversarial.method import AttackMethod
from innerview.combined.shift import shift
from innerview.network.seen import Seen
from innerview.show.sheets.attack import attack_sheet
from reading import outside, words
from small_networks import PIXELS


class Brightness(iv.Objective):
    """Of the image that an image-to-image network gives."""

    reads_output = True

    def __call__(self, seen: Seen) -> Tensor:
        return seen.output.flatten(1).mean(1)

    def describe(self, net: iv.Network) -> str:
        return "brightness of the output"


class Doubling(nn.Module):
    """Gives its image, twice as bright; of these shapes: an image, an embedding at one position, one of tokens."""

    def __init__(self, shape: str) -> None:
        super().__init__()
        self.shape, self.look = shape, nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.look.weight.copy_(2 * torch.eye(3)[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        x = self.look(x)
        return {"image": x, "embedding": x.mean((2, 3), keepdim=True), "tokens": x.flatten(2).mT}[self.shape]


METHODS = [GradientAscent(0.01, steps=4), PlainAscent(0.3, steps=4), FGSM(0.04), PGD(0.04, steps=4, start="image")]


def shown() -> Tensor:
    return 0.2 + 0.6 * torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("shape", ["image", "embedding", "tokens"])
@pytest.mark.parametrize("method", METHODS, ids=lambda each: type(each).__name__)
def test_the_brightness_of_the_output_falls_by_twice_that_of_the_image(shape: str, method: AttackMethod) -> None:
    net, x = iv.Network(Doubling(shape), PIXELS), shown()
    found = attack(net, x, method, objective=Brightness())
    torch.testing.assert_close(-found.raised[:, 0], 2 * x.mean((1, 2, 3)))
    torch.testing.assert_close(-found.raised[:, -1], 2 * found.after.mean((1, 2, 3)))
    assert found.success.all()
    assert found.steps.tolist() == [method.rounds] * 3
    assert found.difference.abs().max() > 1e-3
    assert (found.classes, found.confidences, found.names, found.history(0)) == (None, None, {}, [])
    assert found.provenance.objective == ("less of brightness of the output",) * 3


def test_a_layer_of_it_is_lowered_too() -> None:
    net, x = iv.Network(Doubling("image"), PIXELS), shown()
    found = attack(net, x, FGSM(0.04), objective=[iv.Channel("look", 0), iv.Channel("look", 1), iv.LayerEnergy("look")])
    torch.testing.assert_close(-found.raised[0, -1], 2 * (x[0, 0].mean() - 0.04))
    assert found.difference[0, 1:].abs().max() == 0
    assert found.success.all()


def test_what_is_about_classes_is_refused() -> None:
    net, x = iv.Network(Doubling("image"), PIXELS), shown()
    for goal in ({}, {"target": 1}, {"objective": 0}):
        with pytest.raises(iv.InnerviewError, match=r"class scores are \[batch, class\]; this network gives"):
            attack(net, x, PGD(), **goal)
    with pytest.raises(iv.MethodError, match="DeepFool looks for the nearest other class"):
        attack(net, x, DeepFool(), objective=Brightness())
    found = attack(net, x, FGSM(), objective=Brightness())
    for after in (lambda: iv.sphere(net, x, found), lambda: shift(net, found, iv.Gradient())):
        with pytest.raises(iv.MethodError) as refused:
            after()
        assert str(refused.value) == (
            "Doubling gives no class scores, so there is no class that an image had before the attack; ask about an "
            "objective, as the attack did"
        )
    moved = shift(net, found, iv.Gradient(), Brightness())
    assert moved.similarity.tolist() == pytest.approx([1, 1, 1])


def test_it_is_saved_and_read(tmp_path) -> None:
    net = iv.Network(Doubling("image"), PIXELS)
    found = attack(net, shown(), FGSM(0.04), objective=Brightness())
    found.save(tmp_path / "found.safetensors")
    again = iv.read(tmp_path / "found.safetensors")
    assert (again.classes, again.confidences, again.names) == (None, None, {})
    assert torch.equal(again.after, found.after)


def test_its_sheet_shows_the_score_after_each_step() -> None:
    net = iv.Network(Doubling("image"), PIXELS)
    found = attack(net, shown()[:1], GradientAscent(0.01, steps=4), objective=Brightness())
    drawn = attack_sheet(found)
    scores = (-found.raised[0]).tolist()
    text = words(drawn)
    assert {"score", f"{scores[0]:.3g}", f"{scores[-1]:.3g} after 4 steps", "Score after each step"} <= set(text)
    (curve,) = [axes for axes in drawn.axes if axes.lines]
    assert curve.lines[0].get_ydata() == pytest.approx(scores)
    assert not outside(drawn)
