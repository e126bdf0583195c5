"""The command `race`: the weights of single runs, a table at the end, going on, and one sentence for bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sfr_core.cli.run import main
from sfr_core.cli.talk import CANCELLED
from sfr_core.runs.files import FILES, ROWS, read_config, read_weights
from sfr_core.runs.race_record import FILE, read_race
from tests.core.own_files import OwnFiles

ROOT = Path(__file__).resolve().parents[3]
FP32 = ["--device", "cpu", "--precision", "fp32"]
FORGET = ["--forget", "class:RED"]
METHODS = ["--methods", "sfr-on,finetune", "--seeds", "0,3"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_race_has_the_weights_of_single_runs_and_ends_with_a_table(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "race"
    assert main(["race", *own.options(), *FORGET, *METHODS, *FP32, "--out", str(out)]) == 0
    stdout, stderr = capsys.readouterr()
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [line["entry"] for line in lines if line["event"] == "RunBegan"] == ["sfr-on-0", "finetune-0", "sfr-on-3", "finetune-3"]  # fmt: skip
    assert [line["row"]["status"] for line in lines if line["event"] == "RunEnded"] == ["done"] * 4
    assert lines[-1] == {"event": "RaceEnded", "status": "done"}
    assert all("entry" in line for line in lines if line["event"] == "Step")
    assert re.search(r"^Expected: about \d+ s for 4 runs\.$", stderr, re.MULTILINE)
    table = stderr[stderr.index("method") :].splitlines()
    assert re.split(r"  +", table[0])[:4] == ["method", "runs", "FA", "RA"]
    assert re.match(r"SFR-on +2 +[\d.]+ ± [\d.]+ ", table[2])
    assert re.match(r"Fine-tuning +2 +[\d.]+ ± [\d.]+ ", table[3])
    told = read_race(out)
    assert "--methods sfr-on,finetune --seeds 0,3" in told.command
    assert str(tmp_path) not in (out / FILE).read_text()
    assert sorted(path.name for path in (out / "sfr-on-3").iterdir()) == sorted([*FILES, ROWS])

    single = [*FORGET, "--method", "sfr-on", "--seed", "3", *FP32, "--out", str(tmp_path / "single")]
    assert main(["run", *own.options(), *single]) == 0
    repeated = ["--config", str(out / "finetune-3" / "config.json"), "--out", str(tmp_path / "repeated")]
    assert main(["run", *own.options(), *repeated]) == 0
    for entry, alone in (("sfr-on-3", "single"), ("finetune-3", "repeated")):
        assert (out / entry / "after.safetensors").read_bytes() == (tmp_path / alone / "after.safetensors").read_bytes()
        assert read_config(out / entry) == read_config(tmp_path / alone)
    one, other = read_weights(out / "sfr-on-0"), read_weights(out / "sfr-on-3")
    assert any(not torch.equal(one[name], other[name]) for name in one)  # the seeds differ in earnest

    capsys.readouterr()
    assert main(["race", *own.options(), *FORGET, *METHODS, *FP32, "--out", str(out)]) == 0
    stdout, stderr = capsys.readouterr()
    assert json.loads(stdout) == {"event": "RaceEnded", "status": "done"}
    assert "4 of 4 runs are there already." in stderr


BAD: list[tuple[list[str], str]] = [
    (["--methods", "sfron"], "Did you mean 'sfr-on'"),
    (["--methods", "uce"], "UCE cannot work on this kind of model."),
    (["--methods", "sfr-on,sfr-on"], "The method sfr-on is named twice."),
    (["--methods", ","], "A race needs a method."),
    (["--methods", "sfr-on", "--seeds", "1.5"], "The seed must be a whole number"),
    (["--methods", "sfr-on", "--seeds", "2,2"], "The seed 2 is named twice."),
    (["--methods", "sfr-on", "--seeds", ""], "A race needs a seed."),
    (["--methods", "sfr-on", "--preset", "slow"], "Unknown preset 'slow'."),
    (["--methods", "sfr-on", "--forget", "class:Sneeker"], "Did you mean 'Sneaker'"),
    ([], "--methods"),
]


@pytest.mark.parametrize(("options", "said"), BAD)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "race"
    whole = ["--model", "fashion-mnist-resnet", "--forget", "class:Sneaker", "--out", str(out), *options]
    assert main(["race", *whole]) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert said in stderr
    assert len(stderr.splitlines()) == 1
    assert not out.exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    race = ["race", "--model", "fashion-mnist-resnet", "--forget", "class:Bag", "--methods", "salun", "--out", str(tmp_path)]  # fmt: skip
    (tmp_path / "mine.txt").write_text("mine")
    assert main(race) == 2
    said = capsys.readouterr().err
    assert "is not empty and holds no race.json. Choose another folder." in said
    assert "overwrite" not in said
    (tmp_path / FILE).write_text("{}")
    assert main(race) == 2
    assert "This race was written with schema" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", FILE]


def test_ctrl_c_stops_within_a_step_and_the_same_command_goes_on(own: OwnFiles, tmp_path: Path) -> None:
    out = tmp_path / "race"
    command = [sys.executable, "-m", "sfr_core", "race", *own.options(), *FORGET, *FP32, "--preset", "thorough",
               "--methods", "finetune,sfr-on", "--out", str(out)]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as race:  # fmt: skip
        assert race.stdout is not None
        steps = 0
        for line in race.stdout:
            if json.loads(line).get("entry") == "sfr-on-0" and json.loads(line)["event"] == "Step":
                steps += 1
                if steps == 1:
                    race.send_signal(signal.SIGINT)
        _, stderr = race.communicate()
    assert race.returncode == CANCELLED, stderr
    told = read_race(out)
    assert [row.status for row in told.rows] == ["done", "stopped"]
    assert told.rows[1].steps == steps < 150
    assert told.left == ("sfr-on-0",)
    assert "Stopped; 1 of 2 runs are left. The same command goes on with them." in stderr
    first = (out / "finetune-0" / "after.safetensors").stat().st_mtime_ns
    assert main([*command[3:]]) == 0
    assert read_race(out).left == ()
    assert (out / "finetune-0" / "after.safetensors").stat().st_mtime_ns == first
    assert main([*command[3:], "--seeds", "1"]) == 2  # another race
