"""Run files of strangers: good ones come back whole, bad ones get one sentence, and nothing else happens."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from demos.records.imports import MAX_BYTES, Imports, read_files
from demos.result.export import Shelf
from sfr_core.configs.renamed import SWITCHED_OFF
from sfr_core.errors import AssetError
from sfr_core.events import Finished, MaskReady, to_json
from tests.demos.compare_examples import MASK, config, events, record, result


def written(tmp_path: Path, **texts: str) -> list[Path]:
    names = {"config": "config.json", "result": "result.json", "events": "events.jsonl"}
    paths = []
    for kind, text in texts.items():
        path = tmp_path / names.get(kind, kind)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def lines(log: Any) -> str:
    return "".join(json.dumps(to_json(event)) + "\n" for event in log)


CONFIG = json.dumps(config().to_json())
RESULT = json.dumps(result().to_json())
EVENTS = lines(events())


def test_the_three_files_together_give_the_whole_run(tmp_path: Path) -> None:
    read = read_files(written(tmp_path, events=EVENTS, result=RESULT, config=CONFIG))
    assert (read.config, read.result, read.events) == (config(), result(), events())
    assert read.state == "imported"
    assert read.reports == {}


@pytest.mark.parametrize("kinds", [("result",), ("events",), ("config",), ("config", "events")])
def test_every_useful_part_alone(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    texts = {"config": CONFIG, "result": RESULT, "events": EVENTS}
    read = read_files(written(tmp_path, **{kind: texts[kind] for kind in kinds}))
    assert read.config == config()
    assert (read.result is None) == (kinds == ("config",))
    assert read.events == (events() if "events" in kinds else ())


@pytest.mark.parametrize(
    ("settings", "method"),
    [({"forget_loss": "relative", "remain_loss": "recall"}, "sfr-on-redirected"), ({}, "sfr-on")],
)
def test_files_of_before_sfron_redirected_are_named_alike_by_their_settings(
    tmp_path: Path, settings: dict[str, Any], method: str
) -> None:
    # Then every file of SFR-on named all settings, those of ours too.
    old = {**config().to_json(), "settings": {**config().settings, **SWITCHED_OFF, **settings}}
    texts = {"config": json.dumps(old), "result": json.dumps({**result().to_json(), "config": old})}
    read = read_files(written(tmp_path, **texts))  # the two say the same run
    assert read.config.method == method
    assert read.config.settings.items() >= settings.items()


def test_what_was_downloaded_can_be_looked_at_again(tmp_path: Path) -> None:
    shelf = Shelf()
    read = read_files([shelf.write(kind, record(), None) for kind in ("config", "result", "events")])  # type: ignore[arg-type]
    assert (read.result, read.events) == (result(), events())


def test_a_zip_of_the_folder_is_read_and_its_weights_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my run/config.json", CONFIG)
        archive.writestr("my run/result.json", RESULT)
        archive.writestr("my run/events.jsonl", EVENTS)
        archive.writestr("my run/after.safetensors", b"\x00" * 100)
        archive.writestr("../../evil.json", "{}")
    read = read_files([path])
    assert (read.config, read.result, read.events) == (config(), result(), events())
    assert [p.name for p in tmp_path.iterdir()] == ["run.zip"]


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.jsonl", b" " * (MAX_BYTES + 1))
    assert path.stat().st_size < 100_000
    with pytest.raises(AssetError, match="unpacks to too much"):
        read_files([path])


def test_a_shown_mask_with_an_infinite_threshold_survives(tmp_path: Path) -> None:
    data = {**to_json(MASK), "threshold": None}
    read = read_files(written(tmp_path, config=CONFIG, events=json.dumps(data)))
    assert isinstance(read.events[0], MaskReady)
    assert read.events[0].threshold == float("inf")


def changed(text: str, **changes: Any) -> str:
    return json.dumps({**json.loads(text), **changes})


BAD = {
    "not JSON": ({"result": "hello"}, "Line 1 of result.json cannot be read"),
    "empty": ({"events": "\n\n"}, "events.jsonl is empty"),
    "JSON of something else": ({"result": '{"a": 1}'}, "JSON, but not of a run"),
    "a list": ({"result": "[1]"}, "JSON, but not of a run"),
    "deep nesting": ({"result": "[" * 50_000}, "not a run file"),
    "a newer schema": ({"result": changed(RESULT, schema=99)}, "schema 99"),
    "a missing field": ({"result": json.dumps({k: v for k, v in result().to_json().items() if k != "steps"})}, "'steps' in result.json cannot be read: it is missing"),
    "text for a number": ({"result": changed(RESULT, before={**json.loads(RESULT)["before"], "FA": "<b>1</b>"})}, "'FA' in result.json"),
    "text for seconds": ({"result": changed(RESULT, seconds="6")}, "'seconds' in result.json"),
    "true for a number": ({"result": changed(RESULT, steps=True)}, "'steps' in result.json"),
    "NaN": ({"result": RESULT.replace('"seconds": 6.0', '"seconds": NaN')}, "cannot be read"),
    "an infinite number": ({"result": RESULT.replace('"seconds": 6.0', '"seconds": 1e999')}, "'seconds' in result.json"),
    "a broken config inside": ({"result": changed(RESULT, config={"model": "x"})}, "The config of this run cannot be read"),
    "an unknown setting": ({"config": changed(CONFIG, settings={"alhpa": 1.0})}, "Unknown field 'alhpa'"),
    "a setting out of range": ({"config": changed(CONFIG, settings={"lr": 99.0})}, "Learning rate must be between 0 and 1."),
    "two runs": ({"result": RESULT, "events": lines([Finished(steps=4, result=result(seconds=7.0))])}, "different runs"),
    "another config": ({"result": RESULT, "config": changed(CONFIG, seed=8)}, "different runs"),
    "twice the same kind": ({"result": RESULT, "other.json": RESULT}, "more than one run"),
    "events of no run": ({"events": lines([MASK])}, "do not say which run"),
    "an unknown event": ({"events": '{"event": "Boom"}', "config": CONFIG}, "not an event"),
    "a number for an event": ({"events": "1\n2\n", "config": CONFIG}, "Line 1 of events.jsonl is not an event"),
    "text in a step": (
        {"events": '{"event": "Step", "i": "<img src=x>", "total": 1, "lr": 0.1, "seconds": 1}', "config": CONFIG},
        "'i' in line 1",
    ),
    "a mask that counts wrong": (
        {"events": json.dumps({**to_json(MASK), "thresholds": [1.0]}), "config": CONFIG},
        "counts other thresholds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_one_sentence_and_a_hint(tmp_path: Path, name: str) -> None:
    texts, sentence = BAD[name]
    with pytest.raises(AssetError) as caught:
        read_files(written(tmp_path, **texts))
    assert sentence in caught.value.message
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00bad", b"PK\x03\x04 not really a zip", b"\x80\x04\x95pickle"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(raw)
    with pytest.raises(AssetError):
        read_files([path])


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", RESULT)
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)
    path.write_bytes(bytes(raw))
    with pytest.raises(AssetError, match="zip"):
        read_files([path])


def test_a_zip_without_run_files_or_of_two_runs_is_refused(tmp_path: Path) -> None:
    empty, double = tmp_path / "empty.zip", tmp_path / "double.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("notes.txt", "hello")
    with zipfile.ZipFile(double, "w") as archive:
        archive.writestr("a/result.json", RESULT)
        archive.writestr("b/result.json", RESULT)
    with pytest.raises(AssetError, match="no run file"):
        read_files([empty])
    with pytest.raises(AssetError, match="more than one run"):
        read_files([double])


def test_imports_belong_to_their_visitor_and_make_room() -> None:
    imports = Imports(per_visitor=2, in_all=3)
    first, second, third = (imports.add("ann", record()) for _ in range(3))
    assert imports.get("ann", first.key) is None
    assert [r.key for r in imports.of("ann")] == [third.key, second.key]
    assert imports.get("bob", third.key) is None
    assert imports.get("", third.key) is None
    assert not imports.drop("bob", third.key)
    mine = imports.add("bob", record())
    imports.add("bob", record())
    assert imports.get("ann", second.key) is None  # the oldest of all made room
    assert imports.drop("bob", mine.key)
    assert imports.of("ann") == [imports.get("ann", third.key)]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("events", "i", "-3"),
        ("events", "i", "1" + "0" * 400),
        ("events", "seconds", "1e300"),
        ("events", "lr", "NaN"),
        ("events", "i", "true"),
        ("result", "schema", "true"),
        ("result", "steps", "-1"),
        ("result", "seconds", "1e300"),
        ("result", "device", "1" + "0" * 5000),
        ("config", "schema", "true"),
        ("config", "seed", "1e30"),
        ("config", "seed", "1.5"),
        ("config", "x" * 10_000, "3"),
        ("config", "device", json.dumps("x" * 10_000)),
    ],
)
def test_hostile_values_are_refused_in_a_short_sentence(tmp_path: Path, kind: str, field: str, value: str) -> None:
    data = json.loads({"events": _step(), "result": RESULT, "config": CONFIG}[kind])
    text = json.dumps({**data, field: "HERE"}).replace('"HERE"', value)
    with pytest.raises(AssetError) as caught:
        read_files(written(tmp_path, **{kind: text}))
    assert len(str(caught.value)) < 700
    assert "x" * 81 not in str(caught.value)


def _step() -> str:
    return next(line for line in EVENTS.splitlines() if '"Step"' in line)


def test_a_result_that_measures_one_model_only_is_refused(tmp_path: Path) -> None:
    data = result().to_json()
    data["after"]["TA_remain"] = None
    with pytest.raises(AssetError, match="measures other things after the run than before"):
        read_files(written(tmp_path, result=json.dumps(data)))
    data["after"]["TA_remain"] = 101.0
    with pytest.raises(AssetError, match=r"'TA_remain' in result\.json cannot be read: input should be less than"):
        read_files(written(tmp_path, result=json.dumps(data)))
