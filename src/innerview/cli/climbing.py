"""The options that say how pictures come about."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from cyclopts import Group, Parameter

import innerview as iv

from ..errors import SettingError
from .flags import NAME, NUMBER, Seed
from .flowing import flowing

PICTURES = Group("Pictures", sort_key=1)


@Parameter(name="*", group=PICTURES)
@flowing
@dataclass(frozen=True, kw_only=True)
class ClimbingOptions:
    """How the pictures come about.

    Attributes:
        recipe: clear (large forms, seen much shifted, resized and turned), lucid (finer forms, seen less so), lecture
            (plain pixels with a prior against edges) or maco (the spectrum of natural images, seen in parts).
        steps: how many steps each picture climbs, by default as many as the recipe says, and half as many for the small
            ones of innerview grid.
    """

    recipe: Annotated[str, NAME] = "clear"
    steps: Annotated[int | None, NUMBER] = None
    seed: Seed = 0

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the functions that make pictures; `SettingError` if there is no such recipe."""
        return {"recipe": self._named, "steps": self.steps, "seed": self.seed}

    @property
    def chosen(self) -> "iv.Recipe":
        """The recipe of this name with so many steps."""
        return self._named if self.steps is None else replace(self._named, steps=self.steps)

    @property
    def _named(self) -> "iv.Recipe":
        if self.recipe.lower() not in iv.RECIPES:
            raise SettingError(f"no recipe {self.recipe!r}; the recipes are {', '.join(iv.RECIPES)}")
        return iv.RECIPES[self.recipe.lower()]


AS_USUAL = ClimbingOptions()
"""What is used where nothing is asked for."""
