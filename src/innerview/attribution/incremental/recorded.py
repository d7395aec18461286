"""A recorded operation with its clean values, and what the table of operations knows of it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...operations.reach import Reach
from ...operations.table import Operation, Read, operation, reads
from ...operations.tape import Ref, Step, Tape

aten = torch.ops.aten


@dataclass(frozen=True)
class Recorded:
    """A step with its clean values and what is known of it.

    Attributes:
        step: itself.
        known: its line in the table of operations.
        sources: what it reads that was computed from the image.
        gives: what comes out.
        read: what each of its outputs that are wanted reads; None where that is not known.
        own: whether nothing else will read its first source.
    """

    step: Step
    known: Operation | None
    sources: tuple[Tensor, ...]
    gives: tuple[Tensor, ...]
    read: tuple[list[Read] | None, ...]
    own: bool

    @classmethod
    def of(cls, step: Step, tape: Tape, own: set[int], read: set[int]) -> "Recorded":
        """The step with its values on the tape; `read` are the values that any step reads, `own` that only one does."""
        sources, gives = (tuple(tape.values[each] for each in numbers) for numbers in (step.inputs, step.outputs))
        wanted = (number for number, output in enumerate(step.outputs) if number == 0 or output in read)
        known = tuple(reads(step, tape, number) for number in wanted)
        return cls(step, operation(step.func), sources, gives, known, own=step.inputs[0] in own)

    @property
    def work(self) -> int:
        """The multiplications of a convolution or of a matrix product."""
        packet, given = self.step.func.overloadpacket, self.step.arguments
        if packet is aten.convolution and not isinstance(given["weight"], Ref):
            return self.gives[0].numel() * given["weight"][0].numel()
        return self.gives[0].numel() * self.sources[0].shape[-1] if packet in (aten.addmm, aten.mm, aten.bmm) else 0

    @property
    def moves(self) -> bool:
        """Whether what comes out are values that went in, or constants."""
        return self.known is not None and self.known.moves

    @property
    def fixed(self) -> bool:
        """Whether it does something else with a part of what it is given."""
        return self.known is not None and self.known.fixed

    @property
    def of_maps(self) -> bool:
        """Whether it reads and gives maps, none empty, image by image, with the same constants at all positions."""
        if self.known is None or any(each.dim() != 4 or not each.numel() for each in (*self.sources, self.gives[0])):
            return False
        return all(read is not None and all(map(_position_free, read)) for read in self.read)

    @property
    def reaches(self) -> list[Reach]:
        """What is read of each source, for each output that is wanted."""
        known = (each for read in self.read for each in read or () if isinstance(each.value, Ref))
        return [each.reach for each in known if each.reach]


def _position_free(read: Read) -> bool:
    """Whether an operand is maps that each image has its own of, or a constant that does not vary in space."""
    if isinstance(read.value, Ref):
        return read.reach is not None and read.reach.keeps(0)
    links = read.reach.links if read.reach else ()
    return all(read.shape[axis] == 1 for link in links if {2, 3} & {*link.result} for axis in link.source)
