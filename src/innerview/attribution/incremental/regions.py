"""What a network answers when a part of the image is covered, computing only what the cover can have changed.

The clean activations of one pass are kept. Each operation that looks at a neighbourhood is run on windows around what
the masks of a row have changed. Where an operation reads the whole map, the maps are put together, and the rest is run
on whole maps, many masks at once. The arithmetic is that of the network, so the answers
are equal up to the order of floating-point sums.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from ...modules.scope import members
from ...network.network import Network
from ...operations.folding import folded
from ...operations.tape import CannotRecordError, Ref, Step, Tape, record, replaced
from .local_rules import LocalRule, collapse_of, local_rule
from .recorded import Recorded
from .whole_rules import on_batch
from .windows import Area, Extent, Region

aten = torch.ops.aten
Box = tuple[slice, slice]

MASKS_AT_ONCE = 32
HELD = 2**27
"""Bytes of whole maps that are held back, so that what follows them runs in large batches."""
WORTHWHILE = 0.8
"""Windows are used where they cost at most this share of computing everything."""
OVERHEAD = 1.5e7
"""What running an operation on the windows of a batch costs besides, in multiplications that take as long."""


@dataclass(frozen=True)
class Covers:
    """The masks of one image: `cover` replaces the image in each box of a row and a column interval."""

    image: Float[Tensor, "1 channel row column"]
    cover: Float[Tensor, "1 channel row column"]
    rows: Sequence[slice]
    columns: Sequence[slice]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @property
    def boxes(self) -> list[Box]:
        """All masks in reading order."""
        return [(row, column) for row in self.rows for column in self.columns]

    def images(self, boxes: Sequence[Box]) -> Float[Tensor, "mask channel row column"]:
        """The image under each of these masks."""
        images = self.image.repeat(len(boxes), 1, 1, 1)
        for image, box in zip(images, boxes, strict=True):
            image[:, *box] = self.cover[0, :, *box]
        return images

    def batches(self) -> Iterator[list[Box]]:
        """Masks that are computed together: those of one row, or of a few if they are few."""
        rows = max(1, MASKS_AT_ONCE // len(self.columns))
        step = rows * min(len(self.columns), MASKS_AT_ONCE)
        for first in range(0, len(self.rows), rows):
            boxes = [(row, column) for row in self.rows[first : first + rows] for column in self.columns]
            yield from (boxes[start : start + step] for start in range(0, len(boxes), step))

    def area(self, boxes: Sequence[Box]) -> Area:
        """What these masks change in the image."""
        rows, columns = (
            Extent.covering(torch.tensor([each.start for each in side]), torch.tensor([each.stop for each in side]), n)
            for side, n in zip(zip(*boxes, strict=True), self.image.shape[2:], strict=True)
        )
        return Area(rows, columns)

    def region(self, boxes: Sequence[Box]) -> Region:
        """The image under these masks, as windows."""
        area = self.area(boxes)
        at = area.positions()
        rows, columns = (
            torch.stack([(line >= each.start) & (line < each.stop) for line, each in zip(lines, side, strict=True)])
            for lines, side in zip((at.rows, at.columns), zip(*boxes, strict=True), strict=True)
        )
        covered = (rows[:, :, None] & columns[:, None, :])[:, None]
        image, cover = (each[0][at.at()].transpose(0, 1) for each in (self.image, self.cover))
        window = torch.where(covered, cover, image).contiguous(memory_format=torch.channels_last)
        return Region(self.image, window, area)


@dataclass(frozen=True)
class Local:
    """An operation on windows, with the clean values of what it gives; `done` are the values not read after it."""

    step: Step
    rule: LocalRule
    clean: tuple[Tensor, ...]
    done: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The operations on windows, then those on whole maps.

    `collapsed` are the global averages of windows, by their number: what they average, and how. `handed_over` are
    the values that the whole part reads from the first. `cost` is that of a mask as a share of computing everything.
    """

    tape: Tape
    local: tuple[Local, ...]
    collapsed: dict[int, tuple[int, Callable[[Region], Tensor]]]
    whole: tuple[Step, ...]
    handed_over: tuple[int, ...]
    cost: float

    @classmethod
    def of(cls, tape: Tape, image: Area) -> "Plan":
        """Decide for each operation how it is run, for masks that change this area of the image.

        `CannotRecordError` if an operation on whole maps cannot be run on many at once.
        """
        steps = folded(_needed(tape))
        own = _read_once(steps)
        read = {number for step in steps for number in step.inputs}
        areas, local, collapsed, whole = {0: image}, [], {}, []
        work = left = 0.0
        for step in steps:
            recorded = Recorded.of(step, tape, own, read)
            work += recorded.work
            windows = [areas[number] for number in step.inputs if number in areas]
            at_hand = len(windows) == len(step.inputs)
            if at_hand and (rule := local_rule(recorded)):
                local.append((step, rule))
                area = rule.area(windows)
                areas.update(dict.fromkeys(step.outputs, area))
                left += recorded.work * area.share + OVERHEAD / len(area.rows.low)
            elif at_hand and (collapse := collapse_of(recorded)):
                collapsed[step.outputs[0]] = (step.inputs[0], collapse)
            else:
                on_batch(step, tape, 1)
                whole.append(step)
                left += recorded.work
        wanted = dict.fromkeys([*(number for step in whole for number in step.inputs), tape.output])
        handed_over = tuple(number for number in wanted if number in areas or number in collapsed)
        kept = {*handed_over, *(source for source, _ in collapsed.values())}
        lines = _with_ends(local, tape, kept)
        return cls(tape, lines, collapsed, tuple(whole), handed_over, left / work if work else 1.0)

    def handed_values(self, image: Region) -> dict[int, Tensor]:
        """Of a batch of masks, the whole values that the second part starts from."""
        regions = {0: image}
        for each in self.local:
            read = [regions[number] for number in each.step.inputs]
            area = each.rule.area([region.area for region in read])
            windows = each.rule.window(read, area)
            for number, clean, window in zip(each.step.outputs, each.clean, windows, strict=False):
                regions[number] = Region(clean, window, area)
            for number in each.done:
                del regions[number]
        return {number: self._whole(number, regions) for number in self.handed_over}

    def _whole(self, number: int, regions: dict[int, Region]) -> Tensor:
        if number in regions:
            return regions[number].dense()
        source, collapse = self.collapsed[number]
        return collapse(regions[source])

    def output(self, values: dict[int, Tensor]) -> Tensor:
        """The network's output, from the whole values of a batch of masks."""
        count = len(next(iter(values.values())))
        known = dict(values)
        for step in self.whole:
            args, kwargs = replaced((step.args, step.kwargs), partial(_value, known))
            result = on_batch(step, self.tape, count)(*args, **kwargs)
            known.update(zip(step.outputs, result if isinstance(result, list | tuple) else [result], strict=False))
        return known[self.tape.output]


