"""One's own retrained model as the reference of a run: measured like a shipped one, checked like the weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sfr_core.cli.run import main
from sfr_core.events import Evaluated, Kept
from sfr_core.results import LiveRecord
from sfr_core.runs.files import read_events, read_result
from tests.core.own_files import OwnFiles

FP32 = ["--device", "cpu", "--precision", "fp32"]
RUN = ["--forget", "class:red", "--method", "gradient-ascent", "--set", "epochs=1", *FP32]
AGAIN = ["--forget", "class:red", "--method", "retrain", "--set", "epochs=1", "--set", "batch_size=8", *FP32]


@pytest.fixture(scope="module")
def retrained(own: OwnFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "retrained"
    assert main(["run", *own.options(), *AGAIN, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("named", ["", "after.safetensors"])
def test_the_result_has_its_retrained_column(
    own: OwnFiles, retrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    out = tmp_path / "out"
    assert main(["run", *own.options(), *RUN, "--retrained", str(retrained / named), "--out", str(out)]) == 0
    assert "The retrained network recognises " in capsys.readouterr().err
    found, reference = read_result(out), read_result(retrained).after
    assert found.retrained is not None
    assert (found.retrained.FA, found.retrained.RA, found.retrained.TA) == (reference.FA, reference.RA, reference.TA)
    assert found.retrained.KL == 0.0
    gaps = [abs(getattr(found.after, name) - getattr(found.retrained, name)) for name in ("FA", "RA", "TA", "MIA")]
    assert found.avg_d == pytest.approx(sum(gaps) / 4)
    # Sixteen rows to keep, once. A file alone does not tell what it took.
    assert found.retrain_passes == (16.0 if not named else None)
    assert found.retrain_seconds is None


def test_what_is_no_reference_has_its_sentence(
    own: OwnFiles, retrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, broken = tmp_path / "other.safetensors", tmp_path / "broken.safetensors"
    tensors = load_file(own.weights)
    save_file({**tensors, "head.bias": torch.zeros(7)}, other)
    save_file({**tensors, "head.bias": torch.full((3,), float("nan"))}, broken)
    out = ["--out", str(tmp_path / "out")]
    blue = ["run", *own.options(), "--forget", "class:blue", *RUN[2:], *out]
    shipped = ["run", "--model", "fashion-mnist-resnet", "--forget", "class:Bag", "--method", "finetune", *out]
    for options, sentence in (
        (
            ["run", *own.options(), *RUN, *out, "--retrained", str(other)],
            "other.safetensors holds weights of another network",
        ),
        (["run", *own.options(), *RUN, *out, "--retrained", str(broken)], "no numbers"),
        (["run", *own.options(), *RUN, *out, "--retrained", str(tmp_path / "no.safetensors")], "is missing"),
        ([*blue, "--retrained", str(retrained)], "is retrain without class:red, not retrain without class:blue"),
        ([*shipped, "--retrained", str(retrained)], "--retrained needs a classifier of your own"),
    ):
        assert main(options) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_step_nearest_to_the_reference_is_kept(
    own: OwnFiles, retrained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ascent that breaks the network more with every step: the first is the nearest, or one that is as near."""
    out, steep = (
        tmp_path / "out",
        ["--set", "epochs=4", "--set", "lr=0.1", "--set", "batch_size=4"],
    )
    run = ["run", *own.options(), *RUN, *steep, "--out", str(out)]
    assert main([*run, "--keep-best"]) == 2  # near to what?
    assert "no retrained model" in capsys.readouterr().err
    assert not out.exists()
    assert main([*run, "--keep-best", "--retrained", str(retrained)]) == 0
    events = read_events(out)
    looks = {e.i: e.record for e in events if isinstance(e, Evaluated) and isinstance(e.record, LiveRecord) and e.i}
    kept = [e.steps for e in events if isinstance(e, Kept)]
    assert read_result(out).steps == (kept[0] if kept else max(looks))
    assert kept == [] or kept[0] < max(looks)
