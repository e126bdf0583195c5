"""A saved run of somebody's own pictures says how they were read when it is opened, and two such runs differ in what differs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gradio as gr

from demos.context import PageContext
from demos.jobs.book import JobBook
from demos.panel import ShownRun
from demos.records.diff import config_differences
from demos.records.imports import read_files
from demos.result.page import Compare
from sfr_core.configs import RunConfig
from sfr_core.configs.pictures import PictureReading

READING = PictureReading(size=(8, 8), channels=1, mean=(0.5,), std=(0.25,))
SAID = (
    "Pictures are read at 8 × 8 pixels with 1 channel, whole pictures stretched, mean 0.5, standard deviation 0.25, white behind "
    "transparency; classes in alphabetical order."
)


def saved(folder: Path, reading: PictureReading | None) -> Path:
    config = RunConfig(
        model="own:0123456789ab", forget="class:red", method="finetune", settings={"epochs": 1}, reading=reading
    )
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    return folder / "config.json"


def notes(path: Path) -> list[str]:
    with gr.Blocks() as demo:
        ctx = PageContext(JobBook(), gr.BrowserState(), gr.State(""))
        Compare(ShownRun(ctx, "saved", "key"), read_files([path]))
    return [str(part.value) for part in demo.blocks.values() if getattr(part, "elem_id", "") == "saved-reading"]


def test_an_opened_run_says_how_its_pictures_were_read(tmp_path: Path) -> None:
    (said,) = notes(saved(tmp_path, READING))
    assert SAID in said
    assert notes(saved(tmp_path, None)) == []


def test_two_runs_differ_in_the_part_that_differs(tmp_path: Path) -> None:
    a = read_files([saved(tmp_path, READING)])
    b = read_files([saved(tmp_path, replace(READING, crop=0.875))])
    (line,) = config_differences(a, b)
    assert (line.name, line.a, line.b) == ("pictures: crop", "none", "0.875")
