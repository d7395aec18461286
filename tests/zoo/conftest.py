"""The summary of the long form: how many questions each network answered, refused, or got wrong."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, [])]
    rows = [value for each in reports for key, value in getattr(each, "user_properties", ()) if key == "zoo"]
    if not rows:
        return
    terminalreporter.section("the zoo")
    total: Counter = Counter()
    for name, answers in rows:
        kinds = {
            question: answer if answer in ("right", "refused", "known") else "wrong"
            for question, answer in answers.items()
        }
        total += (counts := Counter(kinds.values()))
        wrong = " ".join(question for question, kind in kinds.items() if kind == "wrong")
        table = "  ".join(f"{counts[kind]:3} {kind}" for kind in ("right", "refused", "known", "wrong"))
        terminalreporter.line(f"{name:44} {table}  {wrong}")
    terminalreporter.line(f"{len(rows)} networks: " + ", ".join(f"{count} {kind}" for kind, count in total.items()))
