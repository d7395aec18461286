"""`innerview layers`: a tree for people, a line for each layer for programs."""

import factory
import pytest
from factory import FACTORY


@pytest.mark.parametrize("name", ["small", "vit", "nested"])
def test_piped_rows_are_those_of_the_python_call(run, name: str) -> None:
    rows = run("layers", f"{FACTORY}:{name}").rows
    infos = getattr(factory, name)().layers()
    assert rows[0] == ["address", "kind", "shape", "parameters", "sees", "stride", "cam"]
    assert [row[0] for row in rows[1:]] == [info.name for info in infos]
    assert [row[1] for row in rows[1:]] == [info.kind for info in infos]
    assert [row[2] for row in rows[1:]] == ["x".join(map(str, info.output_shape)) for info in infos]
    assert [int(row[3]) for row in rows[1:]] == [info.parameters for info in infos]
    assert [row[6] for row in rows[1:]] == ["cam" if info.cam else "" for info in infos]
    assert [row[6] for row in rows[1:]].count("cam") == 1


def test_what_units_see(run) -> None:
    """Worked out by hand: 3 × 3, then 3 × 3 with stride 2, then all of the image."""
    sees = {row[0]: row[4:6] for row in run("layers", f"{FACTORY}:small").rows}
    assert (sees["conv1"], sees["conv2"], sees["fc"]) == (["3", "1"], ["5", "2"], ["all", ""])


def test_the_tree(in_terminal) -> None:
    """A container that never runs itself is a branch without facts."""
    assert in_terminal("layers", f"{FACTORY}:nested").out.splitlines() == [
        "layer       kind          shape  parameters  sees  stride",
        "├─ blocks",
        "│  ├─ 0     Sequential  4×15×15         112     3       2",
        "│  │  ├─ 0  Conv2d      4×15×15         112     3       2",
        "│  │  └─ 1  ReLU        4×15×15                 3       2",
        "│  └─ 1     Conv2d ●    4×15×13          52   3x7       2",
        "└─ fc       Linear            3          15   all",
        "",
        "An address joins the names with dots, as in blocks.0.0.",
        "● The layer that class activation maps use by default: blocks.1.",
    ]


def test_a_deep_network_fits_into_80_columns(in_terminal) -> None:
    lines = in_terminal("layers", "torchvision/resnet50").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert any(line.startswith("├─ layer4 ") and " Sequential ● " in line for line in lines)


def test_no_weights_are_fetched_unless_they_are_asked_for(run, monkeypatch) -> None:
    from innerview.errors import DownloadError
    from innerview.network.sources import zoo

    def refuse(*_: object) -> None:
        raise DownloadError("fetched")

    monkeypatch.setattr(zoo, "_downloaded", refuse)
    assert run("layers", "torchvision/squeezenet1_1").code == 0
    assert run("predict", "a.png", "--network", "torchvision/squeezenet1_1").err == "innerview: fetched\n"


def test_the_network_can_be_an_option_too(run) -> None:
    assert run("layers", "--network", "builtin/lenet") == run("layers", "builtin/lenet")


def test_the_layer_for_maps_of_a_transformer_is_named(in_terminal) -> None:
    assert "class activation maps use by default: patches." in in_terminal("layers", f"{FACTORY}:vit").out


def test_imagenets_network_is_the_default(run) -> None:
    assert run("layers") == run("layers", "builtin/efficientnet-lite0")
    assert run("layers").rows[1][0] == "stem"
