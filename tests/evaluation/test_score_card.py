"""Score cards, on networks whose answers are known sums and on spectra that are known factors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import innerview as iv
from fingerprint import fingerprint
from innerview.evaluation.card import ScoreCard
from innerview.evaluation.score_card import score_card
from innerview.results import Provenance
from innerview.synthesis.transforms import Transforms
from planted import INPUT, SIZE, planted, templates
from small_networks import PIXELS, SmallCNN, images, network
from trouble import failing, lived_in, room_for

PLAIN = Transforms()


def photographs(count: int = 7, size: int = SIZE, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(count)]


def pixels(arrays: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2) / 255


def given(shown: torch.Tensor, preprocess: iv.Preprocess = INPUT) -> iv.Synthesis:
    """Pictures that nobody had to climb for, as inputs of a planted network unless another is said."""
    provenance = Provenance("net", "0", ("?",) * len(shown), "synthesize", {"steps": 1})
    scores = torch.zeros(len(shown))
    inputs, curve, none = preprocess.normalise(shown), scores[None].clone(), shown.new_zeros(0, *shown.shape)
    return iv.Synthesis(shown, inputs, scores, curve, scores > -1, none, (), provenance)


def sized(side: int) -> iv.Network:
    return iv.Network(network(SmallCNN()).module, replace(PIXELS, size=side))


def products(shown: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """What a planted network answers, for each image and template."""
    return torch.einsum("icyx,tcyx->it", INPUT.normalise(shown.double()), wanted)


def place(values: torch.Tensor, own: int) -> int:
    """The place of one value among all, the largest first."""
    return values.argsort(descending=True).tolist().index(own) + 1


def test_scores_and_quantiles_are_those_of_the_products_with_the_templates() -> None:
    wanted, arrays = templates(), photographs()
    made, natural = pixels(photographs(3, seed=2)), products(pixels(arrays), wanted)
    card = score_card(planted(wanted), given(made), [iv.Logit(k) for k in (2, 0, 1)], arrays, views=PLAIN)
    expected = products(made, wanted)[range(3), [2, 0, 1]]
    torch.testing.assert_close(card.scores, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(card.natural, natural.T[[2, 0, 1]], rtol=1e-5, atol=1e-5)
    for picture, question in enumerate((2, 0, 1)):
        column = natural[:, question].tolist()
        lower = [each for each in column if each < expected[picture]]
        assert card.quantiles[picture] == pytest.approx(len(lower) / 7)
        assert card.best[picture] == pytest.approx(max(column), rel=1e-5)
        assert card.median[picture] == pytest.approx(sorted(column)[3], rel=1e-4)
        assert card.times_best[picture] == pytest.approx(float(expected[picture]) / max(column), rel=1e-4)


def test_a_multiple_of_what_is_not_positive_is_none() -> None:
    arrays = photographs(4)
    brightness = iv.Logit(0) * 0 - 1
    card = score_card(planted(templates()), given(pixels(arrays[:1])), brightness, arrays)
    assert card.times_best.isnan().all()


def test_a_picture_that_is_a_photograph_stands_where_that_stands() -> None:
    """The same place among them, plain and transformed: all are seen alike, however many at once."""
    net, arrays = planted(templates()), photographs()
    made = given(pixels(arrays)[[4, 2]])
    card = score_card(net, made, iv.Logit(1), arrays, seed=3)
    for picture, photograph in enumerate((4, 2)):
        assert card.natural[picture, photograph] == pytest.approx(float(card.scores[picture]))
        assert card.natural_transformed[picture, photograph] == pytest.approx(float(card.transformed[picture]))
        rank = int((card.natural_transformed[picture] < card.natural_transformed[picture, photograph]).sum())
        assert card.transformed_quantiles[picture] == pytest.approx(rank / 7, abs=0.15)
    torch.testing.assert_close(card.spectrum_distances, card.natural_spectrum_distances[[4, 2]])


def test_transformed_scores_are_those_of_the_pictures_as_they_are_seen() -> None:
    """Turned by a quarter, on a square that is exact; not transformed at all, the score is the plain one."""
    wanted, arrays = templates(), photographs()
    made = pixels(photographs(2, seed=2))
    net, why = planted(wanted), iv.Logit(0)
    turned = score_card(net, given(made), why, arrays, views=Transforms(angles=(90.0,), views=2))
    one_way, other_way = (products(made.rot90(times, (2, 3)), wanted)[:, 0] for times in (1, -1))
    same = [torch.allclose(turned.transformed, each, rtol=1e-3, atol=1e-3) for each in (one_way, other_way)]
    assert sorted(same) == [False, True]
    natural = products(pixels(arrays).rot90(1 if same[0] else -1, (2, 3)), wanted)[:, 0]
    torch.testing.assert_close(turned.natural_transformed[0], natural, rtol=1e-3, atol=1e-3)
    plain = score_card(net, given(made), why, arrays, views=PLAIN)
    torch.testing.assert_close(plain.transformed, plain.scores)
    torch.testing.assert_close(plain.natural_transformed, plain.natural)


def test_the_views_are_seeded() -> None:
    net, made, arrays = planted(templates()), given(pixels(photographs(1, seed=2))), photographs()
    one, same, other = (score_card(net, made, iv.Logit(0), arrays, seed=each).transformed for each in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_ranks_are_places_among_the_channels_of_the_layer() -> None:
    small, made = SmallCNN(), pixels(photographs(4, seed=2))
    net = network(small)
    asked = [iv.Channel("conv2", 3), iv.Neuron("conv2", 1), iv.Neuron("conv2", 0, (2, 1)), iv.LayerEnergy("conv2")]
    with torch.no_grad():
        maps = small.eval().conv2(torch.relu(small.norm(small.conv1(made))))
    lines = [maps[0].mean((1, 2)), maps[1].flatten(1).max(1).values, maps[2, :, 2, 1]]
    expected = [place(line, own) for line, own in zip(lines, (3, 1, 0), strict=True)]
    card = score_card(net, given(made, PIXELS), asked, photographs())
    assert card.ranks.tolist() == [*expected, 0]
    assert card.probabilities.isnan().all()


def test_classes_have_a_rank_and_a_probability() -> None:
    net, made = network(SmallCNN()), pixels(photographs(2, seed=2))
    card = score_card(net, given(made, PIXELS), [iv.Logit(4), iv.Probability(2)], photographs())
    scores = net.logits(made)
    for picture, own in enumerate((4, 2)):
        assert card.ranks[picture] == place(scores[picture], own)
        assert card.probabilities[picture] == pytest.approx(float(scores[picture].softmax(0)[own]))


def test_a_class_is_asked_of_the_second_network_by_its_name() -> None:
    """It is the first one with its classes in another order, under other synonyms, at twice the size."""
    net = network(SmallCNN(), labels=["ox", "bison, buffalo", "gnu", "yak", "zebra"])
    other = iv.Network(Turned(net.module), iv.Preprocess(size=16), labels=["wisent", "buffalo", "Gnu", "yak", "ox, ox"])
    made = given(pixels(photographs(4, seed=2)), PIXELS)
    asked = [iv.Logit("ox"), iv.Probability("bison"), iv.Logit("zebra"), iv.Channel("conv1", 0)]
    card = score_card(net, made, asked, photographs(), other=other)
    shown = torch.nn.functional.interpolate(made.pixels, size=(16, 16), mode="bilinear", antialias=True)
    there = other.logits(other.preprocess.normalise(shown))
    for picture, index in ((0, 4), (1, 1)):
        assert card.transfer_ranks[picture] == place(there[picture], index)
        assert card.transfer_probabilities[picture] == pytest.approx(float(there[picture].softmax(0)[index]), rel=1e-4)
    assert card.transfer_ranks[2:].tolist() == [0, 0]
    assert card.transfer_probabilities[2:].isnan().all()
    assert card.provenance.settings["other"] == {"network": "Turned", "weights": other.digest()}


class Turned(torch.nn.Module):
    """A network with its classes in the opposite order."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x).flip(1)


