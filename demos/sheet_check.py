"""A foreign sheet of samples, checked before a browser is given it."""

from __future__ import annotations

import base64
import binascii
import struct

from sfr_core.errors import AssetError
from sfr_core.events import Sheet

MAX_TILES = 2_000
MAX_SIDE = 128
"""Pixels of a sample's side."""
MAX_SHEET = 2 * 1024**2
"""Characters of one sheet."""
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def check_sheet(sheet: Sheet, where: str) -> None:
    """Checks that a foreign sheet is a small PNG of just the tiles that it names, before a browser is given it.

    Raises:
        AssetError: it is not.
    """
    rows, rest = divmod(len(sheet.labels), sheet.columns) if sheet.columns > 0 else (0, 1)
    good = rest == 0 and rows > 0 and len(sheet.accepted) in (0, len(sheet.labels)) and len(sheet.labels) <= MAX_TILES
    good = good and 0 < sheet.side <= MAX_SIDE and len(sheet.png) <= MAX_SHEET
    try:
        head = base64.b64decode(sheet.png, validate=True)[:33]
        width, height = struct.unpack(">II", head[16:24])
        good = good and head[:16] == PNG_HEAD and (width, height) == (sheet.columns * sheet.side, rows * sheet.side)
    except (binascii.Error, ValueError, struct.error):
        good = False
    if not good:
        raise AssetError(
            f"The samples in {where} are not a sheet of pictures.",
            hint="Choose the events.jsonl that this program wrote.",
        )
