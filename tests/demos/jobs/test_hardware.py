"""What the machine is called, decided from files and variables of this test's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from demos import panel as following
from demos.jobs import hardware
from demos.text import result as compare_copy
from demos.text import unlearn as copy


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No ZeroGPU, nothing said about CUDA, and an empty folder for the driver's files."""
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "GPUS", tmp_path)
    return tmp_path


def card(folder: Path, slot: str, text: str) -> None:
    (folder / slot).mkdir()
    (folder / slot / "information").write_text(text)


@pytest.mark.parametrize(("value", "there"), [("1", True), ("true", True), ("YES", True), ("0", False), ("", False)])
def test_zerogpu_by_its_variable(monkeypatch: pytest.MonkeyPatch, value: str, there: bool) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert hardware.on_zerogpu() is there


def test_zerogpu_comes_first(monkeypatch: pytest.MonkeyPatch, plain_machine: Path) -> None:
    card(plain_machine, "0000:01:00.0", "Model: \t\t NVIDIA H100\n")
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert hardware.detect() == hardware.Hardware("zerogpu", copy.BADGE_ZERO)


def test_the_first_card_of_the_driver_is_named(plain_machine: Path) -> None:
    card(plain_machine, "0000:41:00.0", "IRQ: 5\nModel: \t\t NVIDIA B\n")
    card(plain_machine, "0000:01:00.0", "Model: \t\t NVIDIA A100-SXM4\nIRQ: 4\n")
    assert hardware.detect() == hardware.Hardware("cuda", "NVIDIA A100-SXM4")


@pytest.mark.parametrize("hidden", ["", "-1", " "])
def test_hidden_cards_do_not_count(monkeypatch: pytest.MonkeyPatch, plain_machine: Path, hidden: str) -> None:
    card(plain_machine, "0000:01:00.0", "Model: NVIDIA A100\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert hardware.detect().kind == "cpu"


def test_a_driver_without_a_model_is_a_cpu(plain_machine: Path) -> None:
    card(plain_machine, "0000:01:00.0", "IRQ: 5\n")
    assert hardware.detect().kind == "cpu"


@pytest.mark.parametrize(("allowed", "name"), [({3}, "CPU, 1 core"), ({0, 5}, "CPU, 2 cores")])
def test_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch, allowed: set[int], name: str) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
    assert hardware.cores() == len(allowed)
    assert hardware.detect() == hardware.Hardware("cpu", name)


def test_without_an_affinity_the_system_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert hardware.cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert hardware.cores() == 1


def test_a_run_without_a_session_uses_nothing() -> None:
    assert hardware.usage(None) == ""


def test_a_run_on_the_cpu_says_its_memory() -> None:
    from sfr_core.ops import device

    line = hardware.usage(SimpleNamespace(device_name="CPU, 2 cores", device=SimpleNamespace(type="cpu")))
    assert line.startswith("CPU, 2 cores")
    # The line holds this process's memory; it may have moved a little since.
    assert any(copy.size(device.resident_bytes() + d * 2**20) in line for d in range(-64, 65))


def test_nothing_is_said_while_torch_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sfr_core.ops.device", raising=False)
    assert hardware.usage(SimpleNamespace(device_name="CPU", device=SimpleNamespace(type="cpu"))) == ""
    assert "sfr_core.ops.device" not in sys.modules


def test_weights_that_a_shared_gpu_took_along_are_not_called_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert following.gone() == compare_copy.PLAY_GONE
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert following.gone() == compare_copy.PLAY_ZERO
