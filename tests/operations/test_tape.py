"""Recording a pass: the steps give the same again, also from another image, or recording is refused."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import _get_current_dispatch_mode

from fingerprint import fingerprint
from innerview.operations.tape import CannotRecordError, Ref, leaves, record, replaced
from replay import replayed
from small_networks import AWKWARD, SmallCNN, Tokens, images, network

NETWORKS = AWKWARD | {"tokens": Tokens}


def branches(x: Tensor) -> Tensor:
    first, second, third = x.chunk(3, 1)
    return torch.cat([third, torch.where(first > 0, first, 0.1 * second), x.amax(1, keepdim=True)], 1)


def several_outputs(x: Tensor) -> Tensor:
    values, _ = functional.max_pool2d(x, 2, return_indices=True)
    return torch.stack(values.split([1, 2], 1)[1].unbind(0))


def masked(x: Tensor) -> Tensor:
    y = x * 2
    y[y < 0] = 0.5
    y[:, [0, 2]] = 1.0
    return y


def reshaped_in_place(x: Tensor) -> Tensor:
    return (x + 1).squeeze_(0).unsqueeze_(1).mul_(3)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "branches": branches,
    "several outputs": several_outputs,
    "masked": masked,
    "reshaped in place": reshaped_in_place,
    "itself twice": lambda x: x.mul_(x).add_(x, alpha=0.5),
    "overwritten": lambda x: (x * 2).copy_(x.mean((2, 3), keepdim=True)) + x,
    "emptied": lambda x: x.exp().zero_() + x,
    "parameter": lambda x: (x * nn.Parameter(torch.full((3, 1, 1), 2.0))).relu_(),
    "attention": lambda x: functional.scaled_dot_product_attention(x, x, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_steps_of_a_function_give_its_values_from_any_image(name: str) -> None:
    run, (x, other) = FUNCTIONS[name], images(2).split(1)
    tape = record(run, x)
    with torch.no_grad():
        assert torch.equal(tape.values[tape.output], run(x.clone()))
        torch.testing.assert_close(replayed(tape.steps, other.clone())[tape.output], run(other.clone()))


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_steps_of_a_network_give_its_values_from_any_image(kind: str) -> None:
    module, x, other = network(NETWORKS[kind]()).module.eval(), images(2), images(2, seed=2)
    tape = record(module, x)
    again = replayed(tape.steps, x)
    assert list(again) == list(range(len(tape.values)))
    for number, value in again.items():
        torch.testing.assert_close(value, tape.values[number])
    with torch.no_grad():
        torch.testing.assert_close(tape.values[tape.output], module(x.clone()))
        torch.testing.assert_close(replayed(tape.steps, other)[tape.output], module(other.clone()))


def test_a_write_in_place_is_a_value_of_its_own() -> None:
    x = images(1)
    tape = record(lambda image: image.sub_(0.1).relu_().add(1), x)
    assert [step.name for step in tape.steps] == ["aten.sub", "aten.relu", "aten.add"]
    assert [(step.inputs, step.outputs) for step in tape.steps] == [((0,), (1,)), ((1,), (2,)), ((2,), (3,))]
    assert not any(step.func._schema.is_mutable for step in tape.steps)
    expected = [x, x - 0.1, (x - 0.1).clamp_min(0), (x - 0.1).clamp_min(0) + 1]
    for value, truth in zip(tape.values, expected, strict=True):
        torch.testing.assert_close(value, truth)


def test_what_does_not_depend_on_the_image_stands_as_it_is() -> None:
    convolution = nn.Conv2d(3, 4, 3)
    tape = record(lambda x: convolution(x) * torch.ones(4, 1, 1).mul_(2), images(1))
    first, second = tape.steps
    assert [step.name for step in tape.steps] == ["aten.convolution", "aten.mul"]
    assert first.args[1] is convolution.weight
    assert second.args[1].unique().tolist() == [2]


def test_a_step_reads_what_its_lists_hold() -> None:
    tape = record(lambda x: torch.cat([x, torch.zeros_like(x) + 1, x], 1).clamp(max=x.sum()), images(1))
    concatenation, clamped = tape.steps[-3], tape.steps[-1]
    assert (concatenation.name, clamped.name) == ("aten.cat", "aten.clamp")
    assert concatenation.inputs[::2] == (0, 0)
    assert concatenation.inputs[1] > 0
    assert clamped.inputs == (*concatenation.outputs, *tape.steps[-2].outputs)
    assert tape.output == clamped.outputs[0]


def test_a_step_reads_what_only_has_a_keyword() -> None:
    ranks, search = record(lambda x: torch.searchsorted(x, x, sorter=x.argsort()), images(1)).steps[-2:]
    assert search.name == "aten.searchsorted"
    assert search.inputs == (0, 0, ranks.outputs[-1])


def test_nesting_is_kept_while_its_leaves_are_replaced() -> None:
    nested = (1, [Ref(2), None], {"key": (Ref(3), "word")})
    changed = replaced(nested, lambda each: each.number * 10 if isinstance(each, Ref) else each)
    assert changed == (1, [20, None], {"key": (30, "word")})
    assert list(leaves(nested)) == [1, Ref(2), None, Ref(3), "word"]


def written_to_a_view(x: Tensor) -> Tensor:
    y = x * 1
    y[:, 0] = 0
    return y


def viewed_before(x: Tensor) -> Tensor:
    y = x * 1
    view = y.flatten(1)
    y.relu_()
    return view


def written_to_a_constant(x: Tensor) -> Tensor:
    y = torch.zeros(x.shape)
    y.copy_(x)
    return y


def written_through_a_list(x: Tensor) -> Tensor:
    y = x * 1
    torch._foreach_add_([y], 1)
    return y


SHARES = "writes to a tensor that shares memory with another"
CONSTANT = "writes to what is not a tensor computed from the image"
REFUSED = {
    "a view": (written_to_a_view, f"aten.fill_.Scalar {SHARES}"),
    "a part": (lambda x: x[:, :1].relu_(), f"aten.relu_.default {SHARES}"),
    "a viewed tensor": (viewed_before, f"aten.relu_.default {SHARES}"),
    "a detached tensor": (lambda x: x.detach().relu_(), f"aten.relu_.default {SHARES}"),
    "a constant": (written_to_a_constant, f"aten.copy_.default {CONSTANT}"),
    "a list": (written_through_a_list, f"aten._foreach_add_.Scalar {CONSTANT}"),
    "a given place": (
        lambda x: torch.add(x, x, out=torch.empty(0)),
        "aten.add.out writes in place and has no other form",
    ),
    "no image": (lambda x: torch.ones(3), "the result does not depend on the image"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_list_of_steps_does_not_describe_is_refused(name: str) -> None:
    run, sentence = REFUSED[name]
    with pytest.raises(CannotRecordError) as refusal:
        record(run, images(1))
    assert str(refusal.value) == sentence
    assert _get_current_dispatch_mode() is None


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("kind", NETWORKS)
def test_nothing_is_left_changed(kind: str) -> None:
    module, x = network(NETWORKS[kind]()).module.eval(), images()
    before = fingerprint(module, x)
    record(module, x)
    assert fingerprint(module, x) == before
    assert _get_current_dispatch_mode() is None


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_an_exception_passes_through_and_leaves_nothing_changed(error: BaseException) -> None:
    class Broken(SmallCNN):
        def forward(self, x: Tensor) -> Tensor:
            self.features(x.relu_())
            raise error

    module, x = network(Broken()).module.eval(), images()
    before = fingerprint(module, x)
    with pytest.raises(type(error)):
        record(module, x)
    assert fingerprint(module, x) == before
    assert _get_current_dispatch_mode() is None


def test_a_pass_is_recorded_within_inference_mode_too() -> None:
    module, x = network(SmallCNN()).module.eval(), images()
    with torch.inference_mode():
        tape = record(module, x)
    with torch.no_grad():
        torch.testing.assert_close(tape.values[tape.output], module(x))
    assert not any(value.is_inference() or value.requires_grad for value in tape.values)
