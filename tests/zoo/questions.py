"""What each network of the zoo is asked; every answer is compared with one that does not come from innerview."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import combinations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import innerview as iv
from fingerprint import fingerprint
from innerview.network.scope import untouched
from innerview.scoring import score
from trouble import failing
from zoo.sentences import POSSIBLE, ROWS
from zoo.specimen import Subject, as_maps, first, on_grid

Question = Callable[[Subject], None]
Values = Callable[[Tensor], Tensor]
FEW = replace(iv.LECTURE, steps=4)
ONE = replace(iv.LECTURE, steps=1)
METHODS: dict[str, iv.Method] = {name: kind() for name, kind in iv.METHODS.items()} | {
    "integratedgradients": iv.IntegratedGradients(points=3),
    "smoothgrad": iv.SmoothGrad(samples=2),
    "vargrad": iv.VarGrad(samples=2),
    "rise": iv.RISE(masks=4, cells=3),
}


def occlusion(s: Subject) -> iv.Occlusion:
    """Four windows that do not overlap."""
    side = s.size // 2
    return iv.Occlusion(window=side, stride=side)


# --- what is there


def predict(s: Subject) -> None:
    """The most probable classes are the module's own."""
    expected = s.scores(s.precise).softmax(1)
    for predictions, row in zip(s.net.predict(s.images, top=3), expected, strict=True):
        found = torch.tensor([each.probability for each in predictions])
        s.agree(found[None], row[[each.index for each in predictions]][None])
        s.agree(found[None], row.topk(3).values[None])


def layers(s: Subject) -> None:
    """Every module that runs is listed with the shape that a plain hook sees, and with its parameters."""
    expected = {name: tuple(each.shape[1:]) for name, each in s.outputs(s.precise[:1]).items()}
    listed = s.net.layers(s.images)
    assert {layer.name: layer.output_shape for layer in listed} == expected
    for layer in listed:
        parameters = s.plain.get_submodule(layer.name).parameters()
        assert layer.parameters == sum(each.numel() for each in parameters)


