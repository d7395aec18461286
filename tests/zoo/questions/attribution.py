"""Where in the image an answer comes from."""

from dataclasses import replace

import torch

import innerview as iv
from zoo.specimen import Subject, as_maps

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
    values, gradients = s.gradient_at(s.middle)
    values, gradients = (as_maps(each, axes) for each in (values, gradients))
    expected = (gradients.mean((2, 3), keepdim=True) * values).sum(1, keepdim=True)
    s.agree(iv.GradCAM(s.middle, relu=False)(s.net, s.images, s.why).values, expected)


def covered(s: Subject) -> None:
    """Occlusion is the drop of the score when a quarter is covered with the mean colour."""
    half, images = s.size // 2, s.precise
    expected = images.new_zeros(2, 1, *images.shape[2:])
    for rows in (slice(0, half), slice(half, None)):
        for columns in (slice(0, half), slice(half, None)):
            without = images.clone()
            without[:, :, rows, columns] = images.mean((2, 3), keepdim=True)
            expected[:, :, rows, columns] = (s.answer(images) - s.answer(without))[:, None, None, None]
    s.agree(occlusion(s)(s.net, s.images, s.why).heatmap()[:, None], expected)
