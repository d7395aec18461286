"""`innerview synthesize`: the picture that answers a question best."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..errors import SettingError
from .flowing import flowing
from .judging import UNJUDGED, JudgingOptions, beside, judged
from .making import MADE_SO, MakingOptions
from .options import BUILTIN, NetworkOptions
from .questions import SeveralAsked, questions
from .terminal import Column, clean, on_terminal, table, tell
from .writing import named, writing

if TYPE_CHECKING:
    from ..evaluation.card import ScoreCard
    from ..synthesis.result import Synthesis

FILMS = (".gif", ".mp4")
_FPS = 12


@flowing
def synthesize(  # noqa: PLR0913 - options that belong together are one parameter
    *,
    objective: SeveralAsked = (),
    target: Annotated[tuple[str, ...], Parameter(metavar="CLASS", show_default=False)] = (),
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    how: MakingOptions = MADE_SO,
    against: JudgingOptions = UNJUDGED,
    net: NetworkOptions = BUILTIN,
) -> None:
    """The picture that answers a question best.

    Writes one figure with a picture for each question, and shows how strongly each picture answers it; with
    --photographs, beside how strongly photographs do.

    Args:
        objective: the question: channel:LAYER,42 or, nine of them, channel:LAYER,0-8; neuron:LAYER,42 or, with row and
            column, neuron:LAYER,42,3,4; max:LAYER, energy:LAYER, logit:CLASS, probability:CLASS; sums and products of
            these, as in "logit:ox - 0.5 * logit:bison". Can be repeated.
        target: a class whose raw score is raised, by name or index. Can be repeated.
        out: the figure, .png, .svg or .pdf, a film of how the pictures come about, .gif or .mp4, or .safetensors for
            the raw values; by default innerview-synthesis.png in the current folder.
    """
    from ..progress import progress_bar
    from ..show.figures import FORMATS
    from ..show.film.files import require
    from ..synthesis.synthesize import synthesize as synthesized

    out = named(out, "synthesis", (*FORMATS, *FILMS))
    film = out.suffix.lower() in FILMS
    if film:
        require(out, _FPS)
    moments = how.moments(film=film)
    network = net.load()
    asked = questions(network, objective, target)
    if not asked:
        raise SettingError(
            'say what the picture should answer: --target CLASS, or --objective QUESTION as in "channel:layer3,42"'
        )
    with progress_bar():
        jury = against.jury(network)
        recipe = how.made(network)
        found = synthesized(network, asked, recipe=recipe, seed=how.seed, starts=how.starts, snapshots=moments)
        with writing(out):
            _write(found, out)
        card = jury and jury.card(found, asked)
    show(found, card)
    if card:
        tell(beside(card))
    tell(clean(f"wrote {out}"))


def show(found: "Synthesis", card: "ScoreCard | None" = None) -> None:
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


def _write(found: "Synthesis", out: Path) -> None:
    from ..show.figures import save
    from ..show.film.animation import animate

    if out.suffix.lower() in FILMS:
        animate(found, out, fps=_FPS)
    else:
        save(found, out)
