"""What is measured: every piece of work, who else does it, and how much better innerview wants to be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from torch import Tensor

import innerview as iv
import peers
from contest import Call, Prepare
from innerview.network.preprocess import IMAGENET_MEAN
from scene import Scene

OURS, FORWARD, PLAIN = "innerview", "bare forward pass", "innerview, every window a full pass"

# How many times fewer multiplications an exact map needs, window 32 and stride 8, if the windows of a row are batched
# and only what a window can change is computed again: counted from the layers' shapes, not measured.
FLOOR = {"vgg19": 4.81, "alexnet": 2.46, "resnet50": 2.17, "resnet18": 2.23, "mobilenet_v2": 1.91}
CAPTUM_GOALS = {"vgg19": 5.0, "alexnet": 3.0, "resnet50": 2.2}


@dataclass(frozen=True)
class Measurement:
    """One method on one network against others.

    Attributes:
        method: the name in innerview's catalogue.
        network: the name in torchvision.
        settings: innerview's settings.
        others: by name, who does the same work.
        result: what of an `Attribution` the others give as well.
        shown: applied to all results before they are compared.
        tolerance: the largest difference of results that counts as equal, as a fraction of the largest value.
        faster: by name, their time over ours, at least.
        passes: our time over that of a bare forward pass, at most.
        memory: by name, our peak memory over theirs, at most; None where memory is not measured.
        thorough: left out of a quick run.
    """

    method: str
    network: str
    others: Mapping[str, Prepare]
    settings: Mapping[str, Any] = field(default_factory=dict)
    result: Callable[[iv.Attribution], Tensor] = attrgetter("values")
    shown: Callable[[Tensor], Tensor] = Tensor.float
    tolerance: float = 1e-3
    faster: Mapping[str, float] = field(default_factory=dict)
    passes: float | None = None
    memory: Mapping[str, float] | None = field(default_factory=dict)
    thorough: bool = False

    @property
    def contestants(self) -> dict[str, Prepare]:
        """Everyone who gives a result; innerview first."""
        return {OURS: self.ours, **self.others}

    def ours(self, scene: Scene) -> Call:
        """The public call, as a user makes it."""
        return called(self.method, self.settings, self.result)(scene)


def called(method: str, settings: Mapping[str, Any], result: Callable[[iv.Attribution], Tensor]) -> Prepare:
    """A method of innerview with these settings."""

    def prepare(scene: Scene) -> Call:
        built = iv.METHODS[method](**settings)
        return lambda: result(built(scene.net, scene.image, iv.Logit(scene.target)))

    return prepare


def measurements(quick: bool) -> list[Measurement]:
    """All of them, or without those that take long."""
    rows = 32 if quick else 8
    every = [
        *(occlusion(network, (rows, 8)) for network in FLOOR),
        gradcam("resnet50", "layer4", passes=1.15),
        gradcam("vgg16", "features.29"),
        *(gradient(network) for network in ("resnet50", "vgg16")),
        *(guided(network) for network in ("resnet50", "vgg16")),
        smoothgrad("resnet50"),
        integrated_gradients("resnet50"),
        lrp("vgg16", "VGGCanonizer"),
        lrp("resnet50", "ResNetCanonizer"),
        scorecam("resnet18", "layer4"),
    ]
    return [each for each in every if not (quick and each.thorough)]


def occlusion(network: str, stride: tuple[int, int]) -> Measurement:
    """Windows of 32 × 32 pixels; the mean colour is 0 in a prepared input."""
    settings = {"window": 32, "stride": stride, "baseline": IMAGENET_MEAN}
    plain = called("occlusion", {**settings, "regions": False}, iv.Attribution.heatmap)
    goals = {"Captum": CAPTUM_GOALS[network]} if network in CAPTUM_GOALS else {}
    return Measurement(
        "occlusion",
        network,
        settings=settings,
        others={PLAIN: plain, "Captum": peers.captum_occlusion(32, stride)},
        result=iv.Attribution.heatmap,
        faster={**goals, PLAIN: 0.9 * FLOOR[network]},
        memory=None,
    )


def gradcam(network: str, layer: str, passes: float | None = None) -> Measurement:
    """The heat map at the image's size."""
    return Measurement(
        "gradcam",
        network,
        settings={"layer": layer},
        others={
            "pytorch-grad-cam": peers.pytorch_grad_cam("GradCAM", layer),
            "Captum": peers.captum_gradcam(layer),
            "torchcam": peers.torchcam("GradCAM", layer),
        },
        result=iv.Attribution.heatmap,
        shown=unit,
        faster={"pytorch-grad-cam": 3.0},
        passes=passes,
    )


def gradient(network: str) -> Measurement:
    """The gradient with its sign."""
    others = {"Captum": peers.captum_gradient("Saliency", abs=False)}
    return Measurement("gradient", network, others=others, faster={"Captum": 1.0}, passes=2.2)


def guided(network: str) -> Measurement:
    """Guided back-propagation."""
    others = {"Captum": peers.captum_gradient("GuidedBackprop")}
    return Measurement("guidedbackprop", network, others=others, faster={"Captum": 1.0}, passes=2.2)


def smoothgrad(network: str) -> Measurement:
    """32 samples; every number of samples that Captum takes at once is a contestant of its own.

    Passes of one image use other kernels than batches; where rounding opens or closes a ReLU the gradient jumps.
    """
    everything = "Captum, all samples at once (its default)"
    others = {everything: peers.captum_smoothgrad(32, 0.15, None)}
    others |= {f"Captum, {each} at once": peers.captum_smoothgrad(32, 0.15, each) for each in (1, 4, 8)}
    return Measurement(
        "smoothgrad",
        network,
        settings={"samples": 32, "sigma": 0.15},
        others=others,
        tolerance=0.05,
        faster=dict.fromkeys(others, 1.2),
        memory={everything: 0.25},
    )


def integrated_gradients(network: str) -> Measurement:
    """50 steps from an input of zeros."""
    others = {"Captum": peers.captum_gradient("IntegratedGradients", baselines=0, n_steps=50)}
    return Measurement(
        "integratedgradients",
        network,
        settings={"points": 50, "baseline": IMAGENET_MEAN},
        others=others,
        tolerance=1e-2,
    )


def lrp(network: str, canonizer: str) -> Measurement:
    """Flat rule in the first layer, zplus in the convolutions, epsilon in the linear layers."""
    others = {"Zennit": peers.zennit_lrp("EpsilonPlusFlat", canonizer)}
    return Measurement("lrp", network, settings={"rule": "epsilon-plus-flat"}, others=others, tolerance=1e-2)


def scorecam(network: str, layer: str) -> Measurement:
    """One pass per channel; the libraries enlarge and normalise the masks in different orders."""
    return Measurement(
        "scorecam",
        network,
        settings={"layer": layer, "baseline": IMAGENET_MEAN},
        others={
            "pytorch-grad-cam": peers.pytorch_grad_cam("ScoreCAM", layer),
            "torchcam": peers.torchcam("ScoreCAM", layer),
        },
        result=iv.Attribution.heatmap,
        shown=unit,
        tolerance=0.1,
        thorough=True,
    )


def unit(maps: Tensor) -> Tensor:
    """Between 0 and 1."""
    return (maps - maps.min()) / (maps.max() - maps.min())
