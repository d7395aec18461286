"""`innerview activations`."""

from pathlib import Path

import factory
import torch
from PIL import Image

import innerview as iv


def test_a_figure_and_a_line_for_each_layer(run, small, photos) -> None:
    ended = run("activations", photos[0], *small)
    assert ended.code == 0
    assert ended.rows[0] == ["layer", "shape", "above 0", "dead channels"]
    assert ended.rows[-1] == ["wrote innerview-activations-one.png"]
    found = iv.activations(net := factory.small(), net.prepare(photos[0]))
    assert [row[0] for row in ended.rows[1:-1]] == list(found)
    for row in ended.rows[1:-1]:
        statistics = found.statistics(row[0])
        assert row[2:] == [f"{statistics.active.mean():.0%}", str(int(statistics.dead.sum()))]
    with Image.open("innerview-activations-one.png") as picture:
        assert min(picture.size) > 200


def test_the_raw_values(run, small, photos) -> None:
    assert run("activations", photos[0], "--layer", "conv2", "--out", "a.safetensors", *small).code == 0
    net = factory.small()
    expected = iv.activations(net, net.prepare(photos[0]), ["conv2"])
    assert torch.equal(iv.read("a.safetensors")["conv2"], expected["conv2"])


def test_settings_change_the_figure(run, small, photos) -> None:
    settings = [
        [],
        ["--channels", "selective", "--count", "2"],
        ["--channels", "1,0", "--scale", "each"],
        ["--over", "--pixel", "3", "4"],
        ["--channels", "random", "--seed", "7", "--layer", "conv1", "--layer", "fc"],
    ]
    for number, options in enumerate(settings):
        assert run("activations", photos[0], "--out", f"{number}.png", *options, *small).code == 0
    assert len({Path(f"{number}.png").read_bytes() for number in range(len(settings))}) == len(settings)


def test_compared_with_a_second_image(run, small, photos) -> None:
    ended = run("activations", photos[0], "--compare", photos[1], *small)
    assert ended.code == 0
    assert ended.rows[0] == ["layer", "differs by"]
    net = factory.small()
    distances = iv.compare(net, *map(net.prepare, photos)).distances()
    assert ended.rows[1:-1] == [[name, f"{each.item():.1%}"] for name, each in distances.items()]


def test_mistakes_end_with_one_sentence(run, small, photos) -> None:
    ended = run("activations", photos[0], "--channels", "best", *small)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "innerview: channels are given as a number of them, 20, a range, 32-63, or a list, 3,5,8; got 'best'\n"
    )
    assert run("activations", "none.png", *small).code == 2
    assert run("activations", photos[0], "--out", photos[0], *small).code == 2


def test_two_images_are_written_as_values(run, small, photos) -> None:
    ended = run("activations", photos[0], "--compare", photos[1], "--layer", "conv2", "--out", "x.safetensors", *small)
    assert ended.code == 0
    net = factory.small()
    expected = iv.compare(net, net.prepare(photos[0]), net.prepare(photos[1]), ["conv2"])
    assert torch.equal(iv.read("x.safetensors").difference("conv2"), expected.difference("conv2"))
