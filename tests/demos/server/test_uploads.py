"""The upload folder: what is old goes, what is young and what is not Gradio's stays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from demos.server.uploads import AGE, Uploads

NOW = 1_000_000.0


def put(path: Path, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    for made in (path, path.parent):
        os.utime(made, (NOW - age, NOW - age))
    return path


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "up", clock=lambda: NOW)


def test_what_is_old_goes_and_the_rest_stays(uploads: Uploads) -> None:
    old, young = AGE + 1, AGE - 1
    gone = [
        put(uploads.folder / "tmp1a2b3c4d", old),
        put(uploads.folder / ("a" * 64) / "pictures.zip", old),
        put(uploads.folder / "deep_links" / "x" / "state.json", old),
    ]
    stays = [
        put(uploads.folder / "tmp9a2b3c4d", young),
        put(uploads.folder / ("b" * 64) / "pictures.zip", young),
        put(uploads.folder / "mine.txt", old),
        put(uploads.folder / "other" / "tmp1a2b3c4d", old),
    ]
    os.utime(uploads.folder / "deep_links", (NOW - old, NOW - old))
    uploads.sweep()
    assert not any(path.exists() for path in gone)
    assert not (uploads.folder / ("a" * 64)).exists()
    assert all(path.exists() for path in stays)


def test_only_what_began_since_is_a_broken_part(uploads: Uploads) -> None:
    before, since = put(uploads.folder / "tmp1a2b3c4d", 60.0), put(uploads.folder / "tmp9a2b3c4d", 5.0)
    whole = put(uploads.folder / ("a" * 64) / "tmp1a2b3c4d", 5.0)
    uploads.drop_parts(since=NOW - 10)
    assert before.exists()
    assert whole.exists()
    assert not since.exists()


def test_parts_in_the_machines_own_folder_are_everybodys(monkeypatch: pytest.MonkeyPatch, uploads: Uploads) -> None:
    part = put(uploads.folder / "tmp1a2b3c4d", AGE + 1)
    monkeypatch.setattr(tempfile, "tempdir", str(uploads.folder))
    uploads.sweep()
    uploads.drop_parts(since=0.0)
    assert part.exists()


def test_a_folder_that_is_not_there_yet_has_the_room_of_its_disk(uploads: Uploads) -> None:
    uploads.sweep()
    assert uploads.free() > 0
    assert not uploads.folder.exists()
