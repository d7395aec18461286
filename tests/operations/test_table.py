"""Each line of the table of operations against what the operation reads, found by changing one value at a time."""

import math
from itertools import count
from typing import Any

import pytest
import torch
from calls import CASES, ON_A_GPU, UNSET, Case, X, aten
from torch import Tensor
from torch.nn import functional

from innerview.operations.call import Call
from innerview.operations.reach import How, Link, Reach, Window, everything
from innerview.operations.table import TABLE, operation, reaches
from innerview.operations.tape import leaves, replaced

LARGE = 100.0
"""Far above all values: with it any of them becomes the maximum, or the minimum, of those it is compared with."""


def test_every_line_of_the_table_is_asked() -> None:
    asked = {case.func.overloadpacket for case in (*CASES, *UNSET)}
    assert TABLE.keys() - asked == {only for only, _, _ in ON_A_GPU}


@pytest.mark.parametrize(("only", "same", "args"), ON_A_GPU, ids=str)
def test_an_operation_of_a_gpu_reads_what_the_same_one_reads_elsewhere(only: Any, same: Any, args: tuple) -> None:
    known, expected = (reaches(Call.of(each.default, args, {}), args[0].shape) for each in (only, same))
    assert known == expected is not None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_read_is_what_the_table_says(case: Case) -> None:
    call = Call.of(case.func, case.args, case.kwargs)
    described = 0
    for number, result in enumerate(results(case)):
        known = reaches(call, result.shape, number)
        for place, reach in enumerate(known or ()):
            operand, described = call.operands[place], described + 1
            read = really_read(case, number, place)
            assert_each_axis_once(reach, operand.shape, result.shape)
            assert not (read & ~combined(reach, operand.shape, result.shape)).any()
            if operand.tensor.is_floating_point() and operand.name not in case.less:
                assert torch.equal(read, combined(reach, operand.shape, result.shape, read))
    assert described >= len(call.operands) > 0


def results(case: Case) -> list[Tensor]:
    return [each for each in leaves((case.func(*case.args, **case.kwargs),)) if isinstance(each, Tensor)]


def really_read(case: Case, number: int, place: int) -> Tensor:
    """[*result, *source]: whether a value of a result changes with one of an operand."""
    expected = results(case)[number]
    operand = Call.of(case.func, case.args, case.kwargs).operands[place].tensor
    changes = torch.zeros(*expected.shape, operand.numel(), dtype=torch.bool, device=expected.device)
    for value in range(operand.numel() if operand.is_floating_point() else 0):
        for change in (LARGE, -LARGE):
            other = operand.clone(memory_format=torch.contiguous_format)
            other.view(-1)[value] += change
            changes[..., value] |= results(changed(case, place, other))[number] != expected
    return changes.view((*expected.shape, *operand.shape)).cpu()


def changed(case: Case, place: int, other: Tensor) -> Case:
    """The call with another tensor in this place among its tensors."""
    tensors = count()

    def change(arg: object) -> object:
        return other if isinstance(arg, Tensor) and next(tensors) == place else arg

    args, kwargs = replaced((case.args, case.kwargs), change)
    return Case(case.func, args, kwargs)


def combined(
    reach: Reach | None, source: tuple[int, ...], result: tuple[int, ...], read: Tensor | None = None
) -> Tensor:
    """[*result, *source]: whether all links together allow a value of the result to read one of the source.

    Of a link that tells only that some positions are read, it is all of them, or those that `read` has along its axes.
    """
    shape = (*result, *source)
    allowed = torch.full(shape, reach is not None)
    for link in reach.links if reach else ():
        axes = (*link.result, *(len(result) + axis for axis in link.source))
        others = tuple(axis for axis in range(len(shape)) if axis not in axes)
        if read is not None and link.how in (How.SOME, How.MATRIX):
            allowed &= read.any(others, keepdim=True) if others else read
        else:
            allowed &= matrix(link, source, result).view([1 if axis in others else n for axis, n in enumerate(shape)])
    return allowed


def matrix(link: Link, source: tuple[int, ...], result: tuple[int, ...]) -> Tensor:
    """[result, source]: whether a position along the axes of a link may read another."""
    rows, columns = math.prod(result[axis] for axis in link.result), math.prod(source[axis] for axis in link.source)
    if link.how is How.SAME:
        assert rows == columns
        return torch.eye(rows, dtype=torch.bool)
    if isinstance(link.how, Window):
        read = [[position in link.how.positions(row) for position in range(columns)] for row in range(rows)]
        return torch.tensor(read)
    return torch.ones(rows, columns, dtype=torch.bool)


def assert_each_axis_once(reach: Reach | None, source: tuple[int, ...], result: tuple[int, ...]) -> None:
    """An axis of the source is in one link, one of the result in one at most; several are in order."""
    if reach is not None:
        given = [axis for link in reach.links for axis in link.source]
        assert sorted(given) == list(range(len(source)))
        linked = [axis for link in reach.links for axis in link.result]
        assert len({*linked}) == len(linked)
        assert {*linked} <= {*range(len(result))}
        assert all(list(each) == sorted(each) for link in reach.links for each in (link.source, link.result))


