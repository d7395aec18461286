"""The sphere test, against the closed form of a half-space."""

import pytest
import torch
from linear_networks import COLOURED, linear, middling
from scipy.special import betainc

import innerview as iv
from fingerprint import fingerprint
from innerview.adversarial.attack import attack
from innerview.adversarial.deepfool import DeepFool
from innerview.adversarial.gradient_steps import FGSM, PGD
from innerview.adversarial.sphere import sphere
from innerview.errors import ImageError, SettingError
from innerview.progress import listening
from small_networks import SmallCNN, network
from trouble import failing, lived_in


def shown(count: int = 3, seed: int = 4) -> torch.Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("radius", [2.0, 5.0])
def test_the_share_that_keeps_its_class_is_that_of_a_spherical_cap(radius: float) -> None:
    """A plane at distance d cuts off the share ½ I(1 − (d/r)²; (n − 1)/2, ½) of a sphere of radius r."""
    net, x, overshoot, samples = linear(), middling(2), 0.01, 4000
    result = sphere(net, x, attack(net, x, DeepFool(overshoot=overshoot)), samples=samples, radius=radius)
    height = 1 / ((1 + overshoot) * radius)
    cut = 0.5 * betainc(47 / 2, 0.5, 1 - height**2)
    spread = (cut * (1 - cut) / samples) ** 0.5
    assert result.share.tolist() == pytest.approx([1 - cut] * 2, abs=4 * spread)


def test_all_points_lie_at_the_radius_and_go_through_the_network_once() -> None:
    net, x = linear(), middling(2)
    found = attack(net, x, FGSM(0.02))
    points = []
    net.module.register_forward_pre_hook(lambda module, given: points.append(given[0]))
    result = sphere(net, x, found, samples=70, radius=3)
    points = [each for each in points if each.shape[0] > 1]  # without the pass that measures the layers
    away = [COLOURED.display(torch.cat(points)[image * 70 :][:70]) - found.before[image] for image in (0, 1)]
    for image in (0, 1):
        distance = away[image].flatten(1).norm(dim=1)
        torch.testing.assert_close(distance, 3 * found.distance[[image]].expand(70))
        torch.testing.assert_close(result.radii[image], 3 * found.distance[image])
        assert away[image].mean(0).abs().max() < 0.5 * away[image].abs().max()  # in all directions
    torch.testing.assert_close(away[0], away[1])  # the same for every image


def test_a_point_that_is_brought_back_to_the_image_keeps_its_class() -> None:
    net, x = network(SmallCNN()), shown()
    result = sphere(net, x, attack(net, x, PGD(0.1)), samples=5, radius=0)
    assert result.share.tolist() == [1, 1, 1]


def test_the_counts_do_not_depend_on_the_batch_or_the_neighbours(monkeypatch) -> None:
    net, x = linear(5), middling()
    found = attack(net, x, FGSM(0.05))
    expected = sphere(net, x, found, samples=50, radius=8)
    assert expected.counts.sum(1).tolist() == [50] * 3
    assert (expected.share < 1).any()
    monkeypatch.setattr(iv.Network, "batch_size", lambda *_, **__: 7)
    assert torch.equal(sphere(net, x, found, samples=50, radius=8).counts, expected.counts)
    alone = sphere(net, x[[1]], attack(net, x[[1]], FGSM(0.05)), samples=50, radius=8)
    assert torch.equal(alone.counts[0], expected.counts[1])
    other = sphere(net, x, found, samples=50, radius=8, seed=1)
    assert not torch.equal(other.counts, expected.counts)


def test_the_ranking_names_the_classes_and_the_file_keeps_them(tmp_path) -> None:
    net, x = network(SmallCNN(), labels=["ox", "bison", "gnu", "yak", "cow"]), shown()
    result = sphere(net, x, attack(net, x, PGD(0.3)), samples=40, radius=8)
    result.save(tmp_path / "sphere.safetensors")
    again = iv.read(tmp_path / "sphere.safetensors")
    for image in range(3):
        ranking = again.ranking(image)
        assert ranking == result.ranking(image)
        assert sum(count for _, count in ranking) == 40
        assert [count for _, count in ranking] == sorted((count for _, count in ranking), reverse=True)
        assert dict(ranking) == {
            net.label(index): count for index, count in enumerate(result.counts[image].tolist()) if count
        }
    assert again.provenance == result.provenance
    assert again.provenance.settings["attack"]["name"] == "PGD"


@pytest.mark.usefixtures("unchecked_types")  # the checker draws from `random`
@pytest.mark.parametrize("error", [None, RuntimeError("broken layer"), KeyboardInterrupt()])
def test_the_network_stays_as_it_was(error: BaseException | None) -> None:
    net, x = network(lived_in(SmallCNN())), shown()
    found = attack(net, x, FGSM())
    if error is None:
        before = fingerprint(net.module, x)
        sphere(net, x, found, samples=5)
        assert fingerprint(net.module, x) == before
        return
    with failing(net.module, error):
        before = fingerprint(net.module, x)
        with pytest.raises(type(error)):
            sphere(net, x, found, samples=5)
        assert fingerprint(net.module, x) == before


def test_progress_is_heard_and_ends_at_the_total() -> None:
    net, x = network(SmallCNN()), shown()
    found, heard = attack(net, x, FGSM()), []
    with listening(lambda *what: heard.append(what[:3])):
        sphere(net, x, found, samples=33)
    assert heard[0] == ("around the image", 0, 99)
    assert heard[-1] == ("around the image", 99, 99)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"samples": 0}, "samples is a whole number, at least 1; got 0"),
        ({"radius": -1.0}, "radius is a number, at least 0; got -1.0"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: dict, sentence: str) -> None:
    net, x = network(SmallCNN()), shown(1)
    with pytest.raises(SettingError) as refused:
        sphere(net, x, attack(net, x, FGSM()), **settings)
    assert str(refused.value) == sentence


def test_other_images_than_those_attacked_are_refused() -> None:
    net, x = network(SmallCNN()), shown()
    found = attack(net, x, FGSM())
    for other in (x[:2], x.flip(0)):
        with pytest.raises(ImageError) as refused:
            sphere(net, other, found)
        assert str(refused.value) == "a sphere is around the images that were attacked; these are others"
