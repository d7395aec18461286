"""What holds whatever happens: an error, another mode, passes that are shared, weights that change."""

import pytest
import torch

import innerview as iv
from zoo.questions.attribution import occlusion
from zoo.questions.pictures import ONE
from zoo.specimen import Subject


def error(s: Subject) -> None:
    """An error of the network comes through as it is."""
    looks = (
        lambda: iv.Gradient()(s.net, s.images, s.why),
        lambda: occlusion(s)(s.net, s.images, s.why),
        lambda: iv.synthesize(s.net, s.why, recipe=ONE),
        lambda: iv.activations(s.net, s.images, [s.late]),
    )
    s.net.layers(s.images)
    handle = s.net.module.get_submodule(s.early).register_forward_hook(broken)
    try:
        for look in looks:
            with pytest.raises(RuntimeError, match=r"^broken layer$"):
                look()
    finally:
        handle.remove()


def broken(*_: object) -> None:
    raise RuntimeError("broken layer")


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
