"""A generator on the command line: one short run of the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfr_core.cli.run import main
from sfr_core.data.class_sets import PreviewSettings
from sfr_core.events import Finished, from_json
from sfr_core.metrics.generation import Protocol
from sfr_core.results import GeneratorRecord
from sfr_core.runs import evaluate
from sfr_core.runs.files import FILES, read_config, read_result
from sfr_core.tasks import ddpm
from tests.core.grammar import check_grammar

MODEL = "fashion-mnist-ddpm"


@pytest.mark.timeout(600)
def test_a_short_run_of_the_shipped_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A whole record of 199 pictures in 20 steps takes most of a minute: a tenth of it will do here.
    monkeypatch.setattr(evaluate, "protocol_of", lambda _: Protocol(18, 10))
    monkeypatch.setattr(ddpm, "PREVIEW", PreviewSettings(columns=1))
    out = tmp_path / "out"
    small = ["--set", "steps=1", "--set", "batch_size=2", "--set", "fisher_batches=1", "--set", "fisher_batch_size=2"]
    small += ["--set", "lr=1e-5"]  # Adam's first step has the full rate, which a whole run repairs
    options = ["--model", MODEL, "--forget", "class:trouser", "--method", "sfr-on", *small, "--device", "cpu"]
    assert main(["run", *options, "--out", str(out)]) == 0
    events = [from_json(json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    check_grammar(events)
    assert isinstance(events[-1], Finished)
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    result = read_result(out)
    assert isinstance(result.after, GeneratorRecord)
    assert isinstance(result.before, GeneratorRecord)
    assert (result.after.n_samples, result.after.n_remain, result.after.sampler_steps) == (18, 18, 10)
    # The card's model is the one that draws; one step on two pictures does not break it.
    assert result.before.FA > 90
    assert result.before.JA_remain > 80
    assert result.after.JA_remain > 60
    assert result.peak_memory_bytes < 3e9
    assert read_config(out).forget == "class:Trouser"
