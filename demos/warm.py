"""Torch and diffusers, loaded once and by one thread at a time: imports of diffusers that meet in two threads fail (a KeyError of its
lazy modules, seen with 0.42 on Python 3.11)."""

from __future__ import annotations

import importlib
import logging
import threading

LOG = logging.getLogger(__name__)
AFTER = 2.0
"""Seconds after the start, so that the page answers first."""
importing = threading.Lock()
"""Held by whoever may be the first to import torch or diffusers."""


def up() -> None:
    """Loads both in the background, so that the first run does not wait for them."""
    threading.Timer(AFTER, _load).start()


def _load() -> None:
    try:
        with importing:
            importlib.import_module("sfr_core.runner")
            importlib.import_module("diffusers.models.unets.unet_2d")  # four seconds that the first picture would take
    except Exception:
        LOG.exception("warm-up failed")
