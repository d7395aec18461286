"""Other libraries, each used as its documentation says; they are imported only when their turn comes."""

import contextlib
import io
from collections.abc import Callable
from functools import partial
from importlib import metadata

import torch
from torch import Tensor

from contest import Call, Prepare, fastest
from scene import SEED, Scene

DISTRIBUTIONS = ("captum", "grad-cam", "torchcam", "zennit")


def versions() -> dict[str, str]:
    """The peers that are installed, with their versions."""
    installed = {each.name.lower(): each.version for each in metadata.distributions()}
    return {name: installed[name] for name in DISTRIBUTIONS if name in installed}


def captum_occlusion(window: int, stride: tuple[int, int]) -> Prepare:
    """Captum's Occlusion with a baseline of 0 and the fastest of several `perturbations_per_eval`."""

    def prepare(scene: Scene) -> Call:
        from captum.attr import Occlusion

        def call(strides: tuple[int, int], at_once: int) -> Tensor:
            return Occlusion(scene.theirs).attribute(
                scene.image,
                sliding_window_shapes=(3, window, window),
                strides=(3, *strides),
                baselines=0,
                target=scene.target,
                perturbations_per_eval=at_once,
            )[:, 0]

        best = fastest({at_once: partial(call, (window, window), at_once) for at_once in (1, 8, 16, 32)})
        return partial(call, stride, best)

    return prepare


def captum_gradient(name: str, **arguments: object) -> Prepare:
    """One of Captum's methods that take a gradient with respect to the image."""

    def prepare(scene: Scene) -> Call:
        import captum.attr

        method = getattr(captum.attr, name)(scene.theirs)
        return lambda: method.attribute(_leaf(scene), target=scene.target, **arguments).detach()

    return prepare


def captum_smoothgrad(samples: int, sigma: float, at_once: int | None) -> Prepare:
    """Captum's NoiseTunnel around Saliency, with the noise that innerview draws."""

    def prepare(scene: Scene) -> Call:
        from captum.attr import NoiseTunnel, Saliency

        tunnel = NoiseTunnel(Saliency(scene.theirs))
        deviation = sigma * (scene.image.max() - scene.image.min()).item()

        def call() -> Tensor:
            torch.manual_seed(SEED)
            return tunnel.attribute(
                scene.image,
                nt_samples=samples,
                nt_samples_batch_size=at_once,
                stdevs=deviation,
                target=scene.target,
                abs=False,
            ).detach()

        return call

    return prepare


def captum_gradcam(layer: str) -> Prepare:
    """Captum's LayerGradCam, interpolated to the image."""

    def prepare(scene: Scene) -> Call:
        from captum.attr import LayerAttribution, LayerGradCam

        method = LayerGradCam(scene.theirs, scene.theirs.get_submodule(layer))

        def call() -> Tensor:
            maps = method.attribute(scene.image, target=scene.target, relu_attributions=True)
            size = tuple(scene.image.shape[2:])
            return LayerAttribution.interpolate(maps, size, interpolate_mode="bilinear")[:, 0].detach()

        return call

    return prepare


def pytorch_grad_cam(name: str, layer: str, batch_size: int = 32) -> Prepare:
    """One of pytorch-grad-cam's methods; it gives maps at the image's size, normalised."""

    def prepare(scene: Scene) -> Call:
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        kind = getattr(pytorch_grad_cam, name)

        def call() -> Tensor:
            silence = contextlib.redirect_stderr(io.StringIO())  # it draws a progress bar
            with silence, kind(model=scene.theirs, target_layers=[scene.theirs.get_submodule(layer)]) as cam:
                cam.batch_size = batch_size
                return torch.from_numpy(cam(scene.image, targets=[ClassifierOutputTarget(scene.target)]))

        return call

    return prepare


def torchcam(name: str, layer: str) -> Prepare:
    """One of torchcam's methods, interpolated to the image."""

    def prepare(scene: Scene) -> Call:
        import torchcam.methods

        kind = getattr(torchcam.methods, name)

        def call() -> Tensor:
            with kind(scene.theirs, layer) as extractor:
                (maps,) = extractor(scene.target, scene.theirs(scene.image))
            size = tuple(scene.image.shape[2:])
            return torch.nn.functional.interpolate(maps[None], size, mode="bilinear")[0].detach()

        return call

    return prepare


def zennit_lrp(composite: str, canonizer: str, **arguments: object) -> Prepare:
    """One of Zennit's composites with the canonizer for the network; relevance starts as the class's score."""

    def prepare(scene: Scene) -> Call:
        import zennit.attribution
        import zennit.composites
        import zennit.torchvision
        from zennit.rules import ZPlus
        from zennit.types import Convolution

        canonizers = [getattr(zennit.torchvision, canonizer)()]
        plus = [(Convolution, ZPlus(zero_params=["bias"]))]
        rules = getattr(zennit.composites, composite)(layer_map=plus, canonizers=canonizers, **arguments)
        with torch.no_grad():
            wanted = torch.nn.functional.one_hot(torch.tensor([scene.target]), scene.forward().shape[1])
        start: Callable[[Tensor], Tensor] = lambda output: output * wanted  # noqa: E731

        def call() -> Tensor:
            with zennit.attribution.Gradient(scene.theirs, rules) as attributor:
                return attributor(_leaf(scene), start)[1]

        return call

    return prepare


def _leaf(scene: Scene) -> Tensor:
    """The image as one whose gradient is wanted."""
    return scene.image.clone().requires_grad_()
