"""The layer of a network that a command looks at."""

from typing import TYPE_CHECKING

from ..errors import SettingError

if TYPE_CHECKING:
    from torch import Tensor

    from ..network.network import Network


def layer_named(net: "Network", image: "Tensor", name: str | None) -> str:
    """The layer of this name, by default the last with a grid of features that the class scores depend on.

    Raises:
        LayerError: there is no such layer.
        SettingError: none is named, and there is no such default.
    """
    from ..network.default_layer import default_layer

    found = default_layer(net, image) if name is None else net.address(name, image).name
    if found is None:
        raise SettingError(f"{net.name} has no grid of features that its scores depend on; name a layer: --layer NAME")
    return found
