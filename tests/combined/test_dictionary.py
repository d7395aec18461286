"""A position looked up: its units, their contributions, pictures and projections."""

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from innerview.combined.dictionary import semantic_dictionary
from innerview.errors import MethodError, SettingError
from innerview.synthesis.canvas import Pixels
from innerview.synthesis.recipe import Recipe
from small_networks import PIXELS, SmallCNN, TinyViT, images, network

PLAIN = Recipe(canvas=Pixels(), learning_rate=0.1, steps=20)


class Whole(nn.Module):
    """Three products of the whole image with known templates, and classes that are weighted sums of them."""

    def __init__(self) -> None:
        super().__init__()
        self.look, self.fc = nn.Conv2d(3, 3, 8, bias=False), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.look(x).flatten(1))


def test_of_a_linear_layer_everything_is_known() -> None:
    """Pictures are white where the template is positive, projections the templates, contributions weights · values."""
    net = network(Whole().double())
    template, weight = net.module.look.weight.detach(), net.module.fc.weight.detach()
    x = template[[0]] + 0.5 * template[[1]] - template[[2]]
    values = (template * x).sum((1, 2, 3))
    found = semantic_dictionary(net, x, "look", objective=iv.Logit(1), recipe=PLAIN, power=0.0)
    assert found.units.tolist() == [0, 1]
    assert found.position == (0, 0)
    assert found.alive.all()
    torch.testing.assert_close(found.activations, values[:2])
    torch.testing.assert_close(found.contributions, weight[1, :2] * values[:2])
    torch.testing.assert_close(found.contribution, weight[1] @ values)
    torch.testing.assert_close(found.score, weight[1] @ values + net.module.fc.bias[1].detach())
    torch.testing.assert_close(found.pixels, (template[:2] > 0).double(), atol=1e-12, rtol=0)
    slope = (values[:, None, None, None] * template).sum(0)
    torch.testing.assert_close(found.whole, (slope > 0).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(found.projections, template[:2])
    assert found.provenance.settings["project"] == "gradient"  # there is no ReLU
    assert found.provenance.objective == ("class 1",)


@pytest.mark.parametrize(
    ("project", "method"),
    [("guided", iv.GuidedBackprop()), ("deconvolution", iv.Deconvolution()), ("gradient", iv.Gradient())],
)
def test_each_unit_is_projected_by_the_rule_asked_for(project: str, method: iv.Method) -> None:
    net, x = network(SmallCNN()), images(1)
    found = semantic_dictionary(net, x, "conv2", (1, 2), project=project, units=2, recipe=PLAIN, steps=2)
    asked = [iv.Neuron("conv2", unit, (1, 2)) for unit in found.units.tolist()]
    torch.testing.assert_close(found.projections, torch.cat([method(net, x, each).values for each in asked]))
    assert found.projections.any()
    assert found.provenance.settings["project"] == project


def test_the_strongest_units_come_first_and_silent_ones_not_at_all() -> None:
    net, x = network(SmallCNN()), images(1)
    found = semantic_dictionary(net, x, "conv2", (1, 2), units=6, recipe=PLAIN, steps=1)
    there = iv.activations(net, x, ["conv2"])["conv2"][0, :, 1, 2]
    assert 0 < len(found) == int((there > 0).sum()) < 6
    assert found.units.tolist() == there.argsort(descending=True)[: len(found)].tolist()
    assert len(semantic_dictionary(net, x, "conv2", (1, 2), units=1, recipe=PLAIN, steps=1)) == 1


def test_of_units_at_the_cap_those_that_contribute_most_come_first() -> None:
    module = nn.Sequential(Whole().look, nn.ReLU6(), nn.Flatten(), nn.Linear(3, 2)).double()
    net = network(module)
    with torch.no_grad():
        module[3].weight[0] = torch.tensor([0.1, -3.0, 2.0])
    x = 100 * module[0].weight.detach().sum(0, keepdim=True)
    found = semantic_dictionary(net, x, "1", objective=iv.Logit(0), recipe=PLAIN, steps=1, units=2)
    assert found.activations.tolist() == [6, 6]
    assert found.units.tolist() == [1, 2]
    assert not found.projections.any()


def test_the_pictures_are_those_of_the_channels_and_of_the_direction() -> None:
    net, x = network(SmallCNN()), images(1)
    found = semantic_dictionary(net, x, "conv2", (1, 2), units=1, recipe=PLAIN, steps=5, seed=3, power=1.5)
    there = tuple(iv.activations(net, x, ["conv2"])["conv2"][0, :, 1, 2].tolist())
    alone = [
        iv.synthesize(net, each, recipe=PLAIN, steps=5, seed=3).pixels[0]
        for each in (iv.Channel("conv2", int(found.units[0])), iv.Direction("conv2", there, power=1.5))
    ]
    torch.testing.assert_close(torch.stack([found.pixels[0], found.whole]), torch.stack(alone), atol=1e-5, rtol=0)


def test_by_default_the_position_that_contributes_most_is_looked_up() -> None:
    net, x = network(SmallCNN()), images(1)
    found = semantic_dictionary(net, x, "relu", objective=iv.Logit(0), recipe=PLAIN, steps=1)
    cam = iv.HiResCAM(layer="relu", relu=False)(net, x, iv.Logit(0)).values[0, 0]
    assert float(cam[found.position]) == float(cam.max()) == pytest.approx(float(found.contribution))
    assert found.grid == (4, 4)
    assert found.field is not None


def test_a_token_is_looked_up_at_its_place() -> None:
    net, x = network(TinyViT()), images(1)
    found = semantic_dictionary(net, x, "block", (1, 0), units=2, recipe=PLAIN, steps=1)
    token = iv.activations(net, x, ["block"])["block"][0, 3]
    torch.testing.assert_close(found.activations, token.sort(descending=True).values[:2])
    assert found.grid == (2, 2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"units": 0}, "units is a whole number, at least 1; got 0"),
        ({"project": "lrp"}, 'project is "guided", "deconvolution" or "gradient"; got \'lrp\''),
        ({"position": (4, 4)}, "layer 'conv2' has 4 × 4 positions, (0, 0) to (3, 3); got (4, 4)"),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
def test_a_mistake_is_refused(settings: dict, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        semantic_dictionary(network(SmallCNN()), images(1), "conv2", recipe=PLAIN, **settings)
    assert str(refused.value) == sentence


def test_a_silent_position_is_refused() -> None:
    module = SmallCNN()
    net = iv.Network(module, PIXELS)
    with torch.no_grad():
        module.conv2.weight.zero_()
        module.conv2.bias.fill_(-1)
    with pytest.raises(MethodError) as refused:
        semantic_dictionary(net, images(1), "conv2", (0, 1), objective=iv.Channel("conv2", 0), recipe=PLAIN)
    assert str(refused.value) == (
        "no unit of layer 'conv2' is above zero at position (0, 1), so there is nothing to look up; "
        "ask for another position"
    )
