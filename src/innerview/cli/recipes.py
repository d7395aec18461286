"""The settings of synthesis by the name of a recipe."""

from typing import TYPE_CHECKING

from ..errors import SettingError

if TYPE_CHECKING:
    from ..synthesis.recipe import Recipe


def recipe_named(name: str) -> "Recipe":
    """The recipe of this name; `SettingError` with the names if there is none."""
    from ..synthesis.recipe import RECIPES

    if name.lower() not in RECIPES:
        raise SettingError(f"no recipe {name!r}; the recipes are {', '.join(RECIPES)}")
    return RECIPES[name.lower()]