def receptive_fields(s: Subject) -> None:
    """Where a field is claimed, it is the pixels with a gradient; a network of convolutions has fields throughout."""
    grids = [layer for layer in s.net.layers(s.images) if len(layer.output_shape) == 3]
    fields = {layer.receptive_field: layer for layer in grids if layer.receptive_field}
    if s.specimen.fields:
        assert [layer.name for layer in grids if layer.receptive_field is None] == []
    else:  # where others mix all positions, they may do so within windows only
        fields = {field: layer for field, layer in fields.items() if not field.is_whole_image}
    for field, layer in [*fields.items()][:: max(1, len(fields) // 6)]:
        _, rows, columns = layer.output_shape
        box = field.box(rows // 2, columns // 2)
        assert touched(s, layer.name) == tuple(min(max(edge, 0), s.size) for edge in box)


def touched(s: Subject, layer: str) -> tuple[int, ...]:
    """The box of the pixels that the units in the middle of a layer have a gradient at."""
    leaf = s.precise.requires_grad_()
    maps = s.outputs(leaf)[layer]
    here = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    weights = torch.randn(here.shape, generator=torch.Generator().manual_seed(0), dtype=here.dtype)
    (gradient,) = torch.autograd.grad((here * weights).sum(), leaf)
    rows, columns = ((gradient != 0).any(dim).any(0).any(0).nonzero().flatten() for dim in (3, 2))
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


# --- defaults


def activations(s: Subject) -> None:
    """By default they are what several layers give, down to a deep one; none twice, none without places."""
    found, expected = iv.activations(s.net, s.images), s.outputs(s.precise)
    for name, values in found.items():
        s.agree(values, expected[name])
    inside = attentions(s.plain)
    assert not [name for name in found if any(name.startswith(each) for each in inside)]
    assert not [pair for pair in combinations(found, 2) if same(expected, *pair)]
    assert not [name for name, values in found.items() if values.shape[2:].numel() == 1]
    assert len(found) > 1
    assert [*expected].index([*found][-1]) >= len(expected) / 2 - 1


def attentions(module: nn.Module) -> list[str]:
    """The inside of each attention."""
    return [f"{name}." for name, each in module.named_modules() if "Attention" in type(each).__name__]


def same(outputs: dict[str, Tensor], one: str, other: str) -> bool:
    return outputs[one].shape == outputs[other].shape and torch.equal(outputs[one], outputs[other])


def filters(s: Subject) -> None:
    """By default they are patterns of pixels: the weights of a convolution of the image wider than one pixel."""
    found = iv.filters(s.net)
    weight = s.plain.get_submodule(found.layer).weight
    torch.testing.assert_close(
        found.kernels.double(), weight.double(), rtol=1e-6, atol=1e-7
    )  # kept in single precision
    assert found.kernels.shape[1] == 3
    assert found.kernels.shape[2:].numel() > 1


# --- attribution


def finite(name: str, s: Subject) -> None:
    """A map of numbers over the image, that is not zero throughout: it may be where only what speaks for it is kept."""
    method = occlusion(s) if name == "occlusion" else METHODS[name]
    method = replace(method, relu=False) if hasattr(method, "relu") else method
    found = method(s.net, s.images, s.why)
    assert found.finite
    assert found.heatmap().shape == (2, s.size, s.size)
    assert name == "guidedgradcam" or bool(found.values.flatten(1).any(1).all())


def finite_differences(s: Subject) -> None:
    """The gradient of a single image is the slope along some directions, one of them its own."""
    image = s.images[:1]
    gradient = iv.Gradient()(s.net, image, s.why).values.double()
    random = torch.Generator().manual_seed(2)
    directions = [torch.randn(image.shape, generator=random, dtype=torch.float64) for _ in range(2)]
    for direction in (*directions, gradient):
        along, step = direction / direction.norm(), 1e-5
        up, down = (s.answer(image.double() + sign * step * along) for sign in (1, -1))
        gap = ((up - down) / (2 * step) - (gradient * along).sum()) / gradient.norm()
        assert float(gap.abs()) < s.part  # rounding of a score of about 1, 1e-16, over steps of 1e-5 and norms of 1e-3


def batch(name: str, s: Subject) -> None:
    """Two images at once give what each of them gives alone."""
    method = occlusion(s) if name == "occlusion" else METHODS[name]
    together = method(s.net, s.images, s.why).values
    s.agree(together, torch.cat([method(s.net, image[None], s.why).values for image in s.images]))


def gradcam(s: Subject) -> None:
    """At the middle layer it is the formula, by plain hooks."""
    axes = s.layers[s.middle]
    values, gradients = by_hand(s, s.middle)
    values, gradients = (on_grid(as_maps(each, axes), axes) for each in (values, gradients))
    expected = (gradients.mean((2, 3), keepdim=True) * values).sum(1, keepdim=True)
    s.agree(iv.GradCAM(s.middle, relu=False)(s.net, s.images, s.why).values, expected)


def by_hand(s: Subject, layer: str) -> tuple[Tensor, Tensor]:
    """What a layer of the plain copy gives, and the gradient of the answer there."""
    kept: list[Tensor] = []

    def hook(_module: nn.Module, _inputs: tuple, output: object) -> None:
        kept.append(first(output))

    images = s.precise.requires_grad_()
    handle = s.plain.get_submodule(layer).register_forward_hook(hook)
    try:
        answer = s.answer(images)
    finally:
        handle.remove()
    return kept[-1], torch.autograd.grad(answer.sum(), kept[-1])[0]


def covered(s: Subject) -> None:
    """Occlusion is the drop of the score when a quarter is covered with the mean colour."""
    half, images = s.size // 2, s.precise
    expected = images.new_zeros(2, 1, *images.shape[2:])
    for rows in (slice(0, half), slice(half, None)):
        for columns in (slice(0, half), slice(half, None)):
            without = images.clone()
            without[:, :, rows, columns] = images.mean((2, 3), keepdim=True)
            expected[:, :, rows, columns] = (s.answer(images) - s.answer(without))[:, None, None, None]
    s.agree(occlusion(s)(s.net, s.images, s.why).values, expected)


# --- questions about layers


def middle_of(maps: Tensor) -> tuple[int, int]:
    return maps.shape[2] // 2, maps.shape[3] // 2


def channel(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    return iv.Channel(layer, 1), lambda a: a[:, 1].mean((1, 2))


def neuron(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    row, column = middle_of(maps)
    return iv.Neuron(layer, 1, (row, column)), lambda a: a[:, 1, row, column]


def energy(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    return iv.LayerEnergy(layer), lambda a: a.square().mean((1, 2, 3))


def direction(layer: str, maps: Tensor) -> tuple[iv.Objective, Values]:
    vector = torch.linspace(-1, 2, maps.shape[1], dtype=torch.float64)
    asked = iv.Direction(layer, tuple(vector.tolist()))
    return asked, lambda a: torch.einsum("bcyx,c->b", a, vector) / a.shape[2:].numel()


def objective(kind: Callable[[str, Tensor], tuple[iv.Objective, Values]], place: str, s: Subject) -> None:
    """Its score is that of a plain hook, and its gradient autograd's."""
    layer, leaf = getattr(s, place), s.precise.requires_grad_()
    maps = s.maps(layer, leaf)
    asked, formula = kind(layer, maps)
    expected = formula(maps)
    (gradient,) = torch.autograd.grad(expected.sum(), leaf)
    with untouched(s.net.module):
        s.agree(score(s.net, s.images, asked)[:, None], expected[:, None])
    s.agree(iv.Gradient()(s.net, s.images, asked).values, gradient)


def one_each(s: Subject) -> None:
    """Each image has a question of its own."""
    leaf = s.precise.requires_grad_()
    maps = s.maps(s.late, leaf)
    (gradient,) = torch.autograd.grad(maps[0, 0].mean() + maps[1, 1].mean(), leaf)
    found = iv.Gradient()(s.net, s.images, [iv.Channel(s.late, 0), iv.Channel(s.late, 1)])
    s.agree(found.values, gradient)


def windows(s: Subject) -> None:
    """A layer whose batch axis holds windows is no layer to ask image by image; what it gives can be had."""
    found = iv.activations(s.net, s.images, s.specimen.windows or [s.late])
    expected = s.outputs(s.precise)
    for layer in s.specimen.windows:
        s.agree(found[layer], expected[layer])
        assert layer not in found.grids
        for images, asked in ((s.images, [iv.Channel(layer, 0)] * 2), (s.images[:1], iv.Channel(layer, 0))):
            for method in (iv.Gradient(), occlusion(s)):
                with pytest.raises(iv.InnerviewError, match=ROWS):
                    method(s.net, images, asked)


# --- what the network looks for, and how fragile it is


def synthesis(s: Subject) -> None:
    """A few steps raise what is asked, and the score is that of the picture."""
    made = iv.synthesize(s.net, s.why, recipe=FEW)
    s.agree(made.scores[:, None], s.answer(prepared(s, made.images))[:, None])
    assert bool((made.scores > made.curve[0]).all())


def prepared(s: Subject, pixels: Tensor) -> Tensor:
    """The input made of pixels in 0–1."""
    return ((pixels - 0.5) / 0.25).double()


def attack(s: Subject) -> None:
    """A small step along the gradient raises what it raises; classes before and after are the module's own."""
    found = iv.attack(s.net, s.images, iv.FGSM(epsilon=1e-4))
    before, after = (s.scores(each.double()).argmax(1) for each in (found.images, found.adversarial))
    assert torch.equal(found.classes, torch.stack([before, after], 1))
    assert bool((found.raised[:, 1] > found.raised[:, 0]).all())
    assert float(found.difference.abs().max()) < 1.01e-4


# --- the building blocks


def shares(s: Subject) -> Tensor:
    """a ⊙ ∂s / ∂a of the first image at the middle layer, by plain hooks: [channel, row, column]."""
    axes = s.layers[s.middle]
    values, gradients = by_hand(s, s.middle)
    return on_grid(as_maps(values * gradients, axes), axes)[0].detach()


def dictionary(s: Subject) -> None:
    """The shares of the position are activation times gradient."""
    found = iv.dictionary(s.net, s.images[:1], s.middle, units=2, objective=s.why, recipe=ONE)
    row, column = found.position
    there = shares(s)[:, row, column]
    s.agree(found.share[None, None], there.sum()[None, None])
    s.agree(found.shares[None], there[found.units][None])


def groups(s: Subject) -> None:
    """What the groups and the remainder contribute adds up to what the layer does."""
    found = iv.channel_groups(s.net, s.images[:1], s.middle, groups=2, objective=s.why, recipe=ONE)
    expected = shares(s)
    gap = found.shares.sum() + found.remainder - expected.sum()
    assert float(gap.abs() / expected.abs().sum()) < 1e-6  # the factors are found in double precision


def grid(s: Subject) -> None:
    """The magnitudes are the lengths of the activation vectors, averaged over quarters."""
    found = iv.activation_grid(s.net, s.images[:1], s.middle, most=2, canvas=iv.Pixels(), recipe=ONE)
    maps = on_grid(s.maps(s.middle, s.precise[:1]), s.layers[s.middle])
    s.agree(found.magnitudes[None], functional.adaptive_avg_pool2d(maps, 2).norm(dim=1))


# --- whatever happens


def error(s: Subject) -> None:
    """An error of the network comes through as it is."""
    looks = (
        lambda: iv.Gradient()(s.net, s.images, s.why),
        lambda: occlusion(s)(s.net, s.images, s.why),
        lambda: iv.synthesize(s.net, s.why, recipe=ONE),
        lambda: iv.activations(s.net, s.images, [s.late]),
    )
    s.net.layers(s.images)
    with failing(s.net.module.get_submodule(s.early), RuntimeError("broken layer")):
        for look in looks:
            with pytest.raises(RuntimeError, match=r"^broken layer$"):
                look()


def inference_mode(s: Subject) -> None:
    """It gives the same answers, and leaves nothing behind that would spoil the next ones."""
    with torch.inference_mode():
        inside = iv.Gradient()(s.net, s.images, s.why).values
        s.net.predict(s.images) if s.specimen.scores else None
    s.agree(inside, iv.Gradient()(s.net, s.images, s.why).values)


def sharing(s: Subject) -> None:
    """Methods that share their passes give what they give alone."""
    methods = (iv.GradCAM(s.middle), iv.Gradient())
    with iv.sharing(s.net, s.images) as x:
        shared = [method(s.net, x, s.why).values for method in methods]
    for method, values in zip(methods, shared, strict=True):
        s.agree(values, method(s.net, s.images, s.why).values)


def trained_on(s: Subject) -> None:
    """What a network remembers of its weights in evaluation mode does not outlive them."""
    again, fresh = Subject(s.name, s.specimen), Subject(s.name, s.specimen)
    again.net.logits(s.images)
    for module in (again.net.module, fresh.plain):
        with torch.no_grad():
            for each in module.parameters():
                each.mul_(1.25)
    s.agree(again.net.logits(s.images).flatten(1), fresh.scores(s.precise).flatten(1))


PLACES = ("early", "middle", "late")
QUESTIONS: dict[str, Question] = {
    "predict": predict,
    "layers": layers,
    "receptive_fields": receptive_fields,
    "activations": activations,
    "filters": filters,
    **{f"map:{name}": partial(finite, name) for name in METHODS},
    "finite_differences": finite_differences,
    **{f"batch:{name}": partial(batch, name) for name in ("gradient", "gradcam", "lrp", "occlusion")},
    "gradcam": gradcam,
    "covered": covered,
    **{
        f"{place}:{kind.__name__}": partial(objective, kind, place)
        for place in PLACES
        for kind in (channel, neuron, energy, direction)
    },
    "one_each": one_each,
    "windows": windows,
    "synthesis": synthesis,
    "attack": attack,
    "dictionary": dictionary,
    "groups": groups,
    "grid": grid,
    "error": error,
    "inference_mode": inference_mode,
    "sharing": sharing,
    "trained_on": trained_on,
}


def ask(s: Subject, question: str) -> str:
    """The question is answered right, or refused with the sentence that is expected, and all is as it was after it.

    Returns:
        "right" or "refused".
    """
    before, s.left = s.left or fingerprint(s.net.module, s.images), None
    answer = answered(s, question)
    after = fingerprint(s.net.module, s.images)
    assert after == before
    s.left = after
    return answer


def answered(s: Subject, question: str) -> str:
    about = question.rpartition(":")[2]
    known = s.specimen.refused if s.specimen.refused is not None else POSSIBLE
    try:
        QUESTIONS[question](s)
    except iv.InnerviewError as refusal:
        if not re.search(known.get(about, "^$"), str(refusal)):
            raise
        return "refused"
    assert s.specimen.refused is None or about not in known
    return "right"


def known_defect(s: Subject, question: str) -> str | None:
    """Why the answer is known to be wrong today."""
    return s.specimen.wrong.get(question)