def test_without_names_a_class_is_asked_of_the_second_network_by_its_index() -> None:
    net, other, made = network(SmallCNN()), network(SmallCNN(), seed=1), given(pixels(photographs(1, seed=2)), PIXELS)
    card = score_card(net, made, iv.Logit(3), photographs(), other=other)
    assert card.transfer_ranks[0] == place(other.logits(made.pixels)[0], 3)


def test_the_distance_of_spectra_is_in_decibels() -> None:
    """Half the contrast around grey is 20 log 2 in every ring; a set of one has no other spectrum than its own."""
    arrays = photographs(1)
    shown = pixels(arrays)
    made = given(torch.cat([shown, 0.5 + (shown - 0.5) / 2]))
    card = score_card(planted(templates()), made, iv.Logit(0), arrays)
    torch.testing.assert_close(card.spectrum_distances, torch.tensor([0, 20 * np.log10(2)]).double(), atol=1e-3, rtol=0)
    assert card.natural_spectrum_distances.abs().max() < 1e-9


def test_the_spectrum_of_the_photographs_is_a_mean_of_decibels() -> None:
    shown = pixels(photographs(1))
    three = torch.cat([0.5 + (shown - 0.5) * factor for factor in (1, 0.5, 0.25)])
    card = score_card(planted(templates()), given(shown), iv.Logit(0), INPUT.normalise(three))
    assert card.spectrum_distances[0] == pytest.approx(20 * np.log10(2), abs=0.01)
    expected = torch.tensor([1.0, 0.0, 1.0]).double() * 20 * np.log10(2)
    torch.testing.assert_close(card.natural_spectrum_distances, expected, atol=0.05, rtol=0)