@torch.no_grad()
def outputs_by_regions(
    net: Network, covers: Covers, plain: Callable[[Sequence[Box]], Tensor], advance: Callable[[int], None]
) -> Float[Tensor, "mask ..."] | None:
    """The network's output under each mask, in reading order; None where this cannot be done or saves little.

    The answers to a few masks are compared with `plain`, which asks the untouched network; if they differ, there is
    a warning, and None. `advance` hears of the masks that are done.
    """
    if not _may_apply(net):
        return None
    try:
        tape = record(lambda x: net.select(net.module(x)), covers.image)
        plan = Plan.of(tape, covers.area(_middle(list(covers.batches()))))
    except CannotRecordError:
        return None
    if plan.cost > WORTHWHILE:
        return None
    found = torch.cat(list(_outputs(plan, covers, advance)))
    if not _agree(found, tape.values[tape.output], lambda places: plain([covers.boxes[place] for place in places])):
        advance(-len(found))
        warnings.warn(
            f"{net.name} answers otherwise when only what the mask changed is computed; all is computed instead",
            stacklevel=2,
        )
        return None
    return found


def _may_apply(net: Network) -> bool:
    """On a GPU, whole batches are faster than many windows; hooks may do what a list of operations does not show."""
    hooks = any(each._forward_hooks or each._forward_pre_hooks for _, each in members(net.module))
    return net.device.type == "cpu" and net.dtype in (torch.float32, torch.float64) and not hooks


def _agree(
    found: Float[Tensor, "mask ..."], clean: Float[Tensor, "1 ..."], plain: Callable[[Sequence[int]], Tensor]
) -> bool:
    """Whether the untouched network gives the same, up to rounding, for five masks: spread ones and the strongest.

    They may differ by what rounding does to the outputs, or by a thousandth of what the masks change at most.
    """
    change = (found - clean).abs().flatten(1).amax(1).nan_to_num(0, 0)
    last = len(found) - 1
    places = list(dict.fromkeys([0, last // 3, last // 2, last, int(change.argmax())]))
    expected = plain(places)
    largest = float(expected.abs().nan_to_num(0, 0).max())
    tolerance = 256 * torch.finfo(expected.dtype).eps * largest + 1e-3 * float(change.max())
    return torch.allclose(found[places], expected, rtol=0, atol=tolerance, equal_nan=True)


def _outputs(plan: Plan, covers: Covers, advance: Callable[[int], None]) -> Iterator[Float[Tensor, "mask ..."]]:
    """The network's output under each mask, in reading order."""
    held: dict[int, list[Tensor]] = defaultdict(list)
    for boxes in covers.batches():
        for number, value in plan.handed_values(covers.region(boxes)).items():
            held[number].append(value)
        advance(len(boxes))
        if sum(value.nbytes for each in held.values() for value in each) > HELD:
            yield plan.output({number: torch.cat(each) for number, each in held.items()})
            held.clear()
    if held:
        yield plan.output({number: torch.cat(each) for number, each in held.items()})


def _value(known: dict[int, Tensor], arg: object) -> object:
    return known[arg.number] if isinstance(arg, Ref) else arg


def _needed(tape: Tape) -> list[Step]:
    """The steps that lead to the output, in order."""
    wanted, steps = {tape.output}, []
    for step in reversed(tape.steps):
        if wanted.intersection(step.outputs):
            wanted.update(step.inputs)
            steps.append(step)
    return steps[::-1]


def _with_ends(local: Sequence[tuple[Step, LocalRule]], tape: Tape, kept: set[int]) -> tuple[Local, ...]:
    """The operations on windows, told which values each is the last to read; `kept` are read later on."""
    last = {number: index for index, (step, _) in enumerate(local) for number in step.inputs if number not in kept}
    return tuple(
        Local(
            step,
            rule,
            tuple(_channels_last(tape.values[number]) for number in step.outputs),
            tuple(number for number in dict.fromkeys(step.inputs) if last.get(number) == index),
        )
        for index, (step, rule) in enumerate(local)
    )


def _channels_last(value: Tensor) -> Tensor:
    return value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value


def _read_once(steps: Sequence[Step]) -> set[int]:
    """The values that an operation made afresh and that one operation reads, which may then overwrite them."""
    uses = Counter(number for step in steps for number in step.inputs)
    makers = (aten.convolution, aten.add, aten.native_batch_norm)
    return {step.outputs[0] for step in steps if step.func.overloadpacket in makers and uses[step.outputs[0]] == 1}


def _middle(batches: Sequence[list[Box]]) -> list[Box]:
    return batches[len(batches) // 2]
