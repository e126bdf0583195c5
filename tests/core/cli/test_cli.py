"""The command line: events on stdout, one line for bad input, exit codes, and runs that repeat to the same weights."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sfr_core.catalog import BY_KIND
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.cli.run import FAILED, main
from sfr_core.data.folder import open_folder
from sfr_core.events import Cancelled, from_json
from sfr_core.ops.device import cpu_threads
from sfr_core.presets import resolve
from sfr_core.runs.files import FILES, ROWS, read_config, read_events, read_result, read_weights
from sfr_core.zoo.shipped import cards
from tests.core.grammar import check_grammar
from tests.core.own_files import OwnFiles, write_own

ROOT = Path(__file__).resolve().parents[3]
MODEL = "fashion-mnist-resnet"
SHIPPED = ["--model", MODEL, "--forget", "class:sneaker", "--method", "sfr-on"]
QUICK = ["--forget", "class:RED", "--method", "sfr-on", "--set", "steps=4", "--set", "batch_size=4", "--set", "lr=0.1"]
FP32 = ["--device", "cpu", "--precision", "fp32"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def first_run(own: OwnFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one finished run."""
    out = tmp_path_factory.mktemp("runs") / "first"
    assert main(["run", *own.options(), *QUICK, *FP32, "--seed", "5", "--out", str(out)]) == 0
    return out


def same_weights(a: Path, b: Path) -> bool:
    one, other = read_weights(a), read_weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_a_run_prints_its_events_and_writes_its_files(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["run", *own.options(), *QUICK, *FP32, "--out", str(out)]) == 0
    stdout, stderr = capsys.readouterr()
    lines = stdout.splitlines()
    assert re.search(r"^Expected: about \d+ s to the finished comparison\.$", stderr, re.MULTILINE)
    took, alone = map(
        float, re.findall(r"^Done in ([\d.]+) s, ([\d.]+) s of them unlearning alone; ", stderr, re.MULTILINE)[0]
    )
    assert took >= alone
    events = [from_json(json.loads(line)) for line in lines]
    check_grammar(events)
    assert stdout == (out / "events.jsonl").read_text(encoding="utf-8")
    assert sorted(p.name for p in out.iterdir()) == sorted([*FILES, ROWS])
    assert json.loads(lines[-1])["event"] == "Finished"
    assert read_result(out) == events[-1].result  # type: ignore[union-attr]
    config = read_config(out)
    assert config.forget == "class:red"  # the canonical spelling
    assert config.model.startswith("own:")
    assert (
        config.settings
        == SFRonConfig.from_dict(
            resolve(config.model, "sfr-on", "quick", "official", {"steps": 4, "batch_size": 4, "lr": 0.1})
        ).to_dict()
    )
    assert str(own.data) not in (out / "config.json").read_text()


def test_the_written_weights_are_a_whole_network(own: OwnFiles, first_run: Path) -> None:
    from sfr_core.zoo.uploaded import open_uploaded

    before = open_uploaded(own.data, own.weights, own.architecture).build_trained().state_dict()
    written = read_weights(first_run)
    assert {name: value.shape for name, value in written.items()} == {name: v.shape for name, v in before.items()}
    assert any(not torch.equal(before[name], value) for name, value in written.items())


def test_a_config_repeats_a_run(own: OwnFiles, first_run: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["run", "--config", str(first_run / "config.json"), *own.options(), "--out", str(again)]) == 0
    assert same_weights(first_run, again)
    assert read_config(first_run) == read_config(again)
    assert read_result(first_run).after == read_result(again).after


def test_a_config_repeats_a_run_with_the_precision_and_the_threads_that_it_used(own: OwnFiles, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    with cpu_threads(2):  # precision "auto": a stopwatch chooses it
        assert main(["run", *own.options(), *QUICK, "--device", "cpu", "--out", str(first)]) == 0
    used = read_config(first)
    assert used.precision in ("fp32", "bf16")
    assert (used.device, used.threads) == ("cpu", 2)
    assert read_result(first).config == used.to_json()
    repeat = ["run", "--config", str(first), *own.options(), "--out", str(again)]
    with cpu_threads(1):
        assert main(repeat) == 0
        assert torch.get_num_threads() == 1
    assert read_config(again) == used
    assert (first / "after.safetensors").read_bytes() == (again / "after.safetensors").read_bytes()


def test_a_run_that_cannot_be_the_same_here_says_so(
    own: OwnFiles, first_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(first_run, folder)

    def said(name: str) -> str:
        assert main(["run", "--config", str(folder), *own.options(), "--out", str(tmp_path / name)]) == 0
        return capsys.readouterr().err

    assert "differ" not in said("same")
    result = json.loads((folder / "result.json").read_text())
    result["versions"]["torch"] = "1.0.0+cpu"
    (folder / "result.json").write_text(json.dumps(result))
    assert "That run used torch 1.0.0 and here is torch" in said("other")
    if not torch.cuda.is_available():
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "device": "cuda"}))
        assert "This run used a GPU and this machine has none" in said("gpu")


