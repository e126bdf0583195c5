"""Libraries are loaded once, and then left out of what a run's end looks through."""

from __future__ import annotations

import gc
import threading

import pytest

from demos.jobs import warm


def test_what_is_loaded_is_no_garbage_to_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "loaded", threading.Event())
    gc.unfreeze()
    warm.load(diffusers=False)
    assert warm.loaded.is_set()
    assert gc.get_freeze_count() > 100_000  # torch alone
    gc.unfreeze()
    warm.load(diffusers=False)  # a run may hold something by now
    assert gc.get_freeze_count() == 0
    gc.collect()
    gc.freeze()  # as tests/conftest.py left it
