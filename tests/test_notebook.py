"""The notebook of the documentation runs as it is, without a connection, and its outputs show what they should."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first-look.ipynb"
OFFLINE = """
import socket

def refused(connect):
    def only_here(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            raise OSError(f"the notebook is offline; it wants {address}")
        return connect(self, address)
    return only_here

socket.socket.connect = refused(socket.socket.connect)
socket.socket.connect_ex = refused(socket.socket.connect_ex)
"""


def cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [each for each in notebook.cells if each.cell_type == "code"]


def shown(cell: NotebookNode) -> dict[str, str]:
    """What stands below a cell, by its kind: the last result."""
    (result,) = [each for each in cell.outputs if each.output_type == "execute_result"]
    return result.data


@pytest.fixture(scope="module")
def kept() -> NotebookNode:
    """The notebook with the outputs that are kept in its file."""
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The same notebook, run anew in a kernel of its own."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in cells(notebook):
        cell.outputs = []
    notebook.cells.insert(0, nbformat.v4.new_code_cell(OFFLINE))
    place = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    del notebook.cells[0]
    return notebook


@pytest.mark.parametrize("outputs", ["kept", "run"])
def test_results_show_pictures_and_nothing_goes_wrong(outputs: str, request: pytest.FixtureRequest) -> None:
    notebook = request.getfixturevalue(outputs)
    assert not [each for cell in cells(notebook) for each in cell.outputs if each.output_type in ("error", "stream")]
    network, prediction, *rest = map(shown, cells(notebook))
    assert "All 56 layers, nested ones included" in network["text/html"]
    assert "label='bow tie'" in prediction["text/plain"]
    for data in rest:
        if "image/png" not in data:  # several results as one figure
            assert re.search(r'<img src="data:image/png;base64,[\w+/=]{9999,}" alt="\w+, [^"]+"', data["text/html"])
            assert "<figcaption" in data["text/html"]
    kinds = [data["text/plain"].partition("(")[0].split()[0] for data in rest]
    assert kinds == ["Attribution", "<Sheet", "Activations", "Synthesis", "Attack", "SphereTest"]


def test_what_is_kept_is_what_a_run_gives(kept, run) -> None:
    """Up to the numbers, which differ in the last digits from processor to processor."""
    assert [cell.source for cell in cells(kept)] == [cell.source for cell in cells(run)]
    for one, other in zip(map(shown, cells(kept)), map(shown, cells(run)), strict=True):
        assert one.keys() == other.keys()
        words = [re.sub(r"[\d.e-]+", "#", data["text/plain"]) for data in (one, other)]
        assert words[0] == words[1]


def test_a_bar_shows_how_far_it_is_and_leaves_nothing(run) -> None:
    (bar,) = [each for each in cells(run)[5].outputs if each.output_type == "display_data"]
    assert bar.data == {"text/html": "", "text/plain": ""}


def test_it_is_small_and_has_been_run_in_order() -> None:
    assert NOTEBOOK.stat().st_size < 1_000_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert [each.execution_count for each in cells(notebook)] == list(range(1, 9))
    assert notebook.metadata.kernelspec.name == "python3"
    assert str(Path.home()) not in NOTEBOOK.read_text("utf-8")
