"""The recorded run, made with a tiny session."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recipes import recorded
from sfr_core.configs import RunConfig
from sfr_core.events import Evaluated, Finished, Step, from_json
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
    assert len(check_grammar(events)) == 6
    assert isinstance(events[-1], Finished)
    assert events[-1].result is not None
    looks = [e.i for e in events if isinstance(e, Evaluated) and e.when == "live"]
    assert looks == [0, *[e.i for e in events if isinstance(e, Step)]]  # fewer steps than looks: after every one
    assert str(tmp_path) not in target.read_text(encoding="utf-8")


def test_an_unknown_name_is_told_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        recorded.main(["sneakers"], tmp_path / "new")
    assert "there is no sneakers; there are fashion-sneaker, fashion-ddpm-trouser" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
