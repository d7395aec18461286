"""The templates of everything that is HTML: whatever is put into them is escaped."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


@cache
def templates() -> Environment:
    """The folder `templates`; a name that a template lacks is an error."""
    environment = Environment(
        loader=PackageLoader("innerview.show.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    return environment


def _breakable(name: str) -> Markup:
    """The escaped name, with places where a line may end."""
    return Markup(re.sub(r"([/_.-])", r"\1<wbr>", str(escape(name))))  # noqa: S704 - escaped right here
