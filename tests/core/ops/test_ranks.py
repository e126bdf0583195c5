"""Two processes that learn together: equal weights from different batches, and one stop for both."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

from sfr_core.cancel import CancelToken
from sfr_core.ops.ranks import average, join, processes, rank, rank_seed, stopping


def test_a_single_process_is_left_alone() -> None:
    join("retrain")
    assert (processes(), rank(), rank_seed(7)) == (1, 0, 7)
    values = torch.tensor([1.0, 2.0])
    average([values])
    assert values.tolist() == [1.0, 2.0]
    token = CancelToken()
    assert not stopping(token)
    token.cancel()
    assert stopping(token)


def test_two_processes() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[3]
    common = {
        **os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root),
    }  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.core.ranks_child"], cwd=root, stdout=subprocess.PIPE, text=True,
            env={**common, "RANK": str(i), "LOCAL_RANK": str(i)},
        )
        for i in range(2)
    ]  # fmt: skip
    try:
        a, b = (json.loads(process.communicate(timeout=180)[0].splitlines()[-1]) for process in running)
    finally:
        for process in running:
            process.kill()
    assert (a["rank"], b["rank"], a["processes"]) == (0, 1, 2)
    assert "Several processes cannot run 'retrain' together" in a["refused"]
    assert a["gradients"] == b["gradients"] == [[1.5, 3.0], [0.5, 0.5]]
    assert a["draw"] != b["draw"]
    assert a["losses"] != b["losses"]
    assert (a["weights"], a["density"]) == (b["weights"], b["density"])
    assert a["stopped_after"] == b["stopped_after"] == 2
