"""The recorded run, made with a tiny session."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipes import recorded
from sfr_core.configs import RunConfig
from sfr_core.events import Evaluated, Finished, Preview, Sheet, Step, from_json
from tests.core.grammar import check_grammar
from tests.core.tiny import SMALL
from tests.core.tiny_run import FORGET, tiny_session


def test_file_holds_config_machine_and_every_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_tiny(config: RunConfig) -> Any:
        assert config.settings == SMALL["sfr-on"]
        return tiny_session(tmp_path / "model")

    monkeypatch.setattr(recorded, "resolve", lambda *_, **__: SMALL["sfr-on"])
    monkeypatch.setattr(recorded, "Session", SimpleNamespace(open=open_tiny))
    recorded.main(["fashion-sneaker"], tmp_path / "new")
    target = tmp_path / "new" / "fashion-sneaker.json"
    assert list(target.parent.iterdir()) == [target]  # only what was asked for
    data = json.loads(target.read_text(encoding="utf-8"))
    assert RunConfig.from_json(data["config"]).forget == FORGET
    assert data["machine"].startswith("CPU, ")
    events = [from_json(event) for event in data["events"]]
    assert len(data["times"]) == len(events)
    assert data["times"] == sorted(data["times"])
    assert len(check_grammar(events)) == 6
    assert isinstance(events[-1], Finished)
    assert events[-1].result is not None
    looks = [e.i for e in events if isinstance(e, Evaluated) and e.when == "live"]
    assert looks == [0, *[e.i for e in events if isinstance(e, Step)]]  # fewer steps than looks: after every one
    assert str(tmp_path) not in target.read_text(encoding="utf-8")


def sheet(picture: Image.Image) -> Preview:
    file = io.BytesIO()
    picture.save(file, "PNG")
    png = base64.b64encode(file.getvalue()).decode()
    return Preview(i=3, sheet=Sheet(png=png, side=64, columns=1, labels=(0,), accepted=(0,), steps=2, guidance=3.0))


def test_coloured_sheets_are_recorded_in_few_colours_and_grey_ones_as_they_are() -> None:
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 64)[:, None, None] * np.array([1.0, 0.5, 0.2]) + rng.normal(0, 4, (64, 64, 3))
    drawn = ramp.clip(0, 255).astype(np.uint8)
    event = sheet(Image.fromarray(drawn))
    light = recorded.lighter(event)
    assert isinstance(light, Preview)
    assert event.sheet is not None
    assert light.sheet is not None
    assert len(light.sheet.png) < 0.75 * len(event.sheet.png)
    opened = Image.open(io.BytesIO(base64.b64decode(light.sheet.png)))
    assert (opened.format, opened.size) == ("PNG", (64, 64))
    assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - drawn).mean() < 6
    assert replace(light.sheet, png=event.sheet.png) == event.sheet
    grey = sheet(Image.fromarray(drawn[..., 0]))
    assert recorded.lighter(grey) is grey
    assert recorded.lighter(Preview(i=0)) == Preview(i=0)


def test_an_unknown_name_is_told_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        recorded.main(["sneakers"], tmp_path / "new")
    assert f"there is no sneakers; there are {', '.join(recorded.LESSONS)}" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new").exists()
