"""The colours of static/tokens.css for figures that Python draws."""

from __future__ import annotations

import re
from functools import cache

from demos.static_files import read


@cache
def _light() -> dict[str, str]:
    """Every colour by name, as it is on a light page: the first value in the file."""
    found = re.findall(r"--pg-([\w-]+): ([^;]+);", read("tokens.css"))
    return dict(reversed(found))


def token(name: str) -> str:
    """A colour of tokens.css on a light page, as "#rrggbb".

    Raises:
        KeyError: there is none of this name.
    """
    value = _light()[name]
    alias = re.fullmatch(r"var\(--pg-([\w-]+)\)", value)
    return token(alias.group(1)) if alias else value
