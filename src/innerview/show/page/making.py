"""How a page was made: the network in numbers, the provenance, and what to type to make it again."""

import shlex
from collections.abc import Mapping

from ...network.default_layer import default_layer
from ...results import versions
from ..drawing.titles import plain
from .section import TAUGHT, Visit

_SOURCES = ("builtin/", "torchvision/", "timm/", "hf/")


def facts(visit: Visit) -> Mapping[str, str]:
    """The network in numbers."""
    numbers = {
        "Input": " × ".join(map(str, visit.image.shape[1:])),
        "Parameters": f"{sum(each.numel() for each in visit.net.module.parameters()):,}",
        "Layers": f"{len(visit.net.layers(visit.image)):,}",
    }
    return numbers | ({"Classes": f"{len(visit.net.labels):,}"} if visit.net.labels else {})


def provenance(visit: Visit) -> Mapping[str, str]:
    """What the numbers on the page depend on."""
    precision = str(visit.net.dtype).removeprefix("torch.")
    return {
        "Network": plain(visit.net.title),
        "Digest of its weights": visit.net.digest(),
        "Image": visit.source or "pixels from memory",
        "Computed in": f"{precision} on {visit.net.device.type}",
        "Versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
    }


def command(visit: Visit) -> str:
    """The command that makes the page again; "" for a network that has no name to be loaded by."""
    if not _has_a_source(visit):
        return ""
    random = " --weights random" if visit.net.untrained else ""
    name = shlex.quote(plain(visit.net.name))
    asked = f" --objective {shlex.quote(str(visit.asked))}" if visit.asked else ""
    every = "" if visit.methods == TAUGHT else " --all"
    return f"innerview tour {shlex.quote(visit.source or 'IMAGE')} --network {name}{random}{asked}{every}"


def code(visit: Visit) -> str:
    """The lines of Python that make one of the page's maps again."""
    name = plain(visit.net.name)
    random = ', weights="random"' if visit.net.untrained else ""
    load = (
        f"iv.load({name!r}{random})" if _has_a_source(visit) else "iv.Network(module, preprocess, labels)  # your own"
    )
    asked = f"iv.parse_objective({str(visit.asked)!r})" if visit.asked else f"iv.Logit({visit.top[0].index})"
    has_grid = default_layer(visit.net, visit.image) is not None
    return "\n".join(
        [
            "import innerview as iv",
            "",
            f"net = {load}",
            f"x = net.prepare({visit.source or 'IMAGE'!r})",
            f"a = iv.{'GradCAM' if has_grid else 'SmoothGrad'}()(net, x, {asked})",
            'iv.save(a, "where.png")',
        ]
    )


def _has_a_source(visit: Visit) -> bool:
    return visit.net.name.startswith(_SOURCES) or ".py:" in visit.net.name
