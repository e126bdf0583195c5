"""What a reader sees of some HTML."""

from __future__ import annotations

import re
from html import unescape


def seen(markup: str) -> str:
    """All text, whatever elements it stands in, with one space for each gap."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup))).strip()
