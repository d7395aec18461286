"""What people write when they ask, as an objective: an objective, a class, one of these for each image, or nothing."""

import operator
from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ..errors import ObjectiveError
from ..network.network import Network, require_network
from ..network.seen import Seen
from .classes import Logit
from .objective import Objective
from .per_image import PerImage

Class = SupportsIndex | str
"""A class by its index or its name."""
Classes = Class | Sequence[Class] | np.ndarray | Tensor
"""A class for all images, or one for each."""
Question = Objective | Classes | Sequence[Objective | Class]
"""One question for all images, or one for each; a class stands for its raw score, `Logit`."""
Inputs = Float[Tensor, "batch channel row column"]


def as_objective(net: Network, what: Question | None, images: Inputs | None = None) -> Objective:
    """The objective that a question stands for, with class names turned into this network's indices.

        as_objective(net, "tabby")  →  Logit(281)

    Args:
        net: the network that is asked.
        what: an objective; a class by index or name, which asks for its raw score; a sequence with one of these for
            each image; or None for the most probable class of each image.
        images: the prepared images that are asked about; None if they are not known yet.

    Raises:
        LabelError: there is no such class.
        SettingError: an index is negative.
        ObjectiveError: `what` is none of these, or there are not as many questions as images.
    """
    require_network(net)
    if what is None:
        return _top_classes(net, images)
    what = what.tolist() if isinstance(what, Tensor | np.ndarray) else what
    if isinstance(what, Sequence) and not isinstance(what, str):
        bound = PerImage(tuple(map(_one, what))).bind(net)
    else:
        bound = _one(what).bind(net)
    if isinstance(bound, PerImage) and images is not None and len(bound.objectives) != len(images):
        raise ObjectiveError(
            f"give one objective for all images or one per image; got {len(bound.objectives)} for {len(images)}"
        )
    return bound


def each_objective(net: Network, what: Question) -> list[Objective]:
    """A list of questions, or a list of the only one; `ObjectiveError` if there is none."""
    asked = as_objective(net, what)
    every = list(asked.objectives) if isinstance(asked, PerImage) else [asked]
    if not every:
        raise ObjectiveError("ask for at least one objective; the list is empty")
    return every


def _one(what: object) -> Objective:
    if isinstance(what, Objective):
        return what
    if isinstance(what, str | SupportsIndex):
        return Logit(what if isinstance(what, str) else operator.index(what))
    raise ObjectiveError(
        "a question is an Objective, such as Channel('layer3', 42), a class by index or name, one of these for each "
        f"image, or None for each image's most probable class; got {type(what).__name__}"
    )


def _top_classes(net: Network, images: Inputs | None) -> Objective:
    if images is None:
        raise ObjectiveError("without an image there is no most probable class; ask for an objective or a class")
    best = Seen({}, net.logits(images)).class_scores.argmax(1)
    return PerImage(tuple(Logit(index) for index in best.tolist()))
