"""Run files from a visitor: read, checked to the last number, and kept per visitor for looking at. Nothing is computed.

A file is foreign: sizes are capped before and while unpacking, names in a zip are compared and never used as paths, and
every value must have the type that its record declares, so that nothing but numbers reaches a number's place.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import secrets
import struct
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from demos.records.record import RunRecord, dataset_of, labels_of, result_in
from sfr_core.catalog import BY_KIND
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, PlaygroundError, reason
from sfr_core.events import Event, MaskReady, Preview, Sheet, from_json
from sfr_core.results import RunResult

MAX_BYTES = 24 * 1024**2
"""Most bytes of all files of one import, unpacked; a generator's events hold a sheet of some 100 kB every few steps."""
MAX_EVENTS = 30_000
MAX_PARTS = 2_000
"""Most pictures of a preview and most layers of a mask."""
LONGEST_INT, LARGEST_FLOAT = 15, 3.5e38
"""Digits of a whole number that JavaScript holds exactly; what single precision holds."""
NAMES = ("config.json", "result.json", "events.jsonl")
HINT = "Choose config.json, result.json or events.jsonl of one run, or the zip of its folder."


def read_files(paths: Sequence[Path]) -> RunRecord:
    """One run from its files, in any order and number; what a file is follows from its content.

    Raises:
        AssetError: not run files, damaged, too large, or of different runs.
    """
    texts: list[tuple[str, str]] = []
    for path in paths:
        if zipfile.is_zipfile(path):
            texts += _unpack(path)  # its weights may be large; they are not unpacked
        elif path.stat().st_size > MAX_BYTES:
            raise AssetError(f"{_short(path.name)} is too large for a run file.", hint=HINT)
        else:
            texts.append((path.name, _decode(path.name, path.read_bytes())))
    if not texts:
        raise AssetError("There is no run file in it.", hint=HINT)
    return _assemble([_parse(name, text) for name, text in texts])


def _unpack(path: Path) -> list[tuple[str, str]]:
    """The run files of a zip, wherever they lie in it; stops as soon as they unpack to more than MAX_BYTES."""
    left, out = MAX_BYTES, []
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.rsplit("/", 1)[-1]
                if name not in NAMES or info.is_dir():
                    continue
                with archive.open(info) as member:
                    raw = member.read(left + 1)
                left -= len(raw)
                if left < 0:
                    raise AssetError("The zip unpacks to too much for a run.", hint=HINT)
                out.append((name, _decode(name, raw)))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise AssetError(f"The zip cannot be read ({reason(error)}).", hint=HINT) from None
    except Exception as error:  # zlib.error and its relatives for damaged members
        if isinstance(error, AssetError):
            raise
        raise AssetError("The zip is damaged.", hint=HINT) from None
    if len({name for name, _ in out}) < len(out):
        raise AssetError("The zip holds more than one run.", hint=HINT)
    return out


