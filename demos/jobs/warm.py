"""Torch and diffusers, loaded by one thread at a time: imports of diffusers that meet in two threads fail (a KeyError of its lazy
modules, seen with 0.42 on Python 3.11)."""

from __future__ import annotations

import gc
import importlib
import logging
import threading

LOG = logging.getLogger(__name__)
AFTER = 2.0
"""Seconds after the start, so that the page answers first."""
RUNNER = ("sfr_core.runs.runner", "sfr_core.runs.expect", "sfr_core.runs.session", "sfr_core.ops.device")
DIFFUSERS = (
    "diffusers.models.unets.unet_2d",
    "diffusers.models.unets.unet_2d_condition",
    "diffusers.models.transformers.dit_transformer_2d",
)
"""Of the first one, four seconds that the first picture would take."""
_importing = threading.Lock()
loaded = threading.Event()
"""Torch and what a run needs are there."""


def up() -> None:
    """Loads both in the background, so that the first run does not wait for them."""
    threading.Timer(AFTER, _load).start()


def load(*, diffusers: bool) -> None:
    """Loads torch and what a run needs, with `diffusers` its networks too; waits for whoever is loading. Nothing but imports happens
    here, so that nobody waits for a network or a model, and no run holds anything before the first of them has ended."""
    with _importing:
        for name in (*RUNNER, *(DIFFUSERS if diffusers else ())):
            importlib.import_module(name)
        if not loaded.is_set():
            # What modules hold stays, so that nobody looks through it again: at a run's end that took 0.2 s, in which no page answered.
            gc.collect()
            gc.freeze()
        loaded.set()


def _load() -> None:
    try:
        load(diffusers=True)
    except Exception:
        LOG.exception("warm-up failed")
