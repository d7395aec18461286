"""Which values the output of a pass was computed from, and when they were read for it."""

import torch

from innerview.operations.dependence import DependenceTracer, memory_of


def test_the_last_step_that_reads_a_value_for_the_end_is_known() -> None:
    x = torch.ones(3)
    with DependenceTracer() as tracer:
        doubled = x * 2  # 0
        rectified = doubled.relu_()  # 1: the same memory
        total = rectified.sum()  # 2: the last that the end needs
        aside = rectified * 3  # 3
        end = total + 1  # 4
    assert tracer.steps == 5
    assert tracer.last_reads([end]) == {
        memory_of(end): float("inf"),
        memory_of(total): 4,
        memory_of(doubled): 2,
        memory_of(x): 0,
    }
    assert tracer.last_reads([end, aside])[memory_of(doubled)] == 3


def test_what_is_written_into_a_part_of_other_memory_is_followed() -> None:
    x, canvas = torch.ones(2), torch.zeros(4)
    with DependenceTracer() as tracer:
        made = x + 1
        before = tracer.steps
        canvas[1:3] = made
        end = canvas.view(2, 2).sum(1)
    assert tracer.last_reads([end])[memory_of(made)] >= before


def test_looking_at_a_value_from_another_side_is_not_reading_it() -> None:
    x = torch.ones(2, 2)
    with DependenceTracer() as tracer:
        made = x + 1
        end = made.sum()
        before = tracer.steps
        made.view(4)[1:].unsqueeze(0)
    assert tracer.last_reads([end])[memory_of(made)] < before
