"""A small file that several processes write at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sfr_core.hub.files import write_whole


def test_writers_at_the_same_time_leave_one_whole_file_and_nothing_else(tmp_path: Path) -> None:
    path, texts = tmp_path / "model.json", [letter * 50_000 for letter in "abcd"]

    def write(text: str) -> None:
        for _ in range(50):
            write_whole(path, text)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, texts))
    assert path.read_text(encoding="utf-8") in texts
    assert list(tmp_path.iterdir()) == [path]