def test_what_rounding_hides_does_not_count() -> None:
    """An even picture is as far from itself with noise below half a level as it is from itself."""
    even = torch.full((1, 3, 8, 8), 0.4)
    noisy = even + 1e-4 * torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    card = score_card(planted(templates()), given(noisy), iv.Logit(0), [pixels_to_array(even)])
    assert card.spectrum_distances[0] == 0


def pixels_to_array(shown: torch.Tensor) -> np.ndarray:
    return (shown[0] * 255).round().byte().permute(1, 2, 0).numpy()


def test_white_noise_is_farther_from_natural_than_a_photograph(shared_data) -> None:
    files = sorted((shared_data / "photos").iterdir())[:12]
    net = sized(64)
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    card = score_card(net, given(noise, PIXELS), iv.Logit(0), files, views=PLAIN)
    assert card.spectrum_distances[0] > 1.5 * card.natural_spectrum_distances.max()


def test_a_larger_picture_is_scored_in_the_size_of_the_input() -> None:
    made = pixels(photographs(1, size=2 * SIZE))
    wanted = templates()
    card = score_card(planted(wanted), given(made), iv.Logit(0), photographs())
    shown = torch.nn.functional.interpolate(made, size=(SIZE, SIZE), mode="bilinear", antialias=True)
    assert card.scores[0] == pytest.approx(float(products(shown, wanted)[0, 0]), rel=1e-4)


def test_several_starts_of_each_question_stand_in_a_row() -> None:
    net, made = planted(templates()), given(pixels(photographs(4, seed=2)))
    two = score_card(net, made, [iv.Logit(1), iv.Logit(2)], photographs())
    four = score_card(net, made, iv.PerImage(tuple(iv.Logit(k) for k in (1, 1, 2, 2))), photographs())
    assert torch.equal(two.scores, four.scores)
    assert two.provenance.objective == ("class 1", "class 1", "class 2", "class 2")


