"""`innerview synthesize`: the picture that answers a question best."""

from pathlib import Path

import innerview as iv

from ..errors import SettingError
from .climbing import AS_USUAL, ClimbingOptions
from .flags import Out
from .flowing import flowing
from .judging import UNJUDGED, JudgingOptions, beside, judged
from .making import MADE_SO, MakingOptions
from .options import DEFAULT, NetworkOptions
from .output import FILMS, output, result_endings, write, wrote
from .questions import NONE_ASKED, QuestionsOptions
from .terminal import Column, on_terminal, table, tell

_FPS = 12


@flowing
def synthesize(  # noqa: PLR0913 - options that belong together are one parameter
    *,
    questions: QuestionsOptions = NONE_ASKED,
    climbing: ClimbingOptions = AS_USUAL,
    making: MakingOptions = MADE_SO,
    judging: JudgingOptions = UNJUDGED,
    out: Out = None,
    net: NetworkOptions = DEFAULT,
) -> None:
    """The picture that answers a question best.

    Writes one figure with a picture for each question, and shows how strongly each picture answers it; with
    --photographs, beside how strongly photographs do.

    Args:
        out: the figure, .png, .webp, .svg or .pdf, a film of how the pictures come about, .gif or .mp4, or
            .safetensors for the raw values; by default innerview-synthesize.png in the current folder.
    """
    out = output(out, "synthesize", endings=(*result_endings(), *FILMS))
    film = _film(out)
    moments = making.moments(climbing.chosen.steps, film=bool(film))
    network = net.load()
    asked = questions.asked(network)
    if not asked:
        raise SettingError(
            'say what the picture should answer: --target CLASS, or --objective QUESTION as in "channel:layer3,42"'
        )
    with iv.progress_bar():
        jury = judging.jury(network)
        how = making.recipe(climbing, network)
        found = iv.synthesize(network, asked, recipe=how, seed=climbing.seed, starts=making.starts, snapshots=moments)
        write(found, out, **film)
        card = jury and jury.card(found, asked)
    show(found, card)
    if card:
        tell(beside(card))
    wrote(out)


def show(found: "iv.Synthesis", card: "iv.ScoreCard | None" = None) -> None:
    """A table of what each picture was to answer, how strongly it does, and what its score card says."""
    form = ".3g" if on_terminal() else ".6g"
    more = judged(card) if card else {}
    columns = [Column("picture", "right"), Column("question", wraps=True), Column("score", "right")]
    columns += [Column(title, "right") for title in more]
    rows = [
        (
            str(picture),
            found.objective(picture),
            f"{found.scores[picture]:{form}}",
            *(cells[picture] for cells in more.values()),
            "yes" if found.alive[picture] else "no gradient",
        )
        for picture in range(len(found))
    ]
    table([*columns, Column("made")], rows)


def _film(out: Path) -> dict[str, int]:
    """The settings of the film that is to be written; none for another file. Said before the work if it cannot be."""
    from ..show.film.files import require

    if out.suffix.lower() not in FILMS:
        return {}
    require(out, _FPS)
    return {"fps": _FPS}
