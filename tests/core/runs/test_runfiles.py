"""Run files: a round trip, and that they appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sfr_core.configs import EpochConfig, RunConfig
from sfr_core.errors import AssetError, ConfigError, InputError, RunError, UnknownName
from sfr_core.events import Cancelled, Evaluated, Event, Finished, PhaseStarted, Step
from sfr_core.runs.files import (
    FILES,
    check_folder,
    event_line,
    is_whole,
    read_config,
    read_events,
    read_result,
    read_weights,
    write_run,
    write_weights,
)
from tests.core.test_results import RESULT as SOME_RESULT

CONFIG = RunConfig(model="m", forget="class:a", method="finetune", settings=EpochConfig().to_dict(), seed=4)
RECORD = replace(SOME_RESULT.before, MIA=None, n_test=10)
RESULT = replace(SOME_RESULT, before=RECORD, after=replace(RECORD, FA=0.0), config=CONFIG.to_json())
EVENTS: list[Event] = [
    PhaseStarted(phase="unlearn", total=1),
    Step(i=1, total=1, remain_loss=0.25, lr=0.1, seconds=0.5),
    Evaluated(i=1, when="after", record=RECORD),
    Finished(steps=1, result=RESULT),
]


@dataclass
class Outcome:
    """The two things that are written of a session."""

    config: RunConfig = CONFIG
    tensors: dict[str, Tensor] = field(
        default_factory=lambda: {
            "conv.weight": torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
            "bn.num_batches_tracked": torch.tensor(7),
        }
    )

    @property
    def used(self) -> RunConfig:
        return replace(self.config, precision="bf16", threads=3)

    whole = False

    def outcome(self) -> dict[str, Tensor]:
        return self.tensors


def test_a_whole_network_is_known_as_one(tmp_path: Path) -> None:
    for name, whole in (("changed", False), ("whole", True)):
        outcome = Outcome()
        outcome.whole = whole
        write_weights(tmp_path / name, outcome)
        assert is_whole(tmp_path / name) is whole
    assert not is_whole(tmp_path / "missing")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "one"
    write_run(out, Outcome(), EVENTS, RESULT)
    assert names(out) == sorted(FILES)
    assert names(out.parent) == ["one"]
    assert read_config(out) == read_config(out / "config.json") == Outcome().used
    assert read_result(out) == RESULT
    assert read_events(out) == EVENTS
    read = read_weights(out)
    assert read.keys() == Outcome().tensors.keys()
    assert all(torch.equal(v, Outcome().tensors[k]) for k, v in read.items())


def test_the_same_outcome_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_run(tmp_path / name, Outcome(), EVENTS, RESULT)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_stopped_run_has_no_result(tmp_path: Path) -> None:
    write_run(tmp_path / "one", Outcome(), [Cancelled(steps=3)])
    assert names(tmp_path / "one") == ["after.safetensors", "config.json", "events.jsonl"]
    with pytest.raises(AssetError, match=r"result\.json cannot be read"):
        read_result(tmp_path / "one")


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path: Path) -> None:
    out = tmp_path / "one"
    out.mkdir()
    write_run(out, Outcome(), EVENTS, RESULT)
    before = {p: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(InputError, match="not empty"):
        write_run(out, Outcome(tensors={}), [], None)
    assert {p: p.read_bytes() for p in out.iterdir()} == before


def test_overwrite_replaces_the_run_and_touches_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "one"
    write_run(out, Outcome(), EVENTS, RESULT)
    (out / "notes.txt").write_text("mine")
    write_run(out, Outcome(config=replace(CONFIG, seed=9)), [Cancelled(steps=1)], overwrite=True)
    assert names(out) == ["after.safetensors", "config.json", "events.jsonl", "notes.txt"]  # no stale result.json
    assert read_config(out).seed == 9
    assert (out / "notes.txt").read_text() == "mine"


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Event]:
        yield EVENTS[0]
        raise OSError("No space left on device")

    with pytest.raises(RunError, match="No space left"):
        write_run(tmp_path / "one", Outcome(), broken(), RESULT)
    assert names(tmp_path) == []
    write_run(tmp_path / "one", Outcome(), EVENTS, RESULT)
    before = {p: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    with pytest.raises(RunError, match="No space left"):
        write_run(tmp_path / "one", Outcome(), broken(), RESULT, overwrite=True)
    assert {p: p.read_bytes() for p in (tmp_path / "one").iterdir()} == before
    assert names(tmp_path) == ["one"]


def test_rights_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_run(tmp_path / "one", Outcome(), EVENTS, RESULT)
    finally:
        os.umask(old)
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o750
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "one").iterdir()} == {0o640}


def test_the_folder_is_checked_before_a_run(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b" / "c", overwrite=False)
    assert names(tmp_path) == []
    (tmp_path / "file").write_text("x")
    for bad in (tmp_path / "file", tmp_path / "file" / "below", tmp_path):
        with pytest.raises(InputError):
            check_folder(bad, overwrite=False)
    check_folder(tmp_path, overwrite=True)


def test_weights_replace_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"old")
    write_weights(path, Outcome())
    assert names(tmp_path) == ["w.safetensors"]
    assert set(read_weights(path)) == set(Outcome().tensors)


def test_lines_are_strict_json_even_where_a_number_is_not() -> None:
    line = event_line(Step(i=1, total=1, forget_loss=float("nan"), alpha=float("inf"), lr=0.1, seconds=0.5))
    values = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert (values["event"], values["forget_loss"], values["alpha"]) == ("Step", None, None)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("{", ConfigError, "is not JSON"),
        ("[" * 100_000, ConfigError, "is not JSON"),
        ("[]", ConfigError, "not a run configuration"),
        ('{"model": "m"}', ConfigError, "lacks forget, method, settings"),
        (json.dumps({**CONFIG.to_json(), "sed": 1}), UnknownName, "Did you mean 'seed'"),
        (json.dumps({**CONFIG.to_json(), "schema": 2}), ConfigError, "schema 2"),
        (json.dumps({**CONFIG.to_json(), "seed": -1}), ConfigError, "seed"),
    ],
)
def test_bad_configs_are_refused(tmp_path: Path, text: str, error: type[Exception], sentence: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(error, match=sentence):
        read_config(tmp_path)


def test_bad_results_events_and_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "nothing.json")
    (tmp_path / "result.json").write_text(json.dumps({**RESULT.to_json(), "schema": 99}))
    with pytest.raises(AssetError, match="schema 99"):
        read_result(tmp_path)
    for line in ("nonsense", "[1]", '{"event": "Nothing"}', '{"event": "Step", "i": 1}'):
        (tmp_path / "events.jsonl").write_text(event_line(EVENTS[0]) + "\n" + line + "\n")
        with pytest.raises(AssetError):
            read_events(tmp_path)
    (tmp_path / "after.safetensors").write_bytes(b"not weights")
    with pytest.raises(AssetError, match=r"after\.safetensors cannot be read"):
        read_weights(tmp_path)
