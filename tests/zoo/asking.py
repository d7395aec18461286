"""The questions that each network of the zoo is asked; the answers to compare with never come from innerview."""

import re
from collections.abc import Callable
from functools import partial

import innerview as iv
from fingerprint import fingerprint
from zoo.questions.attribution import METHODS, batch, covered, finite, finite_differences, gradcam
from zoo.questions.care import error, inference_mode, sharing, trained_on
from zoo.questions.objectives import channel, direction, energy, neuron, objective, one_each, windows
from zoo.questions.pictures import attack, caricature, dictionary, grid, groups, lowering, synthesis
from zoo.questions.structure import activations, filters, layers, maps, predict, receptive_fields
from zoo.sentences import POSSIBLE
from zoo.specimen import Subject

Question = Callable[[Subject], None]
PLACES = ("early", "middle", "late")
QUESTIONS: dict[str, Question] = {
    "predict": predict,
    "layers": layers,
    "receptive_fields": receptive_fields,
    "activations": activations,
    "maps": maps,
    "filters": filters,
    **{f"map:{name}": partial(finite, name) for name in METHODS},
    "finite_differences": finite_differences,
    **{f"batch:{name}": partial(batch, name) for name in ("gradient", "gradcam", "lrp", "occlusion")},
    "gradcam": gradcam,
    "covered": covered,
    **{
        f"{place}:{kind.__name__}": partial(objective, kind, place)
        for place in PLACES
        for kind in (channel, neuron, energy, direction)
    },
    "one_each": one_each,
    "windows": windows,
    "synthesis": synthesis,
    "attack": attack,
    "lowering": lowering,
    "dictionary": dictionary,
    "groups": groups,
    "grid": grid,
    "caricature": caricature,
    "error": error,
    "inference_mode": inference_mode,
    "sharing": sharing,
    "trained_on": trained_on,
}


def ask(s: Subject, question: str) -> str:
    """The question is answered right, or refused with the sentence that is expected, and all is as it was after it.

    Returns:
        "right" or "refused".
    """
    before, s.left = s.left or fingerprint(s.net.module, s.images), None
    answer = answered(s, question)
    after = fingerprint(s.net.module, s.images)
    assert after == before
    s.left = after
    return answer


def answered(s: Subject, question: str) -> str:
    about = question.rpartition(":")[2]
    known = s.specimen.refused if s.specimen.refused is not None else POSSIBLE
    try:
        QUESTIONS[question](s)
    except iv.InnerviewError as refusal:
        if not re.search(known.get(about, "^$"), str(refusal)):
            raise
        return "refused"
    assert s.specimen.refused is None or about not in known
    return "right"
