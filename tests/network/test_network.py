"""Any module becomes a network, or is refused in a sentence."""

import pytest
import torch
from torch import nn

import innerview as iv
from innerview.errors import NetworkError
from innerview.modules import batching
from small_networks import PIXELS, SmallCNN, Wrapping, images, network


@pytest.mark.parametrize("kind", ["dict", "tuple", "named", "dataclass"])
def test_scores_are_found_in_any_container(kind: str) -> None:
    net = network(Wrapping(kind))
    expected = net.module.inner.eval()(images())
    torch.testing.assert_close(net.logits(images()), expected.detach())
    plain = iv.Network(net.module.inner, PIXELS)
    for method in (iv.Gradient(), iv.GradCAM(layer="conv2"), iv.CAM()):
        inner = iv.GradCAM(layer="inner.conv2") if isinstance(method, iv.GradCAM) else method
        assert torch.equal(inner(net, images(), iv.Logit(1)).values, method(plain, images(), iv.Logit(1)).values)


def test_several_candidates_for_the_scores_need_a_choice() -> None:
    class Two(SmallCNN):
        def forward(self, x: torch.Tensor) -> dict:
            scores = super().forward(x)
            return {"coarse": scores, "fine": scores * 2}

    with pytest.raises(iv.InnerviewError) as caught:
        network(Two()).logits(images())
    assert str(caught.value) == (
        "the output of Two must hold one tensor of class scores; it is dict with ['coarse', 'fine']. Say which "
        "one: Network(module, output=lambda output: output['scores'])"
    )
    chosen = network(Two(), output=lambda output: output["fine"])
    torch.testing.assert_close(chosen.logits(images()), 2 * network(SmallCNN()).logits(images()))


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel])
def test_wrappers_are_looked_through(wrap) -> None:
    plain = network(SmallCNN())
    wrapped = iv.Network(wrap(plain.module), PIXELS)
    assert [layer.name for layer in wrapped.layers()] == [layer.name for layer in plain.layers()]
    assert torch.equal(
        iv.GradCAM(layer="conv2")(wrapped, images(), iv.Logit(1)).values,
        iv.GradCAM(layer="conv2")(plain, images(), iv.Logit(1)).values,
    )


