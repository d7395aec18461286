"""The summary of the long form: how many questions each network answered, refused, or got wrong."""

from collections import Counter

import pytest

KINDS = ("right", "refused", "wrong")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]
    rows = [value for each in reports for key, value in getattr(each, "user_properties", ()) if key == "zoo"]
    if not rows:
        return
    terminalreporter.section("the zoo")
    total: Counter = Counter()
    for name, answers in rows:
        wrong = [question for question, answer in answers.items() if answer not in KINDS]
        counts = Counter(answer if answer in KINDS else "wrong" for answer in answers.values())
        total += counts
        terminalreporter.line(f"{name:44} {counted(counts)}  {' '.join(wrong)}")
    terminalreporter.line(f"{len(rows):3} networks {'':32} {counted(total)}")


def counted(counts: Counter) -> str:
    return "  ".join(f"{counts[kind]:5} {kind}" for kind in KINDS)
