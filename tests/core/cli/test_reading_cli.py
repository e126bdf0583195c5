"""How somebody's own pictures are read stands in a run's config.json, and a repetition reads them alike."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from sfr_core.cli.run import main
from sfr_core.configs import RunConfig
from sfr_core.configs.pictures import PictureReading
from sfr_core.errors import PlaygroundError
from sfr_core.nets.named import HOW_TO_READ, Architecture, as_in_run
from sfr_core.runs.files import read_config
from tests.core.own_files import OwnFiles

RUN = ["--forget", "class:red", "--method", "gradient-ascent", "--set", "epochs=1", "--device", "cpu"]
HOW = "mean=0.5&std=0.25,0.5,0.25&crop=0.75&background=%23102030&class_order=natural&mirror=true"


def weights(folder: Path) -> bytes:
    return (folder / "after.safetensors").read_bytes()


def test_config_repeats_how_pictures_were_read(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again, plain, other = (tmp_path / name for name in ("first", "again", "plain", "other"))
    files = ["--data", str(own.data), "--weights", str(own.weights), "--anyway"]
    bare = ["--architecture", own.architecture]
    assert main(["run", *files, "--architecture", f"{own.architecture}&{HOW}", *RUN, "--out", str(first)]) == 0
    assert read_config(first).reading == PictureReading(
        size=(8, 8), channels=3, mean=(0.5, 0.5, 0.5), std=(0.25, 0.5, 0.25), class_order="natural", crop=0.75,
        background="#102030", mirror=True,
    )  # fmt: skip
    capsys.readouterr()
    assert main(["run", *files, *bare, "--config", str(first), "--out", str(again)]) == 0
    assert (
        "Pictures are read at 8 × 8 pixels with 3 channels, 0.75 of the centre kept, mean 0.5, 0.5, 0.5, standard deviation "
        "0.25, 0.5, 0.25, #102030 behind transparency, mirrored for training; classes in natural order.\n"
    ) in capsys.readouterr().err
    assert weights(again) == weights(first)
    assert main(["run", *files, *bare, *RUN, "--out", str(plain)]) == 0
    assert weights(plain) != weights(first)
    wrong = ["--architecture", f"{own.architecture}&mean=0.4&crop=0.5"]
    assert main(["run", *files, *wrong, "--config", str(first), "--out", str(other)]) == 2
    assert (
        "That run read its pictures otherwise (mean, crop). Leave that out of --architecture" in capsys.readouterr().err
    )


def test_what_was_found_in_the_pictures_is_written_to_the_last_digit(own: OwnFiles, tmp_path: Path) -> None:
    run = ["run", *own.options(), *RUN, "--out", str(tmp_path)]
    assert main(run) == 0
    found = json.loads((tmp_path / "config.json").read_text())["reading"]
    assert set(found) == HOW_TO_READ
    assert (found["size"], found["channels"], found["crop"], found["background"]) == ([8, 8], 3, None, "white")
    assert all(0.2 < value < 0.5 for value in found["mean"])
    assert read_config(tmp_path).to_json()["reading"] == found
    del found["mean"]  # a config of today that somebody cut
    with pytest.raises(PlaygroundError, match="'mean' in the config's reading cannot be read: it is missing"):
        RunConfig.from_json({**json.loads((tmp_path / "config.json").read_text()), "reading": found})


def test_a_file_of_before_is_read_and_repeated(own: OwnFiles, tmp_path: Path) -> None:
    assert main(["run", *own.options(), *RUN, "--out", str(tmp_path / "a")]) == 0
    config = tmp_path / "a" / "config.json"
    old = json.loads(config.read_text())
    del old["reading"]
    config.write_text(json.dumps(old))
    assert read_config(config).reading is None
    assert main(["run", *own.options(), "--config", str(config), "--out", str(tmp_path / "b")]) == 0
    assert read_config(tmp_path / "b").reading is not None
    assert weights(tmp_path / "b") == weights(tmp_path / "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": [0, 8]}, {"size": [8]}, {"channels": 2}, {"mean": []}, {"mean": ["a"]}, {"crop": 0}, {"crop": True}, {"class_order": "z"},
        {"background": "x" * 61}, {"mirror": 1}, {"more": 1},
    ],
)  # fmt: skip
def test_a_foreign_files_reading_is_checked(wrong: dict[str, Any]) -> None:
    good = {"size": [8, 8], "channels": 3, "mean": [0.5], "std": [0.5]}
    base = {"model": "own:0", "forget": "class:red", "method": "finetune", "settings": {}}
    assert RunConfig.from_json({**base, "reading": good}).reading is not None
    with pytest.raises(PlaygroundError, match="reading"):
        RunConfig.from_json({**base, "reading": good | wrong})
    with pytest.raises(PlaygroundError, match="The reading must be a table that says how pictures are read"):
        RunConfig.from_json({**base, "reading": 3})


def test_an_architecture_that_says_something_of_its_own_keeps_it_only_where_a_person_wrote_it() -> None:
    run = PictureReading(size=(32, 32), channels=3, mean=(0.1,), std=(0.2,), crop=0.5)
    assert {name: getattr(run, name) for name in HOW_TO_READ} == asdict(run)
    repository = Architecture(name="timm:x", mean=(0.9,), size=(64, 64))
    assert as_in_run(repository, run, said=True) == Architecture(
        name="timm:x", size=(64, 64), channels=3, mean=(0.9,), std=(0.2,), crop=0.5
    )
    assert as_in_run(repository, run, said=False) == replace(repository, **asdict(run))