@pytest.mark.parametrize("recipe", [iv.CLEAR, iv.LECTURE])
def test_the_pictures_that_were_synthesised_have_the_scores_that_the_result_says(recipe: iv.Recipe) -> None:
    """Also what lies beyond black and white, which is not what is shown."""
    net = sized(24)
    made = iv.synthesize(net, [iv.Channel("conv2", 1), iv.Logit(2)], recipe=recipe, steps=3)
    card = score_card(net, made, [iv.Channel("conv2", 1), iv.Logit(2)], photographs(3, size=24))
    torch.testing.assert_close(card.scores, made.scores, rtol=1e-4, atol=1e-5)
    assert card.provenance.settings["pictures"]["steps"] == 3


def test_photographs_come_from_a_folder_or_a_list_or_a_tensor(tmp_path) -> None:
    net, made, arrays = planted(templates()), given(pixels(photographs(1, seed=2))), photographs(3)
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    expected = score_card(net, made, iv.Logit(0), arrays)
    for others in (tmp_path, str(tmp_path), net.prepare(arrays)):
        torch.testing.assert_close(score_card(net, made, iv.Logit(0), others).natural, expected.natural)


@pytest.mark.usefixtures("unchecked_types")
def test_the_networks_are_untouched_also_after_an_exception() -> None:
    net, other, x = network(lived_in(SmallCNN())), network(lived_in(SmallCNN()), seed=1), images()
    made = given(pixels(photographs(2)), PIXELS)

    def asked() -> ScoreCard:
        return score_card(net, made, iv.Logit(1), photographs(3), other=other)

    before = fingerprint(net.module, x), fingerprint(other.module, x)
    asked()
    assert (fingerprint(net.module, x), fingerprint(other.module, x)) == before
    with failing(other.module, KeyboardInterrupt()):
        before = fingerprint(net.module, x), fingerprint(other.module, x)
        with pytest.raises(KeyboardInterrupt):
            asked()
        assert (fingerprint(net.module, x), fingerprint(other.module, x)) == before


def test_a_small_memory_changes_nothing(monkeypatch) -> None:
    net, made = network(SmallCNN()), given(pixels(photographs(3, seed=2)), PIXELS)
    expected = score_card(net, made, iv.Logit(1), photographs())
    room_for(4, net.module, monkeypatch)
    found = score_card(net, made, iv.Logit(1), photographs())
    torch.testing.assert_close(found.natural_transformed, expected.natural_transformed)
    torch.testing.assert_close(found.transformed, expected.transformed)


def test_what_cannot_be_scored_is_refused(tmp_path) -> None:
    net, made, arrays = network(SmallCNN(), labels=list("abcde")), given(pixels(photographs(2)), PIXELS), photographs(2)
    with pytest.raises(iv.InnerviewError) as refused:
        score_card(net, made, [iv.Logit(0)] * 3, arrays)
    assert str(refused.value) == (
        "give the questions that the pictures were made for: one for all 2, or one for each or for as many starts of "
        "each; got 3"
    )
    with pytest.raises(iv.InnerviewError) as refused:
        score_card(net, made, iv.Logit(0), tmp_path)
    assert str(refused.value) == f"a score card compares with at least one photograph; got none in {str(tmp_path)!r}"
    with pytest.raises(iv.InnerviewError) as refused:
        score_card(net, made, iv.Logit(0), arrays, other=network(SmallCNN()))
    assert str(refused.value) == "SmallCNN has no class names, so ask for an index; got 'a'"
    grey = iv.Network(SmallCNN(channels=1), replace(INPUT, mean=(0.5,), std=(1.0,)), name="grey")
    with pytest.raises(iv.InnerviewError) as refused:
        score_card(net, made, iv.Logit(0), arrays, other=grey)
    assert str(refused.value) == (
        "the second network sees pictures as the first one does; grey has 1 channels, SmallCNN has 3"
    )
