"""Runs of classifiers of one's own that once ended in a traceback: single pictures, auxiliary heads, answers that are no numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from sfr_core.cli.run import main
from sfr_core.runs.files import read_result
from tests.core.own_files import OwnFiles, write_own

FP32 = ["--device", "cpu", "--precision", "fp32"]
RED = ["--forget", "class:red", "--method", "gradient-ascent", "--set", "epochs=1", *FP32]
SHUFFLENET = "torchvision:shufflenet_v2_x0_5?size=32"
"""Its last layers see one pixel, so that batch norm has nothing to measure in a batch of one picture."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    return write_own(tmp_path_factory.mktemp("small"), SHUFFLENET)


@pytest.mark.parametrize(
    ("forget", "method", "settings"),
    [
        ("samples:3", "sfr-on", ["steps=2", "batch_size=4", "fisher_batch_size=4", "fisher_batches=1"]),
        ("samples:3", "scrub", ["epochs=1", "batch_size=11"]),  # 23 rows to keep: a batch of one would be left over
        ("class:red", "salun", ["epochs=1", "batch_size=23"]),  # 24 rows together
    ],
)
def test_a_picture_alone_in_its_batch_ends_no_run(
    small: OwnFiles, tmp_path: Path, forget: str, method: str, settings: list[str]
) -> None:
    more = [part for field in settings for part in ("--set", field)]
    run = ["run", *small.options(), "--forget", forget, "--method", method, *more, *FP32, "--out", str(tmp_path / "o")]
    assert main(run) == 0
    assert read_result(tmp_path / "o").after is not None


def test_a_network_that_had_auxiliary_heads_when_it_was_saved_runs(tmp_path: Path) -> None:
    files = write_own(tmp_path, "torchvision:googlenet?size=32&init_weights=false&aux_logits=true")
    plain = OwnFiles(files.data, files.weights, "torchvision:googlenet?size=32&init_weights=false")
    more = ["--forget", "class:red", "--method", "gradient-ascent", "--set", "epochs=1", *FP32]
    assert main(["run", *plain.options(), *more, "--out", str(tmp_path / "o")]) == 0


def test_weights_that_blow_up_in_the_last_step_have_their_sentence(
    small: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explode = ["--forget", "class:red", "--method", "finetune", "--set", "epochs=1", "--set", "batch_size=3"]
    run = ["run", *small.options(), *explode, "--set", "lr=1", *FP32, "--out", str(tmp_path / "o")]
    assert main(run) == 1
    said = capsys.readouterr().err
    assert "The network's answers are no longer numbers. Lower the learning rate" in said
    assert "Traceback" not in said
    assert not (tmp_path / "o").exists()


def test_a_file_of_before_0_2_that_lacks_tensors_is_named_as_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_own(tmp_path)
    about = {"run": '{"model": "own:0123456789ab", "forget": "class:red", "method": "finetune", "seed": 0}'}
    tensors = load_file(files.weights)
    old, all_of_it = tmp_path / "after.safetensors", tmp_path / "all.safetensors"
    save_file({name: value for name, value in tensors.items() if name != "head.bias"}, old, metadata=about)
    save_file(tensors, all_of_it, metadata=about)
    options = ["run", "--data", str(files.data), "--architecture", files.architecture, "--anyway", *RED]
    assert main([*options, "--weights", str(old), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "after.safetensors holds only what a run of version 0.1 changed, not the whole network." in said
    assert "with run --config and the original weights" in said
    assert main([*options, "--weights", str(all_of_it), "--out", str(tmp_path / "out")]) == 0
