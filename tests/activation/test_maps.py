"""Activations: the very values of the network, read without running further than needed."""

import re

import pytest
import torch
from torch import Tensor, nn

import innerview as iv
from fingerprint import fingerprint
from innerview.errors import LayerError, MethodError, SettingError
from small_networks import AWKWARD, SmallCNN, TinyViT, images, network


def hooked(module: nn.Module, layers: list[str], x: Tensor) -> dict[str, Tensor]:
    """What each layer gives, read by hand."""
    seen: dict[str, Tensor] = {}
    handles = []
    for name in layers:

        def keep(_module: nn.Module, _inputs: tuple, output: Tensor, name: str = name) -> None:
            seen[name] = output.detach().clone()

        handles.append(module.get_submodule(name).register_forward_hook(keep))
    with torch.no_grad():
        module.eval()(x)
    for handle in handles:
        handle.remove()
    return seen


def test_they_are_what_hooks_by_hand_see() -> None:
    net, x = network(SmallCNN()), images(3)
    layers = [info.name for info in net.layers(x)]
    found = iv.activations(net, x, layers)
    expected = hooked(net.module, layers, x)
    assert set(found) == set(layers)
    assert all(torch.allclose(found[name], expected[name], atol=1e-6) for name in layers)


@pytest.mark.parametrize(
    ("name", "layers"), [("resnet18", ["layer1", "layer3.0.conv1", "avgpool"]), ("squeezenet1_1", ["features.0"])]
)
def test_they_are_what_torchvisions_extractor_gives(name: str, layers: list[str]) -> None:
    from torchvision.models import get_model
    from torchvision.models.feature_extraction import create_feature_extractor

    torch.manual_seed(0)
    module, x = get_model(name, weights=None).eval(), images(2, size=64)
    with torch.no_grad():
        expected = {
            each: values.clone() for each, values in create_feature_extractor(module, layers)(x.clone()).items()
        }
    found = iv.activations(iv.Network(module, iv.Preprocess(size=64)), x, layers)
    assert all(torch.allclose(found[each], expected[each], atol=1e-5) for each in layers)


def test_a_later_operation_in_place_does_not_change_them() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2))
    net, x = iv.Network(module, iv.Preprocess(size=8)), images(1)
    with torch.no_grad():
        expected = module[0](x)
    assert bool((expected < 0).any())
    assert torch.equal(iv.activations(net, x, ["0"])["0"], expected)


def test_the_pass_ends_behind_the_last_layer() -> None:
    net, x = network(SmallCNN()), images(1)
    ran = []
    net.layers(x)
    net.module.conv2.register_forward_hook(lambda *_: ran.append("conv2"))
    iv.activations(net, x, ["conv1"])
    assert ran == []


def test_a_batch_is_a_loop_of_singles(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network(SmallCNN()), images(5)
    monkeypatch.setattr(net, "batch_size", lambda *_, **__: 2)
    together = iv.activations(net, x, ["conv1", "conv2"])
    for number in range(5):
        alone = iv.activations(net, x[number : number + 1], ["conv1", "conv2"])
        assert all(torch.allclose(together[name][number], alone[name][0], atol=1e-6) for name in together)


def test_layers_come_in_depth_order() -> None:
    found = iv.activations(network(SmallCNN()), images(1), ["conv2", "conv1"])
    assert list(found) == ["conv1", "conv2"]


def test_half_precision_on_request() -> None:
    net, x = network(SmallCNN()), images(2)
    half = iv.activations(net, x, ["conv1"], precision=torch.float16)
    assert half["conv1"].dtype == torch.float16
    assert half.maps("conv1").dtype == torch.float32
    assert torch.equal(half["conv1"], iv.activations(net, x, ["conv1"])["conv1"].half())


def test_tokens_become_a_grid() -> None:
    """The class token stands first; the others row by row."""
    net, x = network(TinyViT()), images(2)
    layer = next(info.name for info in net.layers(x) if len(info.output_shape) == 2)
    found = iv.activations(net, x, [layer])
    tokens, (rows, columns) = found[layer], found.grids[layer].shape[2:]
    first = tokens.shape[1] - rows * columns
    expected = tokens[:, first:].reshape(2, rows, columns, -1).permute(0, 3, 1, 2)
    assert torch.equal(found.maps(layer), expected)


def test_an_image_to_image_network_without_class_scores() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(8, 3, 3, padding=1))
    net, x = iv.Network(module, iv.Preprocess(size=8)), images(2)
    found = iv.activations(net, x, ["1", "2"])
    with torch.no_grad():
        assert torch.equal(found["2"], module(x))


