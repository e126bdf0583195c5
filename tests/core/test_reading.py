"""Text files of any editor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfr_core.nets.named import read_architecture
from sfr_core.reading import text_of
from sfr_core.runs.files import read_config

TEXT = 'one\r\n"zw\u00f6lf"\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x").write_bytes(TEXT.encode(encoding))
    assert text_of(tmp_path / "x") == TEXT


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"\xff", b"\x80abc"])
def test_what_is_no_text_is_an_error(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(ValueError, match="codec can't decode"):
        text_of(tmp_path / "x")


def test_an_architecture_and_a_config_may_begin_with_one(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{\r\n"name": "SmallResNet",\r\n"size": 8}', encoding="utf-8-sig")
    assert read_architecture(str(path)).size == (8, 8)
    config = {"model": "x", "forget": "class:a", "method": "finetune", "settings": {}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-16")
    assert read_config(tmp_path).forget == "class:a"
