"""What class activation maps say to networks and questions that are not about class scores."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

import innerview as iv
from innerview.network.seen import Seen
from small_networks import SmallCNN, images, network


@dataclass(frozen=True)
class Brightness(iv.Objective):
    """The mean of an image that a network gives."""

    @property
    def reads_output(self) -> bool:
        return True

    def __call__(self, seen: Seen) -> torch.Tensor:
        return seen.output.mean((1, 2, 3))

    def describe(self, net: iv.Network) -> str:
        return "brightness"


@pytest.mark.parametrize("question", [Brightness(), iv.Logit(1)])
def test_a_network_that_gives_images_has_no_cam(question: iv.Objective) -> None:
    net = network(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)))
    assert iv.Gradient()(net, images(), Brightness()).values.any()
    with pytest.raises(iv.MethodError) as refusal:
        iv.CAM()(net, images(), question)
    assert str(refusal.value) == (
        "CAM explains class scores, [batch, class]; Sequential gives [2, 3, 8, 8]. GradCAM explains any question at "
        "any layer with a grid"
    )


def test_a_question_that_does_not_depend_on_the_scores_has_no_cam() -> None:
    with pytest.raises(iv.MethodError) as refusal:
        iv.CAM()(network(SmallCNN()), images(), iv.objectives.Constant(2.0))
    assert str(refusal.value) == "the question does not depend on the class scores of SmallCNN, so it has no CAM"
