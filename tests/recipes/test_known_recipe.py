"""The recipe of assets/known: entries that one machine made hold on all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recipes.known import publish
from sfr_core.runs.known import Key, Known


def test_entries_of_this_machine_are_published_for_all(tmp_path: Path) -> None:
    for folder in ("cache", "shipped"):
        (tmp_path / folder).mkdir()
    known = Known(tmp_path / "cache", tmp_path / "shipped")
    known.put(Key({"what": "samples"}, "this"), {"images": np.arange(3)})
    other = Key({"what": "samples"}, "another")
    assert known.get(other) is None
    (made,) = publish(tmp_path / "cache", tmp_path / "shipped")
    assert made.name == other.file(anywhere=True)
    found = known.get(other)
    assert found is not None
    assert np.array_equal(found["images"], [0, 1, 2])
