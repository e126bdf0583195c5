"""A run's files: config.json, events.jsonl, after.safetensors and, where it finished, result.json. Whole or not at all.

A stopped run has no result.json; its after.safetensors holds the weights of the moment at which it stopped.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

import numpy as np

from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, ConfigError, InputError, RunError, reason
from sfr_core.events import Event, from_json, to_json
from sfr_core.reading import text_of
from sfr_core.results import GeneratorReport, RunResult
from sfr_core.runs.place import TEMPORARY, check_folder
from sfr_core.zoo.shipped import shareable
from sfr_core.zoo.state_dicts import run_of

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, EVENTS, WEIGHTS, RESULT = "config.json", "events.jsonl", "after.safetensors", "result.json"
Form = Literal["state-dict", "diffusers"]
"""What the outcome of a run can be exported as."""
FILES = (CONFIG, EVENTS, WEIGHTS, RESULT)
"""In the order in which they are put in place: who sees result.json has the rest."""
SAMPLES = {who: f"samples-{who}.png" for who in ("before", "after")}
"""Of a generator that nobody judges, whose run has no result: its pictures, a class or prompt in a row."""
ROWS = "rows.csv"
"""Of pictures that came from files: which file each row is (data/file_names.py)."""
RECOVERY, EXPOSED, AGREEMENT = "recovery.json", "exposed.json", "agreement.json"
MEASURED = (RECOVERY, EXPOSED, AGREEMENT)
"""What later commands write beside them; it speaks of these weights, and goes when a run replaces them."""


class Written(Protocol):
    """What of a session is written: its config, as asked for and as used, and what the run made of its model."""

    config: RunConfig

    @property
    def used(self) -> RunConfig: ...

    @property
    def whole(self) -> bool:
        """Whether `outcome` is a whole network."""
        ...

    def outcome(self) -> dict[str, Tensor]: ...


def write_run(
    folder: Path,
    session: Written,
    events: Iterable[Event],
    result: RunResult | None = None,
    *,
    samples: Mapping[str, GeneratorReport] | None = None,
    rows: str | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a run's files.

    They are written beside `folder` first and then put in place by renaming. With `overwrite` they replace those of an
    older run in the same folder, and nothing else in it is touched.

    Args:
        folder: made where it does not exist.
        session: of the finished or stopped run.
        events: all of them, in order.
        result: of the finished run; None where it was stopped.
        samples: pictures to be written, by model (SAMPLES).
        rows: text of ROWS.

    Raises:
        InputError: the folder is not empty and `overwrite` is False. RunError: the disk refused.
    """
    check_folder(folder, overwrite=overwrite)
    folder = folder.resolve()
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.parent))
        (temporary / CONFIG).write_text(json_text(session.used.to_json(), indent=1) + "\n", encoding="utf-8")
        with (temporary / EVENTS).open("w", encoding="utf-8") as f:
            f.writelines(event_line(event) + "\n" for event in events)
        write_weights(temporary / WEIGHTS, session)
        if result is not None:
            (temporary / RESULT).write_text(json_text(result.to_json(), indent=1) + "\n", encoding="utf-8")
        if rows is not None:  # a file's name may hold bytes that are no text
            (temporary / ROWS).write_text(rows, encoding="utf-8", errors="backslashreplace")
        for who, report in (samples or {}).items():
            _write_samples(temporary / SAMPLES[who], report)
        _put_in_place(temporary, folder)
    except OSError as error:
        raise RunError(
            f"The run's files could not be written ({reason(error)}).", hint="Free some space and run again."
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write_samples(path: Path, report: GeneratorReport) -> None:
    from PIL import Image

    rows = [np.concatenate(list(report.images[report.labels == label]), axis=1) for label in np.unique(report.labels)]
    Image.fromarray(np.concatenate(rows, axis=0).squeeze()).save(path)


def _put_in_place(temporary: Path, folder: Path) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        temporary.chmod(0o777 & ~_umask())  # mkdtemp gives it to the owner alone
        temporary.rename(folder)
        return
    placed = (*SAMPLES.values(), ROWS, *FILES)
    for name in (*MEASURED, *reversed(placed)):  # an old result must not stand beside newer weights
        if name in (RESULT, *MEASURED) or not (temporary / name).exists():
            (folder / name).unlink(missing_ok=True)
    for name in placed:
        if (temporary / name).exists():
            (temporary / name).replace(folder / name)


def check_measured(folder: Path, name: str, *, overwrite: bool) -> None:
    """Says before a measurement of a stored run whether `write_measured` could write there.

    Raises:
        InputError: the folder holds no run, or the file is there (unless `overwrite`), or it is not writable.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise InputError(f"{folder} holds no run.", hint=f"Give a folder with {CONFIG} and {WEIGHTS}.")
    if (folder / name).exists() and not overwrite:
        raise InputError(f"{folder / name} is there already.", hint="Add --overwrite to replace it.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"Nothing can be written to {folder}.", hint="Copy the run to a folder that you may write to.")


def write_measured(folder: Path, name: str, values: dict[str, Any]) -> None:
    """Writes one of MEASURED beside a stored run's files; it appears whole or not at all.

    Raises:
        RunError: the disk refused.
    """
    temporary = folder / f".{name}.{os.getpid()}"
    try:
        temporary.write_text(json_text(values, indent=1) + "\n", encoding="utf-8")
        temporary.replace(folder / name)
    except OSError as error:
        raise RunError(
            f"{name} could not be written ({reason(error)}).", hint="Free some space and try again."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_weights(path: Path, session: Written) -> None:
    """Writes the outcome (Session.outcome) as safetensors; the file appears whole or not at all.

    Raises:
        InputError: the run has no outcome yet. OSError: the disk refused.
    """
    from safetensors.torch import save

    config = session.config
    about: dict[str, Any] = {
        "model": shareable(config.model),
        "forget": config.forget,
        "method": config.method,
        "seed": config.seed,
    }
    if config.redirect:
        about["redirect"] = config.redirect
    if session.whole:
        about["whole"] = True
    tensors = {name: value.detach().cpu().contiguous() for name, value in session.outcome().items()}
    data = save(tensors, metadata={"run": json_text(about)})  # one key: safetensors writes several in random order
    with whole_file(path) as f:
        f.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears at `path` whole, or not at all where an error ends the writing.

    Raises:
        OSError: the disk refused.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as f:
            yield f
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def event_line(event: Event) -> str:
    """One event as one line of strict JSON, without the line's end."""
    return json_text(to_json(event))


def json_text(value: Any, indent: int | None = None) -> str:
    """Strict JSON of a record's values; JSON knows no NaN and no infinity: they become null."""
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def read_config(path: Path) -> RunConfig:
    """Reads a config.json (or the one in a run's folder).

    Raises:
        ConfigError: missing, not JSON, or not a run's configuration. UnknownName: a field that does not exist.
    """
    return RunConfig.from_json(load_json(path / CONFIG if path.is_dir() else path, ConfigError))


def read_result(path: Path) -> RunResult:
    """Reads a result.json (or the one in a run's folder).

    Raises:
        AssetError: missing, not JSON, or not a result of this schema.
    """
    return RunResult.from_json(load_json(path / RESULT if path.is_dir() else path, AssetError))


def read_events(path: Path) -> list[Event]:
    """Reads an events.jsonl (or the one in a run's folder).

    Raises:
        AssetError: missing, or a line that is not an event of this schema.
    """
    path = path / EVENTS if path.is_dir() else path
    events = []
    for number, line in enumerate(_text(path, AssetError).splitlines(), 1):
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        events.append(from_json(values, f"line {number} of {path.name}"))
    return events


def read_weights(path: Path) -> dict[str, Tensor]:
    """Reads an after.safetensors (or the one in a run's folder): tensors to lay over the model's own.

    Raises:
        AssetError: missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = path / WEIGHTS if path.is_dir() else path
    try:
        tensors: dict[str, Tensor] = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError) as error:
        raise AssetError(
            f"{path.name} cannot be read ({reason(error)}).", hint="Choose a run's after.safetensors."
        ) from None
    return tensors


def is_whole(path: Path) -> bool:
    """Whether an after.safetensors (or the one in a run's folder) holds a whole network; files of before 0.2 hold what a run changed."""
    return run_of(path / WEIGHTS if path.is_dir() else path).get("whole") is True


def _text(path: Path, kind: type[InputError]) -> str:
    try:
        return text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise kind(f"{path} cannot be read ({reason(error)}).", hint="Choose a file that a run wrote.") from None


def load_json(path: Path, kind: type[InputError]) -> Any:
    """What a file of JSON holds.

    Raises:
        InputError: of the given kind; missing, or not JSON.
    """
    try:
        return json.loads(_text(path, kind))
    except (ValueError, RecursionError) as error:
        raise kind(f"{path} is not JSON ({reason(error)}).", hint="Choose a file that a run wrote.") from None
