"""Every kind of network gives right answers, or refuses with a sentence, and is left as it was."""

from collections.abc import Callable

import pytest
import sklearn.decomposition  # noqa: F401 - its first import adds filters of warnings
from torch import nn

import innerview as iv
from zoo import own
from zoo.asking import QUESTIONS, ask
from zoo.networks import ZOO
from zoo.specimen import Subject

pytestmark = pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`


@pytest.fixture(scope="module", params=ZOO)
def subject(request: pytest.FixtureRequest) -> Subject:
    """One network at a time."""
    return Subject(request.param, ZOO[request.param])


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_or_refused_with_a_sentence(
    subject: Subject, question: str, request: pytest.FixtureRequest
) -> None:
    if reason := subject.specimen.wrong.get(question):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    ask(subject, question)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (own.lazy, r"'0' is a lazy module, which has no values before its first input"),
        (own.quantised, r"'head' is a quantised module, which has no gradients"),
        (own.Scripted, r"'body' is a TorchScript module, which hides its layers and cannot be looked at"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_before_anything_runs(
    build: Callable[[], nn.Module], sentence: str
) -> None:
    with pytest.raises(iv.InnerviewError, match=sentence):
        iv.Network(build(), iv.Preprocess(size=32))
