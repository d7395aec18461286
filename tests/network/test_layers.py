"""The list of layers."""

import pytest
import torch
from torch.utils.checkpoint import checkpoint

import innerview as iv
from small_networks import Residual, SmallCNN, TinyViT, network


def test_layers_tell_kind_shape_parameters_and_calls() -> None:
    layers = {layer.name: layer for layer in network(SmallCNN()).layers()}
    assert list(layers) == ["conv1", "norm", "relu", "conv2", "drop", "fc"]
    assert (layers["conv1"].kind, layers["conv1"].output_shape) == ("Conv2d", (4, 8, 8))
    assert layers["conv2"].parameters == 6 * 4 * 9 + 6
    assert layers["fc"].output_shape == (5,)
    assert len(layers["relu"].finished) == 2
    assert [name for name, layer in layers.items() if layer.cam] == ["relu"]


class TwoHeads(TinyViT):
    """Which of its outputs are the class scores nobody has said."""

    def forward(self, x: torch.Tensor) -> dict:
        scores = super().forward(x)
        return {"coarse": scores, "fine": 2 * scores}


class Hidden(TinyViT):
    """Gradients do not pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(super().forward, x, use_reentrant=True)


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize(("kind", "marked"), [(TinyViT, ["patches"]), (TwoHeads, []), (Hidden, [])])
def test_the_default_among_tokens_is_marked_where_there_is_one(kind, marked: list[str]) -> None:
    net = network(kind())
    assert [layer.name for layer in net.layers() if layer.cam] == marked
    assert [layer.name for layer in net.layers()] == [layer.name for layer in network(TinyViT()).layers()]


def test_parameters_of_a_container_are_those_inside() -> None:
    layers = {layer.name: layer for layer in network(Residual()).layers()}
    assert layers["block"].parameters == 4 * 4 * 9 + 4 + 8


def test_in_inference_mode_the_layers_are_those_of_any_other_time() -> None:
    module = SmallCNN().eval()
    with torch.inference_mode():
        found = iv.Network(module, iv.Preprocess(8)).layers()
    assert found == iv.Network(module, iv.Preprocess(8)).layers()
    assert None not in [layer.receptive_field for layer in found]


def test_a_module_registered_twice_answers_to_both_names() -> None:
    class Twin(SmallCNN):
        def __init__(self) -> None:
            super().__init__()
            self.second_name = self.conv2

    net = network(Twin())
    assert net.address("second_name").module is net.module.conv2
    assert "second_name" not in [layer.name for layer in net.layers()]
