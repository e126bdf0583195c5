"""Whatever stands behind an option: one short line, exit code 2, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr_core.cli.run import BAD_INPUT, main

LONG, WORDS, DIGITS = "x" * 10_000, "x " * 5_000, "9" * 5_000
GOOD = {"--model": "fashion-mnist-resnet", "--forget": "class:Sneaker", "--method": "sfr-on"}
VALUES = {
    "--model": (LONG, WORDS, f"hub:{LONG}", f"./{LONG}", f"local:{LONG}", f"own:{LONG}", "\0"),
    "--forget": (
        LONG, WORDS, f"class:{LONG}", f"class:{WORDS}", f"random:{LONG}", f"random:0.1@{DIGITS}", "random:0.1@1e30", "random:0.1@1.5",
        f"samples:{LONG}", f"samples:{DIGITS}", f"samples:@{LONG}", "samples:@\0", f"files:{LONG}", f"files:@{LONG}", f"concept:{LONG}",
        f"{LONG}:a", "random:nan", "random:1e300",
    ),
    "--method": (LONG, WORDS),
    "--preset": (LONG,),
    "--variant": (LONG,),
    "--redirect": (LONG,),
    "--set": (LONG, f"{LONG}=1", f"lr={LONG}", f"lr={WORDS}", f"steps={DIGITS}", "steps=1.5", "steps=1e30", "lr=nan", "lr=1e300", f"optimizer={LONG}"),
    "--seed": (LONG, "1e30", "1.5", "-1", DIGITS, "nan", "True"),
    "--device": (LONG,),
    "--precision": (LONG,),
    "--memory": (LONG,),
    "--config": (LONG, "\0"),
    f"--{LONG}": ("1",),
}  # fmt: skip


@pytest.mark.parametrize("option", VALUES)
def test_one_short_line(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for value in VALUES[option]:
        given = {} if option == "--config" else GOOD
        words = [f"{name}={each}" for name, each in {**given, option: value}.items()]
        assert main(["run", *words, "--out", str(out)]) == BAD_INPUT, value[:40]
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert len(said.err) < 3000
        assert not any(long in said.err for long in ("x" * 81, "x " * 41, "9" * 81)), said.err
        assert not said.out
        assert not out.exists()


RACE = {"--model": GOOD["--model"], "--forget": GOOD["--forget"], "--methods": "sfr-on,finetune", "--seeds": "0,1"}
OF_RACE = {name: VALUES[name] for name in VALUES if name not in ("--method", "--seed", "--set", "--config")} | {
    "--methods": (LONG, WORDS, f"sfr-on,{LONG}", ",".join(["sfr-on"] * 5_000), ",", "\0"),
    "--seeds": (LONG, WORDS, DIGITS, f"0,{LONG}", ",".join(map(str, range(5_000))), "1e30", "1.5", "-1", "nan", "True", ",", "\0"),
    "--set": ("lr=1",),
    "--overwrite": ("",),
}  # fmt: skip


@pytest.mark.parametrize("option", OF_RACE)
def test_one_short_line_of_a_race(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for value in OF_RACE[option]:
        words = [f"{name}={each}" for name, each in {**RACE, option: value}.items()]
        assert main(["race", *words, "--out", str(out)]) == BAD_INPUT, value[:40]
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert len(said.err) < 3000
        assert not any(long in said.err for long in ("x" * 81, "x " * 41, "9" * 81)), said.err
        assert not said.out
        assert not out.exists()
    for folder in (LONG, "\0"):
        assert main(["race", *(f"{name}={each}" for name, each in RACE.items()), "--out", folder]) == BAD_INPUT
        assert capsys.readouterr().err.count("\n") == 1


def test_one_short_line_for_a_classifier_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"--data": str(tmp_path), "--weights": str(tmp_path / "w"), "--architecture": "torchvision:resnet18"}
    for option in good:
        for value in (LONG, WORDS, "\0"):
            words = [f"{name}={each}" for name, each in {**good, option: value}.items()]
            rest = ["--forget", "class:a", "--method", "sfr-on", "--out", str(tmp_path / "out")]
            assert main(["run", *words, *rest]) == BAD_INPUT, (option, value[:40])
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert not any(long in said for long in ("x" * 81, "x " * 41)), said
