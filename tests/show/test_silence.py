"""A map that is zero everywhere says why, and where several would do the one that speaks is shown."""

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

import innerview as iv
from innerview.errors import MethodError
from innerview.show.page.section import Visit
from innerview.show.page.sections import classes, fragile, where
from innerview.show.page.speaking import first_that_speaks

SENTENCE = (
    "Grad-CAM is zero everywhere where its channels, each weighted by the mean of its gradient, speak against the "
    "answer at every position. Where a head flattens the grid, so that each position counts in its own way, that "
    "mean says little: HiResCAM and LayerCAM take the gradient at each position."
)
X = torch.tensor([[[[0.75, 0.25], [0.25, 0.25]]]])


def flattening() -> iv.Network:
    """The first class is the upper left pixel rather than the others: 2 · 0.75 − 3 · 0.25, by a mean weight below 0."""
    conv, head = nn.Conv2d(1, 1, 1, bias=False), nn.Linear(4, 2)
    with torch.no_grad():
        conv.weight.fill_(1)
        head.weight.copy_(torch.tensor([[2.0, -1, -1, -1], [0, 1, 0, 0]]))
        head.bias.zero_()
    return iv.Network(nn.Sequential(conv, nn.Flatten(), head), iv.Preprocess(size=2, mean=0, std=1), ["one", "other"])


def visit(net: iv.Network) -> Visit:
    return Visit(net, X, tuple(net.predict(X, 2)[0]), "")


def words(drawn: Figure) -> str:
    return " ".join(" ".join(text.get_text().split()) for text in drawn.texts)


def test_the_mean_gradient_of_a_head_that_flattens_may_say_nothing_where_the_gradient_says_all() -> None:
    net = flattening()
    assert not iv.GradCAM()(net, X, "one").values.any()
    assert iv.HiResCAM()(net, X, "one").values.flatten().tolist() == [1.5, 0, 0, 0]


def test_where_a_head_averages_both_are_the_same() -> None:
    module = nn.Sequential(nn.Conv2d(1, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    net = iv.Network(module, iv.Preprocess(size=2, mean=0, std=1))
    assert torch.equal(*(method(net, X, 0).values for method in (iv.GradCAM(relu=False), iv.HiResCAM(relu=False))))


def test_a_figure_says_why_a_map_is_zero_everywhere() -> None:
    net = flattening()
    silent, spoken = iv.GradCAM()(net, X, "one"), iv.HiResCAM()(net, X, "one")
    assert SENTENCE in words(iv.figure([silent, spoken]))
    assert SENTENCE not in words(iv.figure(spoken))
    both = iv.GradCAM()(net, torch.cat([X, X]), ["one", "other"])
    assert SENTENCE in words(iv.figure(both))
    assert SENTENCE not in words(iv.figure(both, images=[1]))


def test_the_page_says_it_beside_the_map() -> None:
    look = where.look(visit(flattening()), iv.GradCAM)
    assert look.tile
    assert look.tile.flaw == "zero everywhere"
    assert look.silence == SENTENCE
    assert where.look(visit(flattening()), iv.LayerCAM).silence == ""


def test_the_page_compares_classes_and_attacked_images_by_a_map_that_speaks() -> None:
    net = flattening()
    assert classes.rivals(visit(net)).method == "HiResCAM"
    found = iv.attack(net, X, iv.GradientAscent(step=0.01, steps=1))
    assert fragile.moved(visit(net), found).maps[0].title == "HiResCAM"


def test_where_none_speaks_it_is_the_first_that_applies_and_where_none_applies_the_last_ones_error() -> None:
    def ask(method: iv.Method) -> torch.Tensor:
        if isinstance(method, iv.CAM):
            raise MethodError("no")
        return torch.zeros(1, 2, 2) if isinstance(method, iv.GradCAM) else torch.zeros(1, 3, 3)

    assert first_that_speaks((iv.CAM(), iv.GradCAM(), iv.HiResCAM(), iv.CAM()), ask, list).shape == (1, 2, 2)
    with pytest.raises(MethodError, match="no"):
        first_that_speaks((iv.CAM(), iv.CAM()), ask, list)