def _decode(name: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AssetError(f"{_short(name)} is not a text file.", hint=HINT) from None


def _loads(text: str) -> Any:
    """JSON; a number that no run measures or that a browser cannot hold is infinite, which its field then refuses.

    Raises:
        ValueError: no JSON.
    """

    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not a number")

    def whole(digits: str) -> float:
        return int(digits) if len(digits) <= LONGEST_INT else math.inf

    def fraction(digits: str) -> float:
        value = float(digits)
        return value if abs(value) <= LARGEST_FLOAT else math.inf

    return json.loads(text, parse_constant=refuse, parse_int=whole, parse_float=fraction)


def _parse(name: str, text: str) -> RunConfig | RunResult | tuple[Event, ...]:
    """Tells the three kinds of file apart and reads one."""
    try:
        data = _loads(text)
    except RecursionError:
        raise AssetError(f"{_short(name)} is not a run file.", hint=HINT) from None
    except ValueError:
        return _parse_events(name, text)
    if isinstance(data, dict) and "event" in data:
        return _parse_events(name, text)
    if isinstance(data, dict) and "before" in data:
        result = RunResult.from_json(data, "result.json")
        _config(result.config)
        return result
    if isinstance(data, dict) and "settings" in data:
        return _config(data)
    raise AssetError(f"{_short(name)} is JSON, but not of a run.", hint=HINT)


def _parse_events(name: str, text: str) -> tuple[Event, ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise AssetError(f"{_short(name)} is empty.", hint=HINT)
    if len(lines) > MAX_EVENTS:
        raise AssetError(f"{_short(name)} holds more than {MAX_EVENTS:,} events.", hint=HINT)
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            data = _loads(line)
        except (ValueError, RecursionError):
            raise AssetError(f"Line {number} of {_short(name)} cannot be read.", hint=HINT) from None
        event = from_json(data, f"line {number} of {_short(name)}")
        if isinstance(event, MaskReady) and any(len(x.kept_at) != len(event.thresholds) for x in event.layers):
            raise AssetError(f"Line {number} counts other thresholds than it names.", hint=HINT)
        if isinstance(event, Preview) and event.sheet is not None:
            check_sheet(event.sheet, f"line {number} of {_short(name)}")
        if (isinstance(event, MaskReady) and len(event.layers) > MAX_PARTS) or (
            isinstance(event, Preview) and len(event.predictions) > MAX_PARTS
        ):
            raise AssetError(f"Line {number} of {_short(name)} is too long to be shown.", hint=HINT)
        events.append(event)
    return tuple(events)


def _config(data: Any) -> RunConfig:
    """A run config; unlike for starting a run, an unknown model is fine, but the method's fields must be right.

    Raises:
        AssetError: with the reason.
    """
    try:
        config = RunConfig.from_json(data)
        _check_settings(config)
    except PlaygroundError as error:
        raise AssetError(f"The config of this run cannot be read: {error.message}", hint=error.hint or HINT) from None
    return config


def _check_alike(result: RunResult) -> None:
    """Before and after must be measured alike: they are compared number by number.

    Raises:
        AssetError: they are not.
    """
    before, after = result.before, result.after
    alike = type(before) is type(after)
    for name in ("TA_forget", "TA_remain"):
        alike = alike and (getattr(before, name, None) is None) == (getattr(after, name, None) is None)
    if not alike:
        raise AssetError("The result measures other things after the run than before it.", hint=HINT)


def _check_settings(config: RunConfig) -> None:
    """The settings must be those of the method for some kind of model; a method of another version is let through.

    Raises:
        InputError: no kind of model accepts them.
    """
    error: PlaygroundError | None = None
    for table in BY_KIND.values():
        if config.method in table:
            try:
                table[config.method].config_cls.from_dict(config.settings)
                return
            except PlaygroundError as refused:
                error = error or refused
    if error is not None:
        raise error


def _assemble(parts: Sequence[RunConfig | RunResult | tuple[Event, ...]]) -> RunRecord:
    """One record from the parts, each kind at most once."""
    kinds = [type(part) for part in parts]
    if len(set(kinds)) < len(kinds):
        raise AssetError("These files belong to more than one run.", hint=HINT)
    by_kind: dict[Any, Any] = dict(zip(kinds, parts, strict=True))
    events: tuple[Event, ...] = by_kind.get(tuple, ())
    result: RunResult | None = by_kind.get(RunResult)
    said = result_in(events)
    if result is not None and said is not None and result != said:
        raise AssetError("result.json and events.jsonl are of different runs.", hint=HINT)
    result = result or said
    if result is not None:
        _check_alike(result)
    config: RunConfig | None = by_kind.get(RunConfig)
    told = _config(result.config) if result is not None else None
    if config is not None and told is not None and config != told:
        raise AssetError("config.json and the result are of different runs.", hint=HINT)
    config = config or told
    if config is None:
        raise AssetError("These events do not say which run they are of.", hint="Choose its config.json as well.")
    dataset, spec, roles = labels_of(config, dataset_of(config.model))
    return RunRecord(
        key="import-" + secrets.token_hex(16),
        config=config,
        state="imported",
        result=result,
        events=events,
        dataset=dataset,
        spec=spec,
        roles=roles,
    )


def _short(name: str) -> str:
    """A file name for a sentence: printable and short."""
    clean = "".join(c for c in name if c.isprintable())
    return clean if len(clean) <= 40 else clean[:37] + "..."


class Imports:
    """Imported runs by visitor, in memory; the oldest make room.

    Args:
        per_visitor, in_all: most runs kept.
    """

    def __init__(self, per_visitor: int = 5, in_all: int = 30) -> None:
        self._per_visitor, self._in_all = per_visitor, in_all
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[str, RunRecord]] = OrderedDict()

    def add(self, visitor: str, record: RunRecord) -> RunRecord:
        """Keeps a record under a fresh key."""
        record = replace(record, key="import-" + secrets.token_hex(16))
        with self._lock:
            mine = [key for key, (owner, _) in self._kept.items() if owner == visitor]
            for key in mine[: max(0, len(mine) + 1 - self._per_visitor)]:
                del self._kept[key]
            while len(self._kept) >= self._in_all:
                self._kept.popitem(last=False)
            self._kept[record.key] = (visitor, record)
        return record

    def get(self, visitor: str, key: str) -> RunRecord | None:
        """The record if this visitor imported it."""
        with self._lock:
            owner, record = self._kept.get(key, ("", None))
            return record if visitor and owner == visitor else None

    def of(self, visitor: str) -> list[RunRecord]:
        """This visitor's imports, newest first."""
        with self._lock:
            return [record for owner, record in reversed(self._kept.values()) if owner == visitor]

    def drop(self, visitor: str, key: str) -> bool:
        """Forgets an import; False where it was not this visitor's."""
        with self._lock:
            if self._kept.get(key, ("", None))[0] != visitor:
                return False
            del self._kept[key]
            return True


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
