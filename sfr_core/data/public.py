"""Whether strangers use this program: then only what was chosen for them is offered."""

from __future__ import annotations

import os

SWITCH = "PLAYGROUND_PUBLIC"
"""Environment variable: 1 or 0; without it a Hugging Face Space (SPACE_ID) is public and any other machine is not."""


def public_mode() -> bool:
    """True on a public page: a fixed list of concepts and of models of the Hub, and no free prompts for these."""
    said = os.environ.get(SWITCH, "").strip().casefold()
    if said:
        return said not in {"0", "false", "no", "off"}
    return bool(os.environ.get("SPACE_ID"))