def test_vectors_have_no_maps() -> None:
    found = iv.activations(network(SmallCNN()), images(1), ["fc"])
    assert "fc" not in found.grids
    with pytest.raises(MethodError) as caught:
        found.maps("fc")
    assert str(caught.value) == (
        "maps have an image, rows and columns; 'fc' gives [1, 5] for 1 image(s), which does not: read it as acts['fc']"
    )


def channelled(maps: Tensor) -> iv.Activations:
    net = iv.Network(nn.Identity(), iv.Preprocess(size=4, mean=(0,) * maps.shape[1], std=(1,) * maps.shape[1]))
    module = nn.Sequential(nn.Identity(), nn.Flatten())
    return iv.activations(iv.Network(module, net.preprocess), maps, ["0"])


def test_channels_are_chosen_by_rule() -> None:
    maps = torch.zeros(1, 4, 4, 4)
    maps[0, 1] = 2.0
    maps[0, 2, 0, 0] = 8.0
    maps[0, 3] = 1.0
    maps[0, 3, 1, 1] = 3.0
    found = channelled(maps)
    assert found.channels("0", "first", 2) == [0, 1]
    assert found.channels("0", "strongest", 3) == [1, 3, 2]
    assert found.channels("0", "selective", 2) == [2, 3]
    random = found.channels("0", "random", 2, seed=3)
    assert random == found.channels("0", "random", 2, seed=3)
    assert sorted({tuple(found.channels("0", "random", 2, seed=seed)) for seed in range(50)}) == [
        (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3),
    ]  # fmt: skip


@pytest.mark.usefixtures("unchecked_types")
def test_an_unknown_rule_lists_the_known_ones() -> None:
    sentence = 'choice is "first", "strongest", "selective" or "random"; got \'best\''
    with pytest.raises(SettingError, match=f"^{re.escape(sentence)}$"):
        channelled(torch.rand(1, 2, 4, 4)).channels("0", "best", 1)


def test_layers_that_are_not_there() -> None:
    net = network(SmallCNN())
    with pytest.raises(LayerError, match=r"^no layer 'conv3' in SmallCNN; did you mean 'conv"):
        iv.activations(net, images(1), ["conv3"])
    with pytest.raises(SettingError, match=r"^name at least one layer; the list is empty$"):
        iv.activations(net, images(1), [])
    flat = iv.Network(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), iv.Preprocess(size=8))
    with pytest.raises(LayerError, match=r"has no layer with rows and columns; name one of its layers: layers=\[…\]$"):
        iv.activations(flat, images(1))


@pytest.mark.usefixtures("unchecked_types")  # the checker draws random numbers
@pytest.mark.parametrize("kind", AWKWARD)
def test_the_network_is_left_as_it_was(kind: str) -> None:
    net, x = network(AWKWARD[kind]()), images(2)
    net.module.train()
    before = fingerprint(net.module, x)
    iv.activations(net, x, [net.layers(x)[0].name])
    assert fingerprint(net.module, x) == before


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_also_when_the_pass_fails(error: type[BaseException]) -> None:
    net, x = network(SmallCNN()), images(2)
    net.layers(x)

    def fail(*_: object) -> None:
        raise error("broken")

    net.module.conv2.register_forward_hook(fail)
    before = fingerprint(net.module, x)
    with pytest.raises(error, match="broken"):
        iv.activations(net, x, ["conv2"])
    assert fingerprint(net.module, x) == before


def test_results_of_a_network_with_random_weights_say_so() -> None:
    net = iv.load("builtin/lenet", weights="random")
    x = torch.zeros(1, 1, 28, 28)
    results = [iv.activations(net, x, ["conv1"]), iv.filters(net), iv.weight_distributions(net), iv.Gradient()(net, x)]
    assert {each.provenance.network for each in results} == {"builtin/lenet, random weights"}
    assert iv.activations(iv.load("builtin/lenet"), x, ["conv1"]).provenance.network == "builtin/lenet"