@pytest.mark.parametrize("case", UNSET, ids=str)
def test_of_what_is_not_set_no_value_is_read(case: Case) -> None:
    assert reaches(Call.of(case.func, case.args, case.kwargs), (3,)) == [None]


def hows(case: Case) -> set[How | Window]:
    """All the ways in which the first operand is read."""
    known = reaches(Call.of(case.func, case.args, case.kwargs), results(case)[0].shape)
    return {link.how for link in known[0].links} if known and known[0] else set()


def windows_of(case: Case) -> dict[int, Window]:
    """By axis, the windows through which the first operand is read."""
    known = reaches(Call.of(case.func, case.args, case.kwargs), results(case)[0].shape)
    links = known[0].links if known and known[0] else ()
    return {link.source[0]: link.how for link in links if isinstance(link.how, Window)}


@pytest.mark.parametrize("case", [case for case in CASES if windows_of(case)], ids=str)
def test_an_even_window_gives_the_same_at_each_position(case: Case) -> None:
    """With what is said to lie beyond the ends put there, and no padding, it is the same operation on a larger map."""
    call, expected, windows = Call.of(case.func, case.args, case.kwargs), results(case)[0], windows_of(case)
    around = call.operands[0].tensor
    for axis, each in windows.items():
        stop = (expected.shape[axis] - 1) * each.stride - each.padding + each.width
        border = [0, 0] * (around.dim() - 1 - axis) + [each.padding, stop - around.shape[axis]]
        around = functional.pad(around, border, value=each.outside)
    if "padding" in call.arguments:
        alone = changed(case, 0, around)
        given = Call.of(alone.func, alone.args, alone.kwargs).arguments
        (found, *_) = leaves((case.func(**given | {"padding": [0] * len(windows)}),))
        even = all(each.even for each in windows.values())
        assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12) == even
    elif len(call.operands) == 1:
        steps = [windows[axis].stride if axis in windows else 1 for axis in range(around.dim())]
        assert torch.equal(around[tuple(slice(None, None, step) for step in steps)], expected)


@pytest.mark.parametrize("case", [case for case in CASES if How.MATRIX in hows(case)], ids=str)
def test_what_is_said_to_be_a_matrix_along_each_axis_is_one(case: Case) -> None:
    """Read off unit vectors that do not vary along the other axes, the matrices give the same from any values."""
    source, expected, (_, *rest) = case.args[0], results(case)[0], case.args
    found = source
    for axis in range(2, source.dim()):
        units = torch.eye(source.shape[axis], dtype=source.dtype).movedim(1, 0)
        shape = [len(units), 1, *(n if each == axis else 1 for each, n in enumerate(source.shape[2:], 2))]
        given = units.view(shape).expand(-1, -1, *source.shape[2:])
        columns = case.func(given, *rest).movedim(axis, 1).flatten(2)[:, :, 0]
        found = torch.tensordot(found, columns, ([axis], [0])).movedim(-1, axis)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)  # sums of at most 120 products


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_said_to_move_are_the_values_that_went_in(case: Case) -> None:
    known = operation(case.func)
    assert known
    if known.moves:
        given = [each.flatten() for each in leaves(case.args) if isinstance(each, Tensor) and each.is_floating_point()]
        constants = torch.tensor([0.0, *(each for each in case.args if isinstance(each, float))], dtype=torch.float64)
        assert torch.isin(torch.cat([each.flatten() for each in results(case)]), torch.cat([*given, constants])).all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_argument_that_holds_the_length_of_the_first_axis_does(case: Case) -> None:
    known = operation(case.func)
    assert known
    if known.sizes:
        size = Call.of(case.func, case.args, case.kwargs).arguments[known.sizes]
        assert (size if isinstance(size, int) else size[0]) in (-1, len(results(case)[0]))


def test_of_a_view_of_the_bits_nothing_stays_in_its_place() -> None:
    call = Call.of(aten.view.dtype, (X, torch.int64), {})
    assert reaches(call, X.shape) == [everything(4)]


def test_an_operation_that_writes_in_place_is_described_as_what_it_computes() -> None:
    assert operation(aten.as_strided_.default) is operation(aten.as_strided.default) is not None
    assert operation(aten.relu_.default) is operation(aten.relu.default) is not None


def test_nothing_is_known_of_an_operation_that_is_not_in_the_table_nor_of_a_namesake() -> None:
    @torch.library.custom_op("innerview_tests::mean", mutates_args=())
    def mean(x: Tensor) -> Tensor:
        return x.cumsum(0)

    for func in (torch.ops.innerview_tests.mean.default, aten._fft_c2c.default):
        assert operation(func) is None
    assert reaches(Call.of(torch.ops.innerview_tests.mean.default, (X,), {}), X.shape) is None


def test_of_an_operation_only_the_results_that_are_described_are_known() -> None:
    call = Call.of(aten.max_pool2d_with_indices.default, (X, [2]), {})
    assert reaches(call, (2, 4, 2, 3), 0)
    assert reaches(call, (2, 4, 2, 3), 1) is None
