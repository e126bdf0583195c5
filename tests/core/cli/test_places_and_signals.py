"""Where a run may write, who else writes there, and signals at any time: one line, the right exit code and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from sfr_core.cli.run import BAD_INPUT, main
from sfr_core.errors import InputError
from sfr_core.runs.place import check_folder, claimed

ROOT = Path(__file__).resolve().parents[3]
RUN = ["run", "--model", "fashion-mnist-resnet", "--forget", "class:Sneaker", "--method", "finetune"]


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("x" * 300, "Nothing can be written to x{79}… (File name too long)."),
        ("/".join(["y" * 200] * 25), "Nothing can be written to y{79}… (File name too long)."),
        ("/proc/x", "Nothing can be written to /proc/x (No such file or directory)."),
        ("/dev/full", "/dev/full is a file."),
        ("\0", "Nothing can be written to"),
    ],
)
def test_places_that_take_nothing(
    out: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*RUN, "--out", out]) == BAD_INPUT
    said = capsys.readouterr()
    for letter in "xy":
        sentence = sentence.replace(letter + "{79}", letter * 79)
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert not said.out
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_that_can_be_written_is_let_through(tmp_path: Path) -> None:
    check_folder(tmp_path / ("x" * 255), overwrite=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="File name too long"):
        check_folder(tmp_path / ("x" * 256), overwrite=False)


def test_a_second_run_into_one_folder_is_refused_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, link = tmp_path / "new" / "out", tmp_path / "link"
    link.symlink_to(tmp_path)
    with claimed(out):
        for name in (out, link / "new" / "out", tmp_path / "new" / ".." / "new" / "out"):
            assert main([*RUN, "--out", str(name)]) == BAD_INPUT
            assert f"Another run is writing to {name}. Choose another folder" in capsys.readouterr().err
        with claimed(tmp_path / "other"):
            pass
    with claimed(out):  # let go of
        pass
    assert not out.parent.exists()


def test_of_many_that_come_at_once_one_is_in_at_a_time(tmp_path: Path) -> None:
    """Each removes the lock's file when it goes, while others open it."""
    out, inside, most, entered = tmp_path / "out", [0], [0], [0]

    def come() -> None:
        for _ in range(200):
            with suppress(InputError), claimed(out):
                inside[0] += 1
                entered[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(come) for _ in range(4)]:
            done.result()
    assert most == [1]
    assert entered[0] > 0


def test_a_program_that_dies_lets_go_of_its_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from sfr_core.runs.place import claimed\n"
        "with claimed(Path(sys.argv[1])): print('mine', flush=True); signal.pause()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"mine\n"
    with pytest.raises(InputError, match="Another run is writing"), claimed(tmp_path / "out"):
        pass
    process.kill()
    process.communicate()
    with claimed(tmp_path / "out"):
        pass


def test_other_processes_of_a_launcher_share_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with claimed(tmp_path):
        monkeypatch.setenv("RANK", "1")
        with claimed(tmp_path):
            pass


@pytest.mark.parametrize(("number", "module"), [(signal.SIGINT, "torch._C"), (signal.SIGTERM, "pydantic")])
def test_a_signal_during_the_imports(number: int, module: str, tmp_path: Path) -> None:
    """As soon as Python says that it has imported something below that module."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "sfr_core", *RUN, "--out", str(tmp_path / "out")],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if module in line:
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    said = [line for line in rest.splitlines() if not line.startswith("import time:")]
    assert said == ["error: Interrupted; nothing was written."]
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sfr_core", "methods"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "error: Nothing can be written to stdout (No space left on device).\n"