def test_modules_compiled_in_place_are_seen_eagerly() -> None:
    plain, compiled = network(SmallCNN()), network(SmallCNN())
    compiled.module.conv2.compile()
    compiled.module.compile()
    for method in (iv.GradCAM(layer="conv2"), iv.Gradient()):
        assert torch.equal(method(compiled, images(), iv.Logit(1)).values, method(plain, images(), iv.Logit(1)).values)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (lambda: "resnet", "a network is a torch.nn.Module; got str"),
        (
            lambda: SmallCNN().to("meta"),
            "'conv1' is a module on the meta device, which holds no values; load its weights first",
        ),
        (
            lambda: torch.jit.trace(SmallCNN().eval(), images()),
            "'TopLevelTracedModule' is a TorchScript module, which hides its layers and cannot be looked at; use the "
            "nn.Module it was made from",
        ),
        (
            lambda: with_head(torch.jit.script(nn.Linear(6, 5))),
            "'fc' is a TorchScript module, which hides its layers and cannot be looked at; use the nn.Module it was "
            "made from",
        ),
        (
            lambda: with_head(nn.LazyLinear(5)),
            "'fc' is a lazy module, which has no values before its first input; show it an image before, as in "
            "module(torch.zeros(1, 3, 224, 224))",
        ),
        (
            lambda: with_head(nn.Sequential(nn.LazyBatchNorm1d(affine=False), nn.Linear(6, 5))),
            "'fc.0' is a lazy module, which has no values before its first input; show it an image before, as in "
            "module(torch.zeros(1, 3, 224, 224))",
        ),
        (
            lambda: torch.ao.quantization.quantize_dynamic(SmallCNN(), {nn.Linear}),
            "'fc' is a quantised module, which has no gradients; use the floating-point module it was made from",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:torch.ao.quantization", "ignore:torch.quantize_per_tensor")
def test_what_cannot_be_looked_at_is_refused(module, sentence: str) -> None:
    with pytest.raises(NetworkError) as caught:
        iv.Network(module())
    assert str(caught.value) == sentence


def test_a_lazy_module_that_has_seen_an_image_is_a_network_like_any_other() -> None:
    module = with_head(nn.LazyLinear(5))
    module.eval()(images())
    assert iv.Network(module, PIXELS).layers()[-1].parameters == 6 * 5 + 5


def with_head(head: nn.Module) -> nn.Module:
    module = SmallCNN()
    module.fc = head
    return module


def test_predictions_are_the_softmax_sorted() -> None:
    net = network(SmallCNN(), labels=["ox", "bison", "cat", "dog", "emu"])
    scores = net.logits(images()).softmax(1)
    for row, predictions in zip(scores, net.predict(images(), top=3), strict=True):
        assert len(predictions) == 3
        assert predictions[0].probability == pytest.approx(float(row.max()))
        assert predictions[0].label == ["ox", "bison", "cat", "dog", "emu"][int(row.argmax())]
        assert [each.index for each in predictions] == row.argsort(descending=True)[:3].tolist()


def test_grey_and_many_channel_inputs_work() -> None:
    for channels in (1, 4):
        prepare = iv.Preprocess(8, mean=(0.0,) * channels, std=(1.0,) * channels)
        net = iv.Network(network(SmallCNN(channels)).module, prepare)
        result = iv.GradCAM()(net, images(channels=channels), iv.Logit(1))
        assert result.pictures.shape == (2, 1, 8, 8)
        assert iv.Gradient()(net, images(channels=channels), iv.Logit(1)).values.shape[1] == channels


def test_prepared_inputs_are_checked() -> None:
    net = network(SmallCNN())
    with pytest.raises(iv.InnerviewError, match=r"a prepared input is .* and not empty; got \[3, 8\]"):
        net.prepare(torch.zeros(3, 8))
    with pytest.raises(iv.InnerviewError, match="an input must be finite; this one holds NaN or infinity"):
        net.prepare(torch.full((3, 8, 8), torch.nan))
    with pytest.raises(iv.InnerviewError, match="prepare needs at least one image; the list is empty"):
        net.prepare([])


def test_pixels_come_in_any_form() -> None:
    net = network(SmallCNN())
    pixels = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = pixels.float() / 255
    array = pixels.permute(0, 2, 3, 1).numpy()
    for source in (pixels, array, [array[0], pixels[1]], [expected[0], array[1]]):
        torch.testing.assert_close(net.prepare(source), expected)


def test_equal_weights_have_equal_digests_and_a_changed_weight_another() -> None:
    net, same = network(SmallCNN()), network(SmallCNN())
    before = net.digest()
    assert before == same.digest()
    assert before != network(SmallCNN(), seed=1).digest()
    with torch.no_grad():
        net.module.conv1.weight[0, 0, 0, 0] += 1
    assert net.digest() != before


def test_when_memory_runs_out_batches_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def run(rows: slice) -> int:
        sizes.append(rows.stop - rows.start)
        if rows.stop - rows.start > 2:
            raise torch.OutOfMemoryError("no room")
        return rows.start

    assert [start for _, start in batching.in_batches(7, 8, run)] == list(range(7))
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_when_one_image_is_too_much_the_error_says_what_to_do() -> None:
    def run(rows: slice) -> None:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError) as caught:
        list(batching.in_batches(4, 4, run))
    assert caught.value.__notes__ == ["One image at a time is already too much: use a smaller network or input."]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def run(rows: slice) -> None:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        list(batching.in_batches(4, 4, run))


def test_the_batch_size_follows_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network(SmallCNN()), images()
    per_image = 4 * (sum(torch.Size(each.output_shape).numel() for each in net.layers(x)) + 3 * 64)
    monkeypatch.setattr(batching, "_free_memory", lambda device: 4 * 10 * per_image)
    assert net.batch_size(x, graph=False) == 10
    assert net.batch_size(x, graph=True) == 5
    monkeypatch.setattr(batching, "REUSED", 3 * 4 * 4 * 64)
    assert net.batch_size(x, graph=False) == 3
    monkeypatch.setattr(batching, "_free_memory", lambda device: 0)
    assert net.batch_size(x, graph=True) == 1


def test_an_input_that_a_network_does_not_read_is_named_beside_its_own_error() -> None:
    grey = iv.Network(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 5)))
    colour = torch.zeros(1, 3, 8, 8)
    asked = {"[1, 3, 224, 224]": grey.layers, "[1, 3, 8, 8]": lambda: iv.GradCAM()(grey, colour)}
    for shape, ask in asked.items():
        with pytest.raises(RuntimeError, match="expected input") as caught:
            ask()
        (note,) = caught.value.__notes__
        assert note == (
            f"Sequential was given an input of {shape}. If that is not what it reads, say so: iv.Network(module, "
            "iv.Preprocess(size=28, mean=0.5, std=0.5)) reads grey pictures of 28 × 28"
        )


@pytest.mark.usefixtures("unchecked_types")
def test_a_size_is_no_preprocessing() -> None:
    with pytest.raises(iv.SettingError) as refused:
        iv.Network(SmallCNN(), 224)
    assert str(refused.value) == "preprocess is a Preprocess or None; got 224"
