"""A retrained network that a visitor uploads: read for one classifier and forget set, and what a run is then compared with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from demos.jobs import openings, references
from demos.jobs.book import JobBook
from demos.unlearn import reference
from sfr_core import presets
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, ConfigError
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.uploaded import UploadedModel, open_uploaded
from tests.core.own_files import OwnFiles, write_own


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    return write_own(tmp_path_factory.mktemp("own"))


@pytest.fixture
def model(files: OwnFiles) -> Iterator[UploadedModel]:
    made = open_uploaded(files.data, files.weights, files.architecture, model_id=f"own:{'c' * 32}")
    zoo.take_in(made)
    yield made
    zoo._visitors.clear()
    references._kept.clear()


@pytest.fixture
def red_alone(files: OwnFiles, tmp_path: Path) -> Path:
    """A network that calls every picture red, the third class."""
    tensors = load_file(files.weights)
    tensors["head.weight"].zero_()
    save_file({**tensors, "head.bias": torch.tensor([0.0, 0.0, 1.0])}, tmp_path / "only red.safetensors")
    return tmp_path / "only red.safetensors"


def planned(method: str = "gradient-ascent", forget: str = "class:red", **settings: Any) -> RunPlan:
    return plan(
        RunConfig(
            model=f"own:{'c' * 32}",
            forget=forget,
            method=method,
            settings=presets.resolve(f"own:{'c' * 32}", method, overrides={"epochs": 1, **settings}),
            device="cpu",
            precision="fp32",
        )
    )


def finished(run: RunPlan) -> Any:
    book = JobBook()
    job = book.submit("a" * 32, run)
    end = time.monotonic() + 60
    while job.active:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert job.error is None
    return job


def test_a_run_is_compared_with_it(model: UploadedModel, red_alone: Path) -> None:
    found = references.take_in(red_alone, planned(), CancelToken())
    assert (
        found.known.of_retrained() == "The retrained network recognises 33 % of the training pictures (24 looked at)."
    )
    result = finished(planned()).result
    assert result.retrained is not None
    # It calls everything red: all that shall be forgotten right, and none of the rest.
    assert (result.retrained.FA, result.retrained.RA) == (100.0, 0.0)
    assert result.retrain_passes is None
    assert finished(planned(forget="class:blue")).result.retrained is None
    assert finished(planned("retrain", batch_size=8)).result.retrained is None


def test_the_form_says_what_there_is_for_its_choice(model: UploadedModel, red_alone: Path) -> None:
    nothing = reference.describe(lambda: planned())
    assert "No retrained model for this choice" in nothing[1]
    assert nothing[2]["visible"]
    assert nothing[5]["visible"]
    references.take_in(red_alone, planned(), CancelToken())
    there = reference.describe(lambda: planned())
    assert (
        "Compared with only red.safetensors, which you retrained without this class. The retrained network" in there[1]
    )
    assert not there[2]["visible"]
    assert "No retrained model" in reference.describe(lambda: planned(forget="class:blue"))[1]
    assert not reference.describe(lambda: planned("retrain"))[5]["visible"]
    shipped = RunConfig(model="fashion-mnist-resnet", forget="class:Bag", method="finetune", settings={})
    assert not reference.describe(lambda: plan(shipped))[5]["visible"]


def test_what_is_none_has_the_sentence_of_the_command_line(
    model: UploadedModel, files: OwnFiles, tmp_path: Path
) -> None:
    tensors = load_file(files.weights)
    other, run = tmp_path / "other.safetensors", tmp_path / "after.safetensors"
    save_file({**tensors, "head.bias": torch.zeros(7)}, other)
    save_file(tensors, run, metadata={"run": '{"method": "retrain", "forget": "class:blue", "whole": true}'})
    with pytest.raises(AssetError, match=r"^other\.safetensors holds weights of another network"):
        references.take_in(other, planned(), CancelToken())
    with pytest.raises(ConfigError, match=r"^The run of after\.safetensors is retrain without class:blue, not retrain"):
        references.take_in(run, planned(), CancelToken())
    assert references.of(planned()) is None
    job = openings.opening(lambda cancel, progress: references.take_in(other, planned(), cancel))
    while job.active:
        time.sleep(0.01)
    assert "other.safetensors holds weights of another network" in openings.failed_html(job)


def test_it_can_be_taken_away_again(model: UploadedModel, red_alone: Path) -> None:
    references.take_in(red_alone, planned(), CancelToken())
    assert not references.take_away(planned(forget="class:blue"))
    assert references.take_away(planned())
    assert references.of(planned()) is None
    assert not references.take_away(planned())


def test_the_oldest_goes(model: UploadedModel, red_alone: Path) -> None:
    runs = [planned(forget=f"samples:{row}") for row in range(references.KEPT + 1)]
    for run in runs:
        references.take_in(red_alone, run, CancelToken())
    assert [references.of(run) is not None for run in runs] == [False] + [True] * references.KEPT
