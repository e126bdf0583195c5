"""Small files that several processes may write at once: a launcher starts every one of them on the same model."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, text: str) -> None:
    """Puts a text file there in one move, so that a reader finds the old one or the new one, whoever else writes it now."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
