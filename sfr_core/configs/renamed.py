"""Files of before SFR-on redirected was a method of its own: its runs are called ``sfr-on`` there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SFRON, REDIRECTED = "sfr-on", "sfr-on-redirected"
SWITCHED_OFF: Mapping[str, Any] = {
    "other": "next",
    "remain_loss": "data",
    "recall_weights": "equal",
    "forget_until": None,
    "forget_steps": None,
    "forget_down_to": None,
    "lr_warmup": 0,
}
"""Settings that such files have of ours, with the values at which a run is SFR-on's own."""


def renamed(method: str, settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Method and settings as they are called today, by the settings: the values stay, and what SFR-on no longer names goes.

    Of another method, and of files of today, they come back as they are.
    """
    ours = {name: value for name, value in settings.items() if name in SWITCHED_OFF}
    if method != SFRON:
        return method, dict(settings)
    if settings.get("forget_loss") == "relative" or any(ours[name] != SWITCHED_OFF[name] for name in ours):
        return REDIRECTED, dict(settings)
    return SFRON, {name: value for name, value in settings.items() if name not in ours}
