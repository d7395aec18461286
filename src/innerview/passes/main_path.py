"""The layers that all that follows sees the image through, and not only in part."""

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from ..modules.outputs import first_tensor
from ..modules.scope import differentiating, hooked, untouched
from ..network.network import Network
from ..network.recognition import fits

Inputs = Float[Tensor, "batch channel row column"]
Size = tuple[int, int]
Node = Any  # of autograd's graph; None where no gradient passes
Names = tuple[tuple[str, ...], ...]


def main_path(net: Network, images: Inputs, sizes: Mapping[str, Size]) -> Names:
    """The layers whose output is what goes on, as they finish; together those that give out one and the same tensor.

    Of the graph from the image to the scores these are the bottlenecks: nothing goes around them. So they are no
    branches, attention matrices or gates. Of a network without scores, one for each class, they are those on the way
    to the last of the coarsest layers with the image's proportions: of one that goes down and up again (U-Net), the
    way down.

    Layers with other things than images along the batch, such as windows, are left out, and of a network without
    scores those that are finer than one before. Where no gradient passes, all others count as bottlenecks. Where not
    even two are left, as of streams that run side by side to the end, it is all that the scores are computed from.

    Args:
        net: the network.
        images: prepared inputs, of which the first is used.
        sizes: the layers to choose from, each with its rows and columns.
    """
    nodes, scores = _nodes(net, images[:1], sizes)
    if not nodes:
        return ()
    maps = [name for name in nodes if fits(sizes[name], images.shape[2:])] or list(nodes)
    coarsest = nodes[min(reversed(maps), key=lambda name: math.prod(sizes[name]))]
    if scores is None and coarsest is None:
        return tuple((name,) for name in nodes)
    return _on_the_way(nodes, scores) or _together(_downwards(_among(nodes, _bottlenecks(coarsest)), sizes))


def _on_the_way(nodes: Mapping[str, Node], scores: Node) -> Names:
    """The bottlenecks before the scores or, where there are not even two, all that the scores are computed from."""
    path = _together(_among(nodes, _bottlenecks(scores)))
    return path if len(path) > 1 else _together(_among(nodes, _behind(scores)))


def _among(nodes: Mapping[str, Node], wanted: Container[Node]) -> dict[str, Node]:
    """The layers at these nodes of the graph."""
    return {name: node for name, node in nodes.items() if node is not None and node in wanted}


def _downwards(nodes: Mapping[str, Node], sizes: Mapping[str, Size]) -> dict[str, Node]:
    """Without those that are finer than one before."""
    found, finest = {}, math.inf
    for name, node in nodes.items():
        if (positions := math.prod(sizes[name])) <= finest:
            found[name], finest = node, positions
    return found


def _together(nodes: Mapping[str, Node]) -> Names:
    """The names of each node."""
    found: dict[Node, list[str]] = defaultdict(list)
    for name, node in nodes.items():
        found[node].append(name)
    return tuple(map(tuple, found.values()))


def _nodes(net: Network, image: Inputs, names: Mapping[str, Size]) -> tuple[dict[str, Node], Node]:
    """As the layers finish, where in the graph each one's output was computed, and at last the class scores.

    None where no gradient passes, or where the network gives something with rows and columns, or tokens.
    """
    modules = {net.module.get_submodule(name): name for name in names}
    nodes: dict[str, Node] = {}

    def note(module: nn.Module, _inputs: tuple, output: object) -> None:
        nodes.pop(modules[module], None)
        tensor = first_tensor(output)
        if tensor is not None and len(tensor) == 1:
            nodes[modules[module]] = tensor.grad_fn

    hooks = hooked(dict.fromkeys(modules, note))
    with untouched(net.module), differentiating(), hooks:
        output = first_tensor(net.module(image.clone().requires_grad_().clone()))
    if output is None or output.shape[2:].numel() > 1:
        return nodes, None
    return nodes, output.grad_fn


def _bottlenecks(end: Node) -> set[Node]:
    """The nodes on every way from `end` back to the image.

    Nodes are visited after all that read them; one that then is the only one still to visit lies on every way.
    """
    readers = Counter(source for node in _behind(end) for source in _sources(node))
    found, ready, waiting = set(), [end], {end}
    while ready:
        node = ready.pop()
        if len(waiting) == 1:
            found.add(node)
        waiting.remove(node)
        for source in _sources(node):
            waiting.add(source)
            readers[source] -= 1
            if readers[source] == 0:
                ready.append(source)
    return found


def _behind(end: Node) -> set[Node]:
    """All nodes from `end` back to the image."""
    met, todo = {end}, [end]
    while todo:
        new = set(_sources(todo.pop())) - met
        met |= new
        todo += new
    return met


def _sources(node: Node) -> Iterator[Node]:
    return (source for source, _ in (node.next_functions if node else ()) if source is not None)
