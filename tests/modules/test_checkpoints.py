"""Networks that compute again on the way back what they forgot."""

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import save_on_cpu
from torch.utils.checkpoint import checkpoint

import innerview as iv
from innerview.errors import MethodError
from small_networks import SmallCNN, images, network


class Forgetting(SmallCNN):
    """Its features are computed again on the way back."""

    def __init__(self, *, reentrant: bool = False) -> None:
        super().__init__()
        self.reentrant = reentrant

    def features(self, x: Tensor) -> Tensor:
        return checkpoint(super().features, x, use_reentrant=self.reentrant)


METHODS = [iv.Gradient(), iv.GuidedBackprop(), iv.IntegratedGradients(points=3), iv.SmoothGrad(samples=2)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_gradients_are_those_without_checkpoints(method: iv.Method) -> None:
    x = images()
    forgetting, plain = (method(network(each), x, iv.Logit(1)).values for each in (Forgetting(), SmallCNN()))
    torch.testing.assert_close(forgetting, plain)


def test_gradients_cannot_start_inside_them() -> None:
    net, x = network(Forgetting()), images()
    with pytest.raises(MethodError) as caught:
        iv.GradCAM(layer="norm")(net, x, iv.Logit(1))
    assert str(caught.value) == (
        "gradients cannot start within what Forgetting forgets and computes again (torch.utils.checkpoint); name a "
        "layer outside, or switch its checkpointing off"
    )


def test_lrp_refuses_them() -> None:
    with pytest.raises(MethodError) as caught:
        iv.LRP()(network(Forgetting()), images(), iv.Logit(1))
    assert str(caught.value) == (
        "LRP needs each value as it was computed, and Forgetting forgets some and computes them again "
        "(torch.utils.checkpoint); switch its checkpointing off"
    )


def test_other_hooks_of_the_user_are_back_afterwards() -> None:
    with pytest.raises(MethodError):
        iv.LRP()(network(Forgetting()), images(), iv.Logit(1))
    with save_on_cpu():
        assert iv.Gradient()(network(SmallCNN()), images(), iv.Logit(1)).finite


@pytest.mark.parametrize("view", ["gradient", "attack"])
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad=True")
def test_reentrant_checkpoints_are_refused(view: str) -> None:
    net, x = network(Forgetting(reentrant=True)), images().sigmoid()
    with pytest.raises(MethodError) as caught:
        iv.attack(net, x, iv.FGSM()) if view == "attack" else iv.Gradient()(net, x, iv.Logit(1))
    assert str(caught.value) == (
        "gradients with respect to the input do not pass checkpoints with use_reentrant=True, and Forgetting has some; "
        "give them use_reentrant=False, or switch its checkpointing off"
    )


def test_another_error_on_the_way_back_is_the_networks_own() -> None:
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, gradient: Tensor) -> Tensor:
            raise RuntimeError("mine")

    class Own(SmallCNN):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(Failing.apply(x))

    with pytest.raises(RuntimeError, match="mine"):
        iv.Gradient()(network(Own()), images(), iv.Logit(1))
