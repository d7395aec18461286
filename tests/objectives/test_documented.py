"""What the documentation says of objectives: every kind, and texts that are read."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import innerview as iv
from innerview.network.seen import Seen
from innerview.objectives import parse_objectives

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "objectives.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
TYPED = re.compile(r"""--objective ("[^"`]+"|[^\s`"]+)""")


@pytest.mark.parametrize("kind", iv.OBJECTIVES)
def test_every_kind_has_its_row(kind: str) -> None:
    of = iv.OBJECTIVES[kind]
    row = next(line for line in PAGE.splitlines() if f"`{of.form}`" in line.replace("\\|", "|"))
    assert f"iv.{of.__name__}(" in row


def test_what_is_typed_in_the_documentation_is_read() -> None:
    typed = [text.strip('"') for page in PAGES for text in TYPED.findall(page.read_text("utf-8"))]
    for text in typed:
        assert parse_objectives(text)
    assert len(typed) > 8


def test_the_objective_of_ones_own_is_read_and_asked() -> None:
    code = PAGE[PAGE.index("@dataclass") :].partition("```")[0]
    names = {"iv": iv, "dataclass": dataclass}
    exec(code, names)
    try:
        why = iv.parse_objective("spread:layer3,2.0 - logit:1")
    finally:
        del iv.OBJECTIVES["spread"]
    assert str(why) == "spread:layer3,2.0 - logit:1"
    maps, scores = torch.rand(2, 3, 4, 4), torch.rand(2, 5)
    torch.testing.assert_close(why(Seen({"layer3": maps}, scores)), maps.flatten(1).var(1) - scores[:, 1])
    with pytest.raises(iv.SettingError, match=r"power is a number; got nan"):
        names["Spread"]("layer3", float("nan"))
