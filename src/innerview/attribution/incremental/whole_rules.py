"""Operations on whole maps, recorded for one image and run for many.

The images of a batch stay the outermost axis of every value, alone or merged with the axes behind it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ...operations.reach import How
from ...operations.table import Read, operation, reads
from ...operations.tape import CannotRecordError, Ref, Step, Tape, named

aten = torch.ops.aten
RESHAPED = {aten.view, aten._unsafe_view, aten._reshape_alias, aten.as_strided}
"""Views of memory that is in order, as that of a batch need not be."""


def on_batch(step: Step, tape: Tape, count: int) -> Callable[..., Any]:
    """The step's operation for a batch of `count`, where it was recorded for a batch of one.

    Raises:
        CannotRecordError: the operation may mix the images of a batch, or its arguments hold the batch's size in a
            way that is not known.
    """
    known, read = operation(step.func), reads(step, tape)
    if known is None or read is None or not all(_apart(each, broadcasts=known.broadcasts) for each in read):
        raise CannotRecordError(f"{step.name} may mix the images of a batch")
    return step.func if known.sizes is None else partial(_enlarged, step, known.sizes, count)


def _apart(read: Read, *, broadcasts: bool) -> bool:
    """Whether each image of a batch reads its own part of an operand, or all the same constant."""
    links = read.reach.links if read.reach else ()
    if isinstance(read.value, Ref):
        return any((link.source[0], link.result[:1], link.how) == (0, (0,), How.SAME) for link in links)
    along = any(0 in link.result for link in links)
    return not along or (broadcasts and read.shape[0] == 1)


def _enlarged(step: Step, sizes: str, count: int, *args: Any, **kwargs: Any) -> Any:
    """The step for so many images, where its argument `sizes` holds the length of the axis that they lie along."""
    given = named(step.func, args, kwargs)
    size = given[sizes]
    one = size if isinstance(size, int) else size[0]
    whole = one if one < 0 else one * count
    given[sizes] = whole if isinstance(size, int) else [whole, *size[1:]]
    return given["self"].reshape(given[sizes]) if step.func.overloadpacket in RESHAPED else step.func(**given)