def test_another_seed_gives_other_weights(own: OwnFiles, first_run: Path, tmp_path: Path) -> None:
    assert main(["run", *own.options(), *QUICK, *FP32, "--seed", "6", "--out", str(tmp_path / "other")]) == 0
    assert not same_weights(first_run, tmp_path / "other")


def test_the_paper_variant_changes_its_fields_and_set_has_the_last_word(own: OwnFiles, tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = ["--variant", "paper", "--set", "alpha_schedule=constant", "--set", "fisher_clip=none"]
    assert main(["run", *own.options(), *QUICK, *FP32, *more, "--out", str(out)]) == 0
    config = read_config(out)
    assert (config.variant, config.settings["masked_weights"]) == ("paper", "hold")
    assert (config.settings["alpha_schedule"], config.settings["fisher_clip"]) == ("constant", None)


def test_row_numbers_from_a_file_stand_in_the_config(own: OwnFiles, tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("3\n1, 7\n")
    spec = ["--forget", f"samples:@{rows}", "--method", "finetune", "--set", "epochs=1"]
    assert main(["run", *own.options(), *spec, *FP32, "--out", str(tmp_path / "out")]) == 0
    assert read_config(tmp_path / "out").forget == "samples:1,3,7"


def test_pictures_are_forgotten_by_their_files(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(own.data, tmp_path / "pictures")
    (data / "notes.txt").write_text("not a picture")
    (data / "red/wrong.heic").write_text("nor this")
    for copied in ("7", "copy"):  # the test rows are drawn: one of the two copies at least is a training row
        shutil.copy(data / "red/3.png", data / f"red/{copied}.png")
    names = open_folder(data).files or ()
    wanted = next(name for name in ("red/3.png", "red/7.png", "red/copy.png") if name in names)
    copies = sum(name in names for name in ("red/3.png", "red/7.png", "red/copy.png")) - 1
    (tmp_path / "list.txt").write_text(f"\ufeff{wanted}\r\nblue/{names[0].split('/')[1]}\r\n", encoding="utf-8")
    out, options = tmp_path / "out", ["--data", str(data), *own.options()[2:]]
    spec = ["--forget", f"files:@{tmp_path}/list.txt", "--method", "finetune", "--set", "epochs=1"]
    assert main(["run", *options, *spec, *FP32, "--out", str(out)]) == 0
    said = capsys.readouterr().err
    row = names.index(wanted)
    assert read_config(out).forget == f"samples:0,{row}"
    assert "2 files were skipped: 1 .heic, 1 .txt." in said
    assert f"Exact copies of forgotten pictures in the remain set: {copies}." in said
    assert read_result(out).copies == copies > 0
    table = (out / "rows.csv").read_text(encoding="utf-8").splitlines()
    assert table[1 + row] == f"{row},{wanted},red,train,yes"
    assert [line.rpartition(",")[2] for line in table].count("yes") == 2
    assert len(table) == 1 + 31
    shutil.copy(data / "red/3.png", data / "blue/-.png")  # now every row is another file
    repeat = ["run", "--config", str(out / "config.json"), *options, "--out", str(tmp_path / "again")]
    assert main(repeat) == 2
    assert "Row 0 was 'blue/" in capsys.readouterr().err


def test_an_unknown_class_of_folders_to_train_and_test_on_names_the_classes(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("training_set", "test_set"):
        shutil.copytree(own.data, tmp_path / "pictures" / part)
    options = ["--data", str(tmp_path / "pictures"), *own.files()[2:]]  # the sentence on what it knows comes after
    args = ["run", *options, "--forget", "class:test_set", "--method", "finetune", "--out", str(tmp_path / "out")]
    assert main(args) == 2
    assert "Unknown class 'test_set'. Known: blue, green, red." in capsys.readouterr().err


CLASSIFIER, DRAWING, TRANSFORMER, CONCEPTS = (
    ["--model", model, "--method", "sfr-on", "--forget"]
    for model in (MODEL, "fashion-mnist-ddpm", "emoji-dit", "emoji-sd")
)
BAD = {
    "model": (["--model", "fashion-mnist-resne", *SHIPPED[2:]], "'fashion-mnist-resnet'"),
    "class": ([*CLASSIFIER, "class:sneeker"], "'Sneaker'"),
    "spec": ([*CLASSIFIER, "sneaker"], "class:NAME"),
    "share": ([*CLASSIFIER, "random:1.5"], "random:0.1"),
    "row": ([*CLASSIFIER, "samples:10000"], "0 to 9999"),
    "method": ([*SHIPPED[:4], "--method", "sfron"], "'sfr-on'"),
    "preset": ([*SHIPPED, "--preset", "quik"], "'quick'"),
    "variant": ([*SHIPPED, "--variant", "papers"], "'paper'"),
    "device": ([*SHIPPED, "--device", "cudo"], "'cuda'"),
    "precision": ([*SHIPPED, "--precision", "fp23"], "'fp32'"),
    "field": ([*SHIPPED, "--set", "alfa=3"], "'alpha'"),
    "value": ([*SHIPPED, "--set", "steps=many"], "a whole number between 1 and"),
    "range": ([*SHIPPED, "--set", "momentum=2"], "between 0 and 0.999"),
    "no value": ([*SHIPPED, "--set", "steps"], "field=value"),
    "seed": ([*SHIPPED, "--seed", "-1"], "between 0 and 2,147,483,647"),
    "seed text": ([*SHIPPED, "--seed", "x"], "between 0 and 2,147,483,647"),
    "missing option": (SHIPPED[:4], "--method is missing"),
    "unknown option": ([*SHIPPED, "--epochs", "3"], "--epochs"),
    "config missing": (["--config", "nothing.json"], "nothing.json"),
    "config and more": (["--config", "x.json", "--seed", "3"], "--seed contradicts --config"),
    "config and no data": (["--config", "x.json", "--data-free"], "--data-free contradicts --config"),
    "own, half": (["--data", ".", *SHIPPED[2:]], "--weights is missing"),
    "own, both": ([*SHIPPED, "--data", ".", "--weights", "w", "--architecture", "a"], "contradicts"),
    "own, nothing": (["--data", "no", "--weights", "no", "--architecture", "a", *SHIPPED[2:]], "safetensors"),
    "method of generators": ([*SHIPPED[:4], "--method", "joint"], "cannot work on this kind of model"),
    "drawing classifier": ([*SHIPPED, "--data-free"], "cannot draw"),
    "concept of a classifier": ([*CLASSIFIER, "concept:cat"], "A classifier cannot forget a concept"),
    "generator, share": ([*DRAWING, "random:0.1"], "whole classes"),
    "generator, rows": ([*DRAWING, "samples:3"], "whole classes"),
    "generator, class": ([*DRAWING, "class:Trousers"], "Did you mean 'Trouser'"),
    "generator, concept": ([*DRAWING, "concept:cat"], "A diffusion model cannot forget a concept"),
    "generator, redirect": ([*DRAWING, "class:Bag", "--redirect", "x"], "Only a text-to-image model"),
    "generator, method": ([*DRAWING, "class:Bag", "--method", "scrub"], "cannot work on this kind of model"),
    "generator, field": ([*DRAWING, "class:Bag", "--set", "epochs=3"], "Unknown field"),
    "generator, unknown method": ([*DRAWING, "class:Bag", "--method", "sfron"], "Did you mean 'sfr-on'"),
    "transformer, share": ([*TRANSFORMER, "random:0.1"], "whole classes"),
    "transformer, rows": ([*TRANSFORMER, "samples:3"], "whole classes"),
    "transformer, class": ([*TRANSFORMER, "class:flagz"], "Did you mean 'flags'"),
    "transformer, concept": ([*TRANSFORMER, "concept:flags"], "cannot forget a concept"),
    "transformer, method": ([*TRANSFORMER, "class:flags", "--method", "scrub"], "cannot work on this kind of model"),
    "transformer, proxy": ([*TRANSFORMER, "class:flags", "--method", "random-embeding"], "'random-embedding'"),
    "concept": ([*CONCEPTS, "concept:cta"], "Did you mean 'cat'"),
    "concept that is not offered": ([*CONCEPTS, "concept:tiger"], "Unknown concept"),
    "concept, class": ([*CONCEPTS, "class:cat"], "forgets a concept"),
    "concept, share": ([*CONCEPTS, "random:0.1"], "forgets a concept"),
    "concept, redirect": ([*CONCEPTS, "concept:cat", "--redirect", "a picture of a kitten"], "very concept"),
    "concept, part": ([*CONCEPTS, "concept:cat", "--set", "trainable=half"], "one of full"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_exit_2_and_nothing_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args, hint = BAD[name]
    assert main(["run", *args, "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert hint in captured.err
    assert list(tmp_path.iterdir()) == []


def test_other_bad_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["walk"], ["run", *SHIPPED], ["models", "--yaml"]):
        assert main(argv) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_cuda_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert main(["run", *SHIPPED, "--device", "cuda", "--out", str(tmp_path / "out")]) == 2
    assert "no usable NVIDIA GPU" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_refused_before_the_run_unless_overwrite(
    own: OwnFiles, first_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("x")
    assert main(["run", *own.options(), *QUICK, *FP32, "--seed", "5", "--out", str(out)]) == 2
    assert capsys.readouterr().out == ""
    assert main(["run", *own.options(), *QUICK, *FP32, "--seed", "5", "--out", str(out), "--overwrite"]) == 0
    assert same_weights(out, first_run)
    assert (out / "mine.txt").read_text() == "x"


def test_replay_with_other_weights_or_without_them_is_refused(
    first_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = ["run", "--config", str(first_run), "--out", str(tmp_path / "out")]
    assert main(replay) == 2
    assert "--data" in capsys.readouterr().err
    other = write_own(tmp_path, "SmallResNet?widths=5,&size=8")
    assert main([*replay, *other.options()]) == 2
    assert "but the run used own:" in capsys.readouterr().err


def test_a_config_with_a_field_out_of_range_is_refused(
    first_run: Path, own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((first_run / "config.json").read_text())
    config["settings"]["momentum"] = 7
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert main(["run", "--config", str(tmp_path), *own.options(), "--out", str(tmp_path / "out")]) == 2
    assert "Momentum must be between 0 and 0.999." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_that_diverges_fails_with_one_and_writes_nothing(
    own: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explode = ["--forget", "class:red", "--method", "gradient-ascent", "--set", "lr=1", "--set", "clip=1e9"]
    explode += ["--set", "weight_decay=0.5", "--set", "epochs=500", "--set", "lr_schedule=constant"]
    assert main(["run", *own.options(), *explode, *FP32, "--out", str(tmp_path / "out")]) == 1
    assert "no longer finite" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert MODEL in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == [c.id for c in cards()]
    assert rows[0]["sha256"] == cards()[0].sha256
    assert main(["methods"]) == 0
    table = capsys.readouterr().out
    assert all(method in table for methods in BY_KIND.values() for method in methods)
    assert main(["methods", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["kind"], row["id"]): len(row["settings"]) for row in rows} == {
        (kind, m.id): len(m.config_cls.settings()) for kind, methods in BY_KIND.items() for m in methods.values()
    }


def test_tables_and_bad_input_import_no_torch() -> None:
    code = (
        "import sys; from sfr_core.cli.run import main; main(['models']); main(['methods']); "
        "main(['run', '--model', 'x', '--forget', 'y', '--method', 'z', '--out', '/tmp/never-made']); "
        "main(['run', '--model', 'fashion-mnist-resnet', '--forget', 'class:x', '--method', 'sfr-on', '--out', '/tmp/never-made']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0


def test_ctrl_c_stops_after_the_step_and_keeps_what_there_is(own: OwnFiles, tmp_path: Path) -> None:
    out = tmp_path / "out"
    long = ["--forget", "class:red", "--method", "sfr-on", "--set", "steps=20000", "--set", "batch_size=4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sfr_core", "run", *own.options(), *long, *FP32, "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if json.loads(line)["event"] == "Step":
            break
    assert not out.exists()
    process.send_signal(signal.SIGINT)
    lines += process.stdout  # communicate() would lose what is read ahead
    stderr = process.stderr.read()
    process.wait(timeout=60)
    assert process.returncode == 130
    events = read_events(out)
    check_grammar(events)
    last = events[-1]
    assert isinstance(last, Cancelled)
    assert last.steps < 2000  # of 20000: however slow the machine, a step is not much faster than a signal
    assert len(events) == len(lines)
    assert sorted(p.name for p in out.iterdir()) == ["after.safetensors", "config.json", "events.jsonl", "rows.csv"]
    assert read_weights(out)
    assert "Stopping after this step" in stderr


def test_a_model_that_does_not_fit_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfr_core.runs.session.open_whole", lambda card: torch.empty(2**50))
    options = ["--model", "fashion-mnist-resnet", "--forget", "class:Sneaker", "--method", "sfr-on", "--device", "cpu"]
    assert main(["run", *options, "--out", str(tmp_path / "out")]) == FAILED
    said = capsys.readouterr()
    assert said.err == (
        "error: The device has too little free memory to open this model. Choose a smaller batch size or the CPU.\n"
    )
    assert said.out == ""
    assert not (tmp_path / "out").exists()
