"""The long form of the zoo, `pytest -m zoo`: published architectures, each asked the same questions."""

import gc

import pytest
import sklearn.decomposition  # noqa: F401 - its first import adds filters of warnings

from zoo.asking import QUESTIONS, ask
from zoo.published import PUBLISHED
from zoo.specimen import Subject

pytestmark = [pytest.mark.zoo, pytest.mark.usefixtures("unchecked_types")]  # the checker draws from `random`
ONE_PASS_A_CHANNEL = {"map:scorecam"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_question_is_answered_or_refused_with_a_sentence(name: str, record_property) -> None:
    subject = Subject(name, PUBLISHED[name])
    answers = {each: outcome(subject, each) for each in QUESTIONS if each not in ONE_PASS_A_CHANNEL}
    record_property("zoo", (name, answers))
    del subject
    gc.collect()  # modules and their hooks are cycles, of hundreds of megabytes
    assert {question: answer for question, answer in answers.items() if answer not in ("right", "refused")} == {}


def outcome(subject: Subject, question: str) -> str:
    """Whether it was "right" or "refused", or what went wrong."""
    try:
        return ask(subject, question)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
