"""Entries on disk: found by their whole key, bounded, whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sfr_core.runs.known import Key, Known, user_folder, write
from sfr_core.runs.known import known as entries

ABOUT = {"what": "samples", "weights": {"model.safetensors": "0" * 64}, "seed": 1, "prompts": ["a cat", "ein Bär"]}
ARRAYS = {"images": np.arange(12, dtype=np.uint8).reshape(2, 2, 3), "labels": np.array([3, 4])}


@pytest.fixture
def known(tmp_path: Path) -> Known:
    (tmp_path / "mine").mkdir()
    (tmp_path / "shipped").mkdir()
    return Known(tmp_path / "mine", tmp_path / "shipped", most_bytes=22_000)


def key(machine: str = "this", **changes: object) -> Key:
    return Key({**ABOUT, **changes}, machine)


def test_an_entry_comes_back_bit_by_bit_and_only_for_its_whole_key(known: Known) -> None:
    known.put(key(), ARRAYS)
    found = known.get(key())
    assert found is not None
    assert all(np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == ARRAYS[name].dtype for name in ARRAYS)
    assert known.get(key(seed=2)) is known.get(key("another")) is None


def test_a_shipped_entry_holds_on_every_machine_and_gives_way_to_one_of_this(known: Known, tmp_path: Path) -> None:
    write(tmp_path / "shipped" / key().file(anywhere=True), key().text(anywhere=True), ARRAYS)
    for machine in ("this", "another"):
        found = known.get(key(machine))
        assert found is not None
        assert np.array_equal(found["labels"], [3, 4])
    known.put(key(), {**ARRAYS, "labels": np.array([5, 6])})
    found = known.get(key())
    assert found is not None
    assert np.array_equal(found["labels"], [5, 6])


def test_the_entries_read_longest_ago_make_room(known: Known, tmp_path: Path) -> None:
    big = {"images": np.frombuffer(np.random.default_rng(0).bytes(6000), np.uint8)}
    for age, seed in ((30, 1), (20, 2), (10, 3)):
        known.put(key(seed=seed), big)
        path = tmp_path / "mine" / key(seed=seed).file()
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    assert known.get(key(seed=1)) is not None  # read last now
    known.put(key(seed=4), big)
    assert [known.get(key(seed=seed)) is not None for seed in (1, 2, 3, 4)] == [True, False, True, True]
    assert sum(path.stat().st_size for path in (tmp_path / "mine").iterdir()) <= 22_000


def test_a_damaged_entry_is_no_entry_and_a_lost_folder_loses_nothing(known: Known, tmp_path: Path) -> None:
    known.put(key(), ARRAYS)
    (tmp_path / "mine" / key().file()).write_bytes(b"PK\x03\x04" + b"\xff" * 40)
    assert known.get(key()) is None
    write(tmp_path / "mine" / key().file(), key(seed=2).text(), ARRAYS)  # of another key
    assert known.get(key()) is None
    gone = Known(tmp_path / "gone", tmp_path / "shipped")
    gone.put(key(), ARRAYS)
    assert gone.get(key()) is None
    nobodys = Known(None, tmp_path / "shipped")
    nobodys.put(key(), ARRAYS)
    assert nobodys.get(key()) is None


def test_where_the_entries_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.delenv("UNLEARNING_CACHE", raising=False)
    assert user_folder() == tmp_path / "caches" / "unlearning-playground"
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path / "here"))
    assert user_folder() == tmp_path / "here"
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNLEARNING_CACHE", str(tmp_path / "file" / "below"))
    assert user_folder() is None


def test_off_reads_no_shipped_entry_either(known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shipped" / key().file(anywhere=True), key().text(anywhere=True), ARRAYS)
    monkeypatch.setenv("UNLEARNING_CACHE", "off")
    assert entries().get(key()) is None
