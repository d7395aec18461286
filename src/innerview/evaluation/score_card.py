"""Are the pictures any good? What they reach beside photographs, under transforms, and in another network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import LabelError, ObjectiveError, SettingError
from ..modules.batching import in_batches
from ..modules.scope import untouched
from ..network.images import PictureSource
from ..network.network import Network
from ..network.pictures import of_pixels
from ..network.provenance import provenance
from ..objectives import Logit, Objective, PerImage, Probability, Question, each_objective
from ..objectives.scoring import forward_for
from ..progress import steps as progress
from ..synthesis.canvas import Pixels01, on, resized
from ..synthesis.recipe import LUCID
from ..synthesis.result import Synthesis
from ..synthesis.spectrum import image_files, ring_means, waves
from ..synthesis.streams import Streams
from ..synthesis.transforms import Views
from .card import ScoreCard

SHIFTED_AND_TURNED = replace(LUCID.views, views=4, keep=True)
"""Four of the views that the recipe `LUCID` makes pictures with, each as large as the picture."""

_ROUNDING = 1 / (12 * 255**2)
"""The power of rounding to the levels of an image file; what has less is the same to the eye."""

Standings = tuple[Int[Tensor, "picture"], Float[Tensor, "picture"]]
"""The rank of the unit that each picture was made for, and its probability if it is a class."""


@torch.no_grad()
def score_card(  # noqa: PLR0913 - all but the first four are optional
    net: Network,
    made: Synthesis,
    objective: Question,
    photographs: str | Path | Sequence[PictureSource] | Tensor,
    *,
    other: Network | None = None,
    views: Views = SHIFTED_AND_TURNED,
    seed: int = 0,
) -> ScoreCard:
    """What pictures reach beside photographs: their score, plain and transformed, their spectrum, their transfer.

    Everything is seen in the size of the network's input, also pictures on a larger canvas. The views are the same
    for every picture and every photograph, so that neither has the easier ones. The distance between spectra is

        d = mean over rings and colours of |L(picture) − mean over photographs of L|,   L = 10 log₁₀ P

    in decibels, with P the mean power of the waves in a ring of half an octave, in independent colours and without
    seams (`spectrum.waves`); power below that of rounding to 255 levels counts as that. The photographs' own
    distances say how much is natural, about 4 dB; white noise is some 15 dB away.

    How alike the layers' answers to pictures and to photographs are (Geirhos et al. 2024) is not on the card.

    Args:
        net: the network; it is not changed.
        made: the pictures.
        objective: what they were made for: one question for all, or a list as `synthesize` was given it.
        photographs: a folder, a list of anything `net.prepare` takes, or a prepared tensor; some hundred, of all
            kinds, of what the network was made for.
        other: a second network that was trained independently; it is asked about classes, by their names.
        views: how pictures and photographs are transformed.
        seed: of the views.

    Raises:
        LabelError, LayerError, ObjectiveError: the questions do not fit the network or the pictures.
        SettingError: there are no photographs.
        ImageError: a photograph is not a usable image.
    """
    asked, files = _asked(net, made, objective), _files(photographs)
    pixels = _pixels(net, made.inputs)
    with untouched(net.module), progress("scoring", len(files) + len(made)) as advance:
        examiner = _Examiner(net, tuple(dict.fromkeys(asked)), views, seed, advance)
        pictures = examiner.examined(len(made), lambda rows: pixels[rows])
        natural = examiner.examined(len(files), lambda rows: _pixels(net, net.prepare(files[rows])))
        ranks, probabilities = _standings(net, pixels, asked)
    transfer_ranks, transfer_probabilities = _transfer(net, asked, pixels, other)
    own = [examiner.asked.index(each) for each in asked]
    judge = other and {"network": other.title, "weights": other.digest()}
    beside = {"pictures": made.provenance.how, "other": judge}
    return ScoreCard(
        **vars(_beside(pictures, natural, own)),
        ranks=ranks,
        probabilities=probabilities,
        transfer_ranks=transfer_ranks,
        transfer_probabilities=transfer_probabilities,
        pictures=of_pixels(made.pixels),
        provenance=provenance(net, "score_card", asked, photographs=len(files), views=views, seed=seed, **beside),
    )


@dataclass(frozen=True)
class _Found:
    """What was found about some images; the levels are those of their waves, in decibels."""

    scores: Float[Tensor, "image question"]
    transformed: Float[Tensor, "image question"]
    levels: Float[Tensor, "image channel ring"]


@dataclass(frozen=True, eq=False)
class _Beside:
    """What pictures reach, beside what photographs do."""

    scores: Float[Tensor, "picture"]
    natural: Float[Tensor, "picture photograph"]
    transformed: Float[Tensor, "picture"]
    natural_transformed: Float[Tensor, "picture photograph"]
    spectrum_distances: Float[Tensor, "picture"]
    natural_spectrum_distances: Float[Tensor, "photograph"]


def _beside(pictures: _Found, natural: _Found, own: Sequence[int]) -> _Beside:
    """Both, of the question of each picture's own."""
    every, usual = range(len(own)), natural.levels.mean(0)
    return _Beside(
        scores=pictures.scores[every, own],
        natural=natural.scores[:, own].T,
        transformed=pictures.transformed[every, own],
        natural_transformed=natural.transformed[:, own].T,
        spectrum_distances=(pictures.levels - usual).abs().mean((1, 2)),
        natural_spectrum_distances=(natural.levels - usual).abs().mean((1, 2)),
    )


