"""Generators on the command line: bad input answers before anything is opened, and one short run of the shipped model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.data.class_sets import PreviewSettings
from sfr_core.events import Finished, from_json
from sfr_core.metrics.generation import Protocol
from sfr_core.results import GeneratorRecord
from sfr_core.runs import evaluate
from sfr_core.runs.files import FILES, read_config, read_result
from sfr_core.tasks import ddpm
from tests.core.grammar import check_grammar

MODEL = "fashion-mnist-ddpm"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", MODEL, "--forget", "random:0.1", "--method", "sfr-on"], "whole classes"),
        (["--model", MODEL, "--forget", "samples:3", "--method", "sfr-on"], "whole classes"),
        (["--model", MODEL, "--forget", "class:Trousers", "--method", "sfr-on"], "Did you mean 'Trouser'"),
        (["--model", MODEL, "--forget", "class:Trouser", "--method", "scrub"], "cannot work on this kind of model"),
        (["--model", MODEL, "--forget", "class:Trouser", "--method", "sfr-on", "--set", "epochs=3"], "Unknown field"),
        (["--model", MODEL, "--forget", "class:Trouser", "--method", "sfron"], "Did you mean 'sfr-on'"),
        (["--model", "fashion-mnist-resnet", "--forget", "class:Bag", "--method", "joint"], "cannot work on this kind"),
        (["--model", "fashion-mnist-resnet", "--forget", "class:Bag", "--method", "sfr-on", "--data-free"], "cannot draw"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *options, "--out", str(tmp_path / "out")]) == BAD_INPUT
    out = capsys.readouterr()
    assert out.out == ""
    assert len(out.err.strip().splitlines()) == 1
    assert said in out.err
    assert not (tmp_path / "out").exists()


def test_data_free_contradicts_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--config", "x.json", "--data-free", "--out", str(tmp_path / "out")]) == BAD_INPUT
    assert "--data-free contradicts --config" in capsys.readouterr().err


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
