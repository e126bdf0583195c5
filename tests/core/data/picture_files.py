"""Pictures of one colour, and folders and zips of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image


def picture(value: int | tuple[int, ...], mode: str = "L", size: tuple[int, int] = (4, 4)) -> bytes:
    return encoded(Image.new(mode, size, value))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


TRAIN_TEST = {
    "train/a/1.png": picture(0),
    "train/a/2.png": picture(255),
    "train/b/1.png": picture(0),
    "test/a/1.png": picture(10),
    "test/b/1.png": picture(20),
}