@dataclass(frozen=True)
class _Examiner:
    net: Network
    asked: tuple[Objective, ...]
    views: Views
    seed: int
    advance: Callable[[int], None]

    def examined(self, images: int, pixels: Callable[[slice], Pixels01]) -> _Found:
        """All images, as many at a time as fit with their views; of each, every question is asked."""
        size = max(1, self.net.batch_size(self.net.blank(), graph=False) // self.views.views)
        parts = []
        for rows, part in in_batches(images, size, lambda rows: self._examined(pixels(rows))):
            parts.append(part)
            self.advance(rows.stop - rows.start)
        return _Found(*(torch.cat([getattr(each, name) for each in parts]) for name in _Found.__annotations__))

    def _examined(self, pixels: Pixels01) -> _Found:
        size = (pixels.shape[2], pixels.shape[3])
        seen = self.views.seen(size, self.net.preprocess.rows_columns)
        shown = self.views(pixels, Streams([self.seed] * len(pixels)), seen)
        transformed = self._scores(shown).unflatten(0, (len(pixels), -1)).mean(1)
        return _Found(self._scores(pixels), transformed, _levels(pixels))

    def _scores(self, pixels: Pixels01) -> Float[Tensor, "image question"]:
        every = PerImage(self.asked)
        seen = forward_for(self.net, _inputs(self.net, pixels), every)
        return torch.stack([each(seen) for each in self.asked], 1).cpu()


def _asked(net: Network, made: Synthesis, objective: Question) -> list[Objective]:
    """The question of each picture; several starts of a question stand in a row."""
    asked = each_objective(net, objective)
    if len(made) % len(asked):
        raise ObjectiveError(
            f"give the questions that the pictures were made for: one for all {len(made)}, or one for each or for as "
            f"many starts of each; got {len(asked)}"
        )
    return [each for each in asked for _ in range(len(made) // len(asked))]


def _files(photographs: str | Path | Sequence[PictureSource] | Tensor) -> Sequence[PictureSource] | Tensor:
    found = image_files(Path(photographs)) if isinstance(photographs, str | Path) else photographs
    if not len(found):
        raise SettingError(f"a score card compares with at least one photograph; got none in {str(photographs)!r}")
    return found


def _pixels(net: Network, prepared: Float[Tensor, "_ channel _ _"]) -> Pixels01:
    return resized(net.preprocess.display(on(net, prepared)), net.preprocess.rows_columns)


def _inputs(net: Network, pixels: Pixels01) -> Float[Tensor, "image channel row column"]:
    return net.preprocess.normalise(pixels).to(net.dtype)


def _levels(pixels: Pixels01) -> Float[Tensor, "image channel ring"]:
    """The mean power of a picture's waves in each ring, in decibels."""
    found = waves(pixels.cpu().double())  # not every device has double precision
    power = ring_means(found.abs().square()) / (pixels.shape[2] * pixels.shape[3])
    return 10 * power.clamp_min(_ROUNDING).log10()


def _standings(net: Network, pixels: Pixels01, asked: Sequence[Objective | None]) -> Standings:
    """How each picture's own unit or class stands among the others; 0 and NaN where there is none."""
    ranks, probabilities = torch.zeros(len(pixels), dtype=torch.int64), torch.full((len(pixels),), torch.nan)
    questions = {picture: each for picture, each in enumerate(asked) if each is not None}

    def stand(rows: slice) -> None:
        some = list(questions)[rows]
        every = PerImage(tuple(questions[picture] for picture in some))
        seen = forward_for(net, _inputs(net, pixels[some]), every)
        ranks[some] = every.rank(seen).cpu()
        for row, (picture, each) in enumerate(zip(some, every.objectives, strict=True)):
            if each.class_asked is not None:
                probabilities[picture] = Probability(each.class_asked)(seen)[row]

    with untouched(net.module):
        for _ in in_batches(len(questions), net.batch_size(net.blank(), graph=False), stand):
            pass
    return ranks, probabilities


def _transfer(net: Network, asked: Sequence[Objective], pixels: Pixels01, other: Network | None) -> Standings:
    """The same in the second network, of the classes that it knows by name."""
    if other is None:
        return _standings(net, pixels, [None] * len(asked))
    if pixels.shape[1] != other.preprocess.channels:
        raise SettingError(
            f"the second network sees pictures as the first one does; {other.name} has {other.preprocess.channels} "
            f"channels, {net.name} has {pixels.shape[1]}"
        )
    shown = resized(on(other, pixels), other.preprocess.rows_columns)
    return _standings(other, shown, [_there(net, each, other) for each in asked])


def _there(net: Network, objective: Objective, other: Network) -> Logit | None:
    """The class in the second network; without names in the first one its index has to do."""
    index = objective.class_asked
    if index is None:
        return None
    if net.labels is None:
        return Logit(index).bind(other)
    label = net.labels.names[index]
    for name in (label, *label.split(",")):
        try:
            return Logit(name.strip()).bind(other)
        except LabelError:
            if other.labels is None:
                raise
    return None
